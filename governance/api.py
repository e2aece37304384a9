"""Who a token is, teams, owners and the audit log over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import openapi, ownership, rest, selectors, teams
from governance.models import ApiToken, AuditEntry, Membership, Ownership, Team
from governance.tokens import Scope

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
TeamRoleWord = Literal["member", "approver", "maintainer"]
OwnerRoleWord = Literal["business_owner", "technical_owner", "steward"]


class WhoAmI(rest.Body, frozen=True):
    """Whose token this is and what it may do. Without a token: the one who is signed in."""

    user: str
    token: str | None
    scopes: list[str]
    expires_at: datetime | None


class TeamIn(rest.Body, frozen=True):
    """A new team."""

    slug: str
    name: str


class TeamOut(rest.Body, frozen=True):
    """A team in a list."""

    slug: str
    name: str
    members: int
    assets: int


class MemberIn(rest.Body, frozen=True):
    """What someone is to be in a team."""

    role: TeamRoleWord


class MemberOut(rest.Body, frozen=True):
    """What someone is in a team."""

    user: str
    role: str
    since: datetime


class TeamDetail(rest.Body, frozen=True):
    """A team with its members."""

    slug: str
    name: str
    members: list[MemberOut]


class OwnershipIn(rest.Body, frozen=True):
    """Who is to answer for an asset, from now or from a time on."""

    asset: UUID
    role: OwnerRoleWord
    team: str
    user: str | None = None
    since: Instant | None = None


class OwnershipOut(rest.Body, frozen=True):
    """Who answers for an asset in a role, from a time (inclusive) to another (exclusive; open while it lasts)."""

    asset: UUID
    role: str
    team: str
    user: str | None
    since: datetime
    until: datetime | None


class OwnersQuery(rest.Body, frozen=True):
    """The instant of which to tell the owners; now when absent."""

    at: Instant | None = None


class AuditQuery(rest.Paging, frozen=True):
    """Which entries: of one subject ("promotion:<uuid>"), by one user, of one action, since a time (inclusive)."""

    subject: str = ""
    by: str = ""
    action: str = ""
    since: Instant | None = None


class AuditEntryOut(rest.Body, frozen=True):
    """One change of state. Without an actor the system itself or its operator made it."""

    id: int
    occurred_at: datetime
    actor: str | None
    action: str
    subject: str
    detail: dict[str, Any]


def _ownership(row: Ownership) -> OwnershipOut:
    return OwnershipOut(
        asset=row.asset,
        role=row.role,
        team=row.team.slug,
        user=row.user.username if row.user else None,
        since=row.period.lower,
        until=row.period.upper,
    )


def _member(row: Membership) -> MemberOut:
    return MemberOut(user=row.user.username, role=row.role, since=row.created_at)


def _listed(row: selectors.CountedTeam) -> TeamOut:
    return TeamOut(slug=row.slug, name=row.name, members=row.members_count, assets=row.assets_count)


def _team(row: Team) -> TeamDetail:
    return TeamDetail(slug=row.slug, name=row.name, members=[_member(one) for one in selectors.members(row)])


def _entry(row: AuditEntry) -> AuditEntryOut:
    return AuditEntryOut(
        id=row.pk,
        occurred_at=row.occurred_at,
        actor=row.actor.username if row.actor else None,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
    )


class WhoAmIView(APIView):
    scopes = {"GET": None}

    @extend_schema(operation_id="whoami", summary="Whose token this is", responses={200: rest.schema_of(WhoAmI)})
    def get(self, request: Request) -> Response:
        user, token = rest.actor(request), request.auth
        if not isinstance(token, ApiToken):
            return rest.answer(WhoAmI(user=user.username, token=None, scopes=[], expires_at=None))
        return rest.answer(
            WhoAmI(user=user.username, token=token.name, scopes=sorted(token.scopes), expires_at=token.expires_at)
        )


class TeamsView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.GOVERNANCE_WRITE}
    ordering = ("slug",)

    @extend_schema(
        operation_id="teams_list",
        summary="All teams, by slug",
        parameters=openapi.query_parameters(rest.Paging),
        responses={200: rest.page_schema(rest.schema_of(TeamOut))},
    )
    def get(self, request: Request) -> Response:
        rest.query(request, rest.Paging)
        pages = rest.Cursor()
        rows = pages.paginate_queryset(selectors.teams(), request, self)
        return pages.get_paginated_response([_listed(row) for row in rows])

    @extend_schema(
        operation_id="team_create",
        summary="Make a team",
        request={"application/json": rest.schema_of(TeamIn)},
        responses={201: rest.schema_of(TeamDetail)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, TeamIn)
        return rest.answer(_team(teams.create(actor=rest.actor(request), slug=asked.slug, name=asked.name)), status=201)


class TeamView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="team", summary="One team and its members", responses={200: rest.schema_of(TeamDetail)})
    def get(self, request: Request, slug: str) -> Response:
        return rest.answer(_team(selectors.team(slug)))


class MemberView(APIView):
    scopes = {"PUT": Scope.GOVERNANCE_WRITE, "DELETE": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="team_member_put",
        summary="Make someone a member, approver or maintainer of a team",
        request={"application/json": rest.schema_of(MemberIn)},
        responses={200: rest.schema_of(MemberOut), 201: rest.schema_of(MemberOut)},
    )
    def put(self, request: Request, slug: str, username: str) -> Response:
        asked = rest.read(request, MemberIn)
        membership, is_new = teams.add_member(
            actor=rest.actor(request), team=selectors.team(slug), user=selectors.user(username), role=asked.role
        )
        return rest.answer(_member(membership), status=201 if is_new else 200)

    @extend_schema(operation_id="team_member_delete", summary="Take someone out of a team", responses={204: None})
    def delete(self, request: Request, slug: str, username: str) -> HttpResponse:
        teams.remove_member(actor=rest.actor(request), team=selectors.team(slug), user=selectors.user(username))
        return HttpResponse(status=204)


class OwnershipsView(APIView):
    scopes = {"POST": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="ownership_assign",
        summary="Make a team, and perhaps a person, the owner of an asset in a role",
        request={"application/json": rest.schema_of(OwnershipIn)},
        responses={200: rest.schema_of(OwnershipOut), 201: rest.schema_of(OwnershipOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, OwnershipIn)
        assigned, is_new = ownership.assign(
            actor=rest.actor(request),
            asset=asked.asset,
            role=asked.role,
            team=selectors.team(asked.team),
            user=selectors.user(asked.user) if asked.user is not None else None,
            since=asked.since,
        )
        return rest.answer(_ownership(assigned), status=201 if is_new else 200)


class OwnersView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="owners",
        summary="Who answers for an asset, now or at an instant",
        parameters=openapi.query_parameters(OwnersQuery),
        responses={200: rest.page_schema(rest.schema_of(OwnershipOut))},
    )
    def get(self, request: Request, asset: UUID) -> Response:
        found = selectors.owners(asset, rest.query(request, OwnersQuery).at)
        return rest.answer({"results": [_ownership(row) for row in found], "next": None})


class OwnerView(APIView):
    scopes = {"DELETE": Scope.GOVERNANCE_WRITE}

    @extend_schema(
        operation_id="ownership_end",
        summary="End the current ownership of an asset in a role",
        responses={200: rest.schema_of(OwnershipOut)},
    )
    def delete(self, request: Request, asset: UUID, role: str) -> Response:
        return rest.answer(_ownership(ownership.end(actor=rest.actor(request), asset=asset, role=role)))


class OwnershipHistoryView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="owners_history",
        summary="Every ownership an asset had, has or is to have, the one set last first",
        parameters=openapi.query_parameters(rest.Paging),
        responses={200: rest.page_schema(rest.schema_of(OwnershipOut))},
    )
    def get(self, request: Request, asset: UUID) -> Response:
        rest.query(request, rest.Paging)
        pages = rest.Cursor()
        rows = pages.paginate_queryset(selectors.ownership_history(asset), request, self)
        return pages.get_paginated_response([_ownership(row) for row in rows])


class AuditView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="audit",
        summary="The audit log, the latest first; for those who may read it",
        parameters=openapi.query_parameters(AuditQuery),
        responses={200: rest.page_schema(rest.schema_of(AuditEntryOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, AuditQuery)
        entries = selectors.audit_entries(
            actor=rest.actor(request), subject=asked.subject, by=asked.by, action=asked.action, since=asked.since
        )
        pages = rest.Cursor()
        return pages.get_paginated_response([_entry(row) for row in pages.paginate_queryset(entries, request, self)])
