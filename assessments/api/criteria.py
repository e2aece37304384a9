"""The catalogue over HTTP, and each criterion down to the misses behind its numbers."""

from typing import Any

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments import aggregates, portfolio, selectors
from assessments.api import documents
from assessments.api.documents import MissOut, OnADay, SnapshotOut
from governance import openapi, rest
from governance import selectors as people
from governance.tokens import Scope


class OfSnapshot(rest.Body, frozen=True, kw_only=True):
    """As of which time; with `daily` the newest snapshot, published or not."""

    as_of: str | None = None
    daily: bool = False


class MissesQuery(rest.Paging, frozen=True, kw_only=True):
    """Of all teams, or of one; in the state false or unknown; of which snapshot, as OfSnapshot."""

    as_of: str | None = None
    daily: bool = False
    team: str = ""
    state: str = ""


class CriterionOut(rest.Body, frozen=True, kw_only=True):
    """A criterion (or test) as the catalogue has it, with each team's result."""

    criterion: dict[str, Any]
    snapshot: SnapshotOut
    results: list[dict[str, Any]]


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
        listed = [
            (team, criterion, miss)
            for team, result in aggregates.results_of(snapshot, criterion)
            for miss in result.get("misses", ())
            if (only is None or team == only) and (not asked.state or miss["state"] == asked.state)
        ]
        page = documents.page(listed, asked)
        page["results"] = documents.misses_out(page["results"])
        return rest.answer(page)


def _on(framework: str, asked: OfSnapshot | MissesQuery) -> OnADay:
    return OnADay(framework=framework, as_of=asked.as_of, daily=asked.daily)
