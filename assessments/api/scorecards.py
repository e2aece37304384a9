"""Scorecards, their history, what changed, next steps and what-if, over HTTP. Everything here only reads."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments import portfolio, selectors
from assessments.api import documents
from assessments.api.documents import OnADay, ScorecardOut, ScorecardRow
from assessments.models import Scorecard
from governance import openapi, rest
from governance import selectors as people
from governance.errors import NotFound
from governance.tokens import Scope

MAX_TICKED = 200


class ScorecardsQuery(OnADay, frozen=True, kw_only=True):
    """The scorecards of one snapshot: of its teams, or of its models as well; of one team alone if it is named."""

    cursor: str = ""
    limit: int = rest.PAGE_SIZE
    count: bool = False
    models: bool = False
    team: str = ""


class ScorecardQuery(OnADay, frozen=True, kw_only=True):
    """Of the team, or of one of its models."""

    model: UUID | None = None


class WhatIfQuery(OnADay, frozen=True, kw_only=True):
    """The criteria that are to be taken as passed, separated by commas."""

    team: str
    passing: str = ""


class WhatIfOut(rest.Body, frozen=True, kw_only=True):
    """What would become of a team's rating, beside what it is."""

    team: str
    passing: list[str]
    level: int
    possible: int
    ladder_score: float
    index: float
    percent_to_target: float | None
    before: dict[str, Any]


class TrendPoint(rest.Body, frozen=True, kw_only=True):
    """One published snapshot of a team. Where the catalogue version changes, the line is broken."""

    snapshot: int
    kind: str
    as_of: datetime
    catalogue_version: str
    level: int | None
    published_level: int | None
    score: float | None
    index: float | None


class MissingFactOut(rest.Body, frozen=True, kw_only=True):
    """A fact that results lack: what would make it known, and how many criteria of how many teams wait for it."""

    fact: str
    means: str
    known_by: str
    criteria: list[str]
    teams: list[str]
    results: int
    decided_by_it: int


class ScorecardsView(APIView):
    scopes = {"GET": Scope.READ}
    ordering = ("id",)

    @extend_schema(
        operation_id="scorecards_list",
        summary="The scorecards of one snapshot",
        parameters=openapi.query_parameters(ScorecardsQuery),
        responses={200: rest.page_schema(rest.schema_of(ScorecardRow))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, ScorecardsQuery)
        found = documents.snapshot(asked).scorecards.select_related("team", "snapshot").defer("results")
        if not asked.models:
            found = found.filter(model=None)
        if asked.team:
            found = found.filter(team=people.team(asked.team))
        pages = rest.Cursor()
        return pages.get_paginated_response(
            [documents.row_out(one) for one in pages.paginate_queryset(found, request, self)]
        )


class ScorecardByIdView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="scorecard_by_id",
        summary="Any scorecard, also of a model or of what nobody owns",
        responses={200: rest.schema_of(ScorecardOut)},
    )
    def get(self, request: Request, scorecard: int) -> Response:
        found = Scorecard.objects.select_related("team", "snapshot").filter(pk=scorecard).first()
        if found is None:
            raise NotFound("There is no such scorecard.", fields={"scorecard": "unknown"})
        return rest.answer(documents.scorecard_out(found))


class TeamScorecardView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="team_scorecard",
        summary="Where a team stands by a framework, and its next steps",
        parameters=openapi.query_parameters(ScorecardQuery),
        responses={200: rest.schema_of(ScorecardOut)},
    )
    def get(self, request: Request, slug: str) -> Response:
        asked = rest.query(request, ScorecardQuery)
        team = people.team(slug)
        found = selectors.scorecard(documents.snapshot(asked), team=team, model=asked.model)
        return rest.answer(documents.scorecard_out(found))


class TrendView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="team_scorecard_trend",
        summary="The published scorecards of a team, the oldest first",
        parameters=openapi.query_parameters(OnADay),
        responses={200: {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object"}}}}},
    )
    def get(self, request: Request, slug: str) -> Response:
        asked = rest.query(request, OnADay)
        until = selectors.instant(asked.as_of)
        points = [
            TrendPoint(
                snapshot=card.snapshot.number,
                kind=card.snapshot.kind,
                as_of=card.snapshot.as_of,
                catalogue_version=card.snapshot.catalogue_version,
                level=card.level,
                published_level=card.published_level,
                score=card.score,
                index=card.rating.get("index"),
            )
            for card in selectors.trend(asked.framework, people.team(slug)).defer("results")
            if until is None or card.snapshot.as_of <= until
        ]
        return rest.answer({"results": points})


class WhatIfView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="whatif",
        summary="What a team's rating would be if these criteria passed",
        parameters=openapi.query_parameters(WhatIfQuery),
        responses={200: rest.schema_of(WhatIfOut)},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, WhatIfQuery)
        team = people.team(asked.team)
        card = selectors.scorecard(documents.snapshot(asked), team=team)
        passing = sorted({name for name in asked.passing.split(",") if name})[:MAX_TICKED]
        target = selectors.target(asked.framework, team)
        after = selectors.supposed(card, passing, target.level if target else None)
        return rest.answer(
            WhatIfOut(
                team=team.slug,
                passing=passing,
                level=after.rating.level or 0,
                possible=after.rating.possible or 0,
                ladder_score=after.rating.ladder_score or 0.0,
                index=after.rating.index or 0.0,
                percent_to_target=after.percent_to_target,
                before=card.rating,
            )
        )


class MissingFactsView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="missing_facts",
        summary="What would make unknown results known, what helps most first",
        parameters=openapi.query_parameters(OnADay),
        responses={200: {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object"}}}}},
    )
    def get(self, request: Request) -> Response:
        snapshot = documents.snapshot(rest.query(request, OnADay))
        slugs = dict(people.teams().values_list("pk", "slug"))
        found = [
            MissingFactOut(
                fact=one.fact,
                means=one.means,
                known_by=one.known_by,
                criteria=list(one.criteria),
                teams=[slugs[team] for team in one.teams if team in slugs],
                results=one.results,
                decided_by_it=one.decided_by_it,
            )
            for one in portfolio.missing_facts({snapshot.framework: snapshot})
        ]
        return rest.answer({"results": found})
