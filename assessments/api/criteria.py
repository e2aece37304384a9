"""The catalogue over HTTP, and each criterion down to the misses behind its numbers."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments import aggregates, editions, portfolio, previews, selectors
from assessments.api import documents, tables
from assessments.api.documents import MissOut, OnADay, SnapshotOut
from assessments.measures.deliveries import Whose
from assessments.models import Snapshot
from governance import openapi, rest
from governance import selectors as people
from governance.models import Team
from governance.tokens import Scope

MISS_COLUMNS = ("team", "criterion", "state", "label", "what", "asset", "missing")


class OfSnapshot(rest.Body, frozen=True, kw_only=True):
    """As of which time; with `daily` the newest snapshot, published or not."""

    as_of: str | None = None
    daily: bool = False


class WhichMisses(rest.Body, frozen=True, kw_only=True):
    """Of all teams, or of one; in one state (true counts where a criterion bounds from above); of which snapshot."""

    as_of: str | None = None
    daily: bool = False
    team: str = ""
    state: Literal["", "true", "false", "unknown"] = ""


class MissesQuery(rest.Paging, frozen=True, kw_only=True):
    """Which misses, as WhichMisses, page by page.

    A snapshot keeps the first 50 of each team. `whole`: all of them, counted again as of the snapshot's time from
    everything that is known now; only of criteria that are measured.
    """

    as_of: str | None = None
    daily: bool = False
    team: str = ""
    state: Literal["", "true", "false", "unknown"] = ""
    whole: bool = False


class CriterionOut(rest.Body, frozen=True, kw_only=True):
    """A criterion (or test) as the catalogue has it, with each team's result."""

    criterion: dict[str, Any]
    snapshot: SnapshotOut
    results: list[dict[str, Any]]


class EvaluationQuery(rest.Body, frozen=True, kw_only=True):
    """Of which team."""

    team: str


class EvaluationOut(rest.Body, frozen=True, kw_only=True):
    """A criterion as a snapshot of this moment would store it. Nothing is stored or published."""

    at: datetime
    team: str
    framework: str
    criterion: str
    result: dict[str, Any]
    misses: list[MissOut]


class FrameworksView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="frameworks_list", summary="The frameworks that teams are rated by", responses=OpenApiTypes.OBJECT
    )
    def get(self, request: Request) -> Response:
        rest.query(request, rest.Body)
        found = [
            {"framework": one.framework, "version": one.version, "title": one.title} for one in portfolio.frameworks()
        ]
        return rest.answer({"results": found, "next": None})


class FrameworkView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="framework", summary="A framework, whole", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, framework: str) -> Response:
        rest.query(request, rest.Body)
        return rest.answer(selectors.framework(framework))


class CriterionView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="criterion",
        summary="One criterion with every team's result",
        parameters=openapi.query_parameters(OfSnapshot),
        responses={200: rest.schema_of(CriterionOut)},
    )
    def get(self, request: Request, framework: str, criterion: str) -> Response:
        asked = rest.query(request, OfSnapshot)
        found = selectors.criterion(framework, criterion)
        snapshot = documents.snapshot(_on(framework, asked))
        results = [
            {"team": team.slug if team else None} | {name: value for name, value in result.items() if name != "misses"}
            for team, result in aggregates.results_of(snapshot, criterion)
        ]
        return rest.answer(
            CriterionOut(
                criterion=msgspec.to_builtins(found),
                snapshot=documents.snapshot_out(snapshot),
                results=results,
            )
        )


class VersionsView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="framework_versions",
        summary="Every change of a catalogue that was in use, with what differs, the oldest first",
        responses={200: {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object"}}}}},
    )
    def get(self, request: Request, framework: str) -> Response:
        rest.query(request, rest.Body)
        found = selectors.framework(framework)
        return rest.answer({"results": [documents.break_out(one) for one in editions.breaks(found.framework)]})


class EvaluationView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="criterion_evaluation",
        summary="Measure one criterion of a team again, now: a preview after a fix, not published",
        parameters=openapi.query_parameters(EvaluationQuery),
        responses={200: rest.schema_of(EvaluationOut)},
    )
    def get(self, request: Request, framework: str, criterion: str) -> Response:
        team = people.team(rest.query(request, EvaluationQuery).team)
        found = previews.evaluate(team=team, framework=framework, criterion=criterion)
        result = {name: value for name, value in found.result.items() if name != "misses"}
        return rest.answer(
            EvaluationOut(
                at=found.at,
                team=team.slug,
                framework=framework,
                criterion=criterion,
                result=result,
                misses=documents.misses_out([(team, criterion, miss) for miss in found.result["misses"]]),
            )
        )


class MissesView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="criterion_misses",
        summary="The items that do not count as good: the way from a number to the assets behind it",
        parameters=openapi.query_parameters(MissesQuery),
        responses={200: rest.page_schema(rest.schema_of(MissOut))},
    )
    def get(self, request: Request, framework: str, criterion: str) -> Response:
        asked = rest.query(request, MissesQuery)
        selectors.criterion(framework, criterion)
        snapshot = documents.snapshot(_on(framework, asked))
        only = people.team(asked.team) if asked.team else None
        if asked.whole:
            return rest.answer(_whole(snapshot, criterion, asked, only))
        listed = [
            (team, criterion, miss)
            for team, result in aggregates.results_of(snapshot, criterion)
            for miss in result.get("misses", ())
            if (only is None or team == only) and (not asked.state or miss["state"] == asked.state)
        ]
        page = documents.page(listed, asked)
        page["results"] = documents.misses_out(page["results"])
        return rest.answer(page)


class MissesCsvView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="criterion_misses_csv",
        summary="All misses of a criterion as a table, counted again as of the snapshot's time",
        parameters=openapi.query_parameters(WhichMisses),
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, framework: str, criterion: str) -> StreamingHttpResponse:
        asked = rest.query(request, WhichMisses)
        selectors.criterion(framework, criterion)
        snapshot = documents.snapshot(_on(framework, asked))
        only = people.team(asked.team) if asked.team else None
        listed, _ = _listed(snapshot, criterion, state=asked.state, only=only, after=0, limit=None)
        rows = (msgspec.to_builtins(one) | {"missing": "; ".join(one.missing)} for one in documents.misses_out(listed))
        return tables.response(MISS_COLUMNS, rows, name=f"{criterion}-misses.csv")


def _whole(snapshot: Snapshot, criterion: str, asked: MissesQuery, only: Team | None) -> dict[str, Any]:
    """One page of all misses."""
    first = documents.first(asked)
    listed, total = _listed(snapshot, criterion, state=asked.state, only=only, after=first, limit=asked.limit)
    following = first + asked.limit
    page: dict[str, Any] = {
        "results": documents.misses_out(listed),
        "next": str(following) if following < total else None,
    }
    return page | {"count": total} if asked.count else page


def _listed(
    snapshot: Snapshot, criterion: str, *, state: str, only: Team | None, after: int, limit: int | None
) -> tuple[list[tuple[Team | None, str, dict[str, Any]]], int]:
    """Misses with their teams, and how many there are."""
    found = previews.every_miss(
        of=Whose(team=only.pk if only else None, is_one_team=only is not None),
        framework=snapshot.framework,
        criterion=criterion,
        as_of=snapshot.as_of,
        state=state,
        after=after,
        limit=limit,
    )
    teams = people.teams().in_bulk({team for team, _ in found.misses if team is not None})
    listed: list[tuple[Team | None, str, dict[str, Any]]] = [
        (
            teams.get(team) if team is not None else None,
            criterion,
            {"asset": one.asset, "label": one.label, "state": one.state.value, "missing": list(one.missing)},
        )
        for team, one in found.misses
    ]
    return listed, found.total


def _on(framework: str, asked: OfSnapshot | MissesQuery | WhichMisses) -> OnADay:
    return OnADay(framework=framework, as_of=asked.as_of, daily=asked.daily)
