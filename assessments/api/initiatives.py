"""Initiatives over HTTP."""

from datetime import date, datetime
from typing import Literal

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments import initiatives, records
from assessments.models import Initiative
from governance import openapi, rest, selectors
from governance.tokens import Scope


class InitiativeIn(rest.Body, frozen=True, kw_only=True):
    """A level to reach, or criteria, by teams and until a day, inclusive."""

    title: str
    framework: str
    teams: list[str]
    starts_on: date
    ends_on: date
    level: int | None = None
    criteria: list[str] = []
    note: str = ""


class EndIn(rest.Body, frozen=True, kw_only=True):
    """Why it ends before its time."""

    reason: str


class DoneOut(rest.Body, frozen=True, kw_only=True):
    """Items done of those asked for, in a snapshot."""

    as_of: datetime
    snapshot: int
    done: int
    asked: int


class InitiativeOut(rest.Body, frozen=True, kw_only=True):
    """An initiative. `outcome` is empty while it runs; `done` of `asked` items in the newest snapshot until its end."""

    id: int
    title: str
    framework: str
    level: int | None
    criteria: list[str]
    teams: list[str]
    starts_on: date
    ends_on: date
    note: str
    sponsor: str
    outcome: str
    reason: str
    closed_at: datetime | None
    done: int
    asked: int
    burn_up: list[DoneOut] = []


class InitiativesQuery(rest.Paging, frozen=True, kw_only=True):
    """Which initiatives."""

    state: Literal["open", "closed"] | None = None
    team: str = ""


def initiative_out(one: Initiative, *, is_whole: bool = False) -> InitiativeOut:
    progress = records.progress(one)
    result = one.result or {"done": progress.done, "asked": progress.asked}
    return InitiativeOut(
        id=one.pk,
        title=one.title,
        framework=one.framework,
        level=one.level,
        criteria=one.criteria,
        teams=sorted(team.slug for team in one.teams.all()),
        starts_on=one.starts_on,
        ends_on=one.ends_on,
        note=one.note,
        sponsor=one.sponsor.username,
        outcome=one.outcome,
        reason=one.reason,
        closed_at=one.closed_at,
        done=result["done"],
        asked=result["asked"],
        burn_up=[
            DoneOut(as_of=point.at, snapshot=point.number, done=point.done.done, asked=point.done.asked)
            for point in (records.burn_up(one) if is_whole else ())
        ],
    )


class InitiativesView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.MATURITY_WRITE}

    @extend_schema(
        operation_id="initiatives_list",
        summary="Initiatives, the newest first",
        parameters=openapi.query_parameters(InitiativesQuery),
        responses={200: rest.page_schema(rest.schema_of(InitiativeOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, InitiativesQuery)
        team = selectors.team(asked.team) if asked.team else None
        found = records.initiatives(is_open=None if asked.state is None else asked.state == "open", team=team)
        pages = rest.Cursor()
        return pages.get_paginated_response([initiative_out(one) for one in pages.paginate_queryset(found, request)])

    @extend_schema(
        operation_id="initiative_open",
        summary="Open an initiative",
        request={"application/json": rest.schema_of(InitiativeIn)},
        responses={201: rest.schema_of(InitiativeOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, InitiativeIn)
        opened = initiatives.start(
            actor=rest.actor(request),
            title=asked.title,
            framework=asked.framework,
            teams=[selectors.team(slug) for slug in dict.fromkeys(asked.teams)],
            starts_on=asked.starts_on,
            ends_on=asked.ends_on,
            level=asked.level,
            criteria=asked.criteria,
            note=asked.note,
        )
        return rest.answer(initiative_out(opened, is_whole=True), status=201)


class InitiativeView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="initiative",
        summary="One initiative with its burn-up",
        responses={200: rest.schema_of(InitiativeOut)},
    )
    def get(self, request: Request, initiative: int) -> Response:
        return rest.answer(initiative_out(records.initiative(initiative), is_whole=True))


class InitiativeEndView(APIView):
    scopes = {"POST": Scope.MATURITY_WRITE}

    @extend_schema(
        operation_id="initiative_end",
        summary="End an initiative before its time",
        request={"application/json": rest.schema_of(EndIn)},
        responses={200: rest.schema_of(InitiativeOut)},
    )
    def post(self, request: Request, initiative: int) -> Response:
        said = rest.read(request, EndIn)
        ended = initiatives.end(
            actor=rest.actor(request), initiative=records.initiative(initiative), reason=said.reason
        )
        return rest.answer(initiative_out(ended, is_whole=True))
