"""Waivers over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import openapi, rest
from governance import selectors as governance_selectors
from governance.tokens import Scope
from policies import selectors, waiver_states, waivers
from policies.api import queries
from policies.models import Waiver

StateWord = Literal["requested", "approved", "refused", "revoked", "expired"]
ScopeWord = Literal["version", "model", "team"]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class WaiverIn(rest.Body, frozen=True, kw_only=True):
    """A request to set one rule aside for a time, from a finding of a promotion.

    `rule` is what the finding says under `rule`, or the id of its check where only one finding has it.
    """

    promotion: UUID
    rule: str
    policy: str = ""
    scope: ScopeWord = "version"
    team: str | None = None
    reason: str
    ticket: str
    starts_at: Instant | None = None
    ends_at: Instant


class ReasonIn(rest.Body, frozen=True, kw_only=True):
    """Why."""

    reason: str = ""


class WaiverDecisionOut(rest.Body, frozen=True, kw_only=True):
    """What one person said to a waiver."""

    user: str
    decision: Literal["approve", "refuse"]
    reason: str
    decided_at: datetime


class WaiverOut(rest.Body, frozen=True, kw_only=True):
    """A waiver. It covers its rule from its approval and its start on, until the instant in `ends_at`."""

    id: UUID
    state: StateWord
    policy: str
    rule: str
    check: str
    parameters: dict[str, Any]
    promotion: UUID
    scope: ScopeWord
    model: str
    version: str | None
    team: str | None
    tier: str
    reason: str
    ticket: str
    requested_by: str
    requested_at: datetime
    starts_at: datetime
    ends_at: datetime
    approvals_required: int
    decisions: list[WaiverDecisionOut]
    approved_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    revoked_because: str
    in_force: bool
    url: str


class WaiversQuery(rest.Paging, frozen=True, kw_only=True):
    """Which waivers."""

    state: StateWord | None = None
    promotion: UUID | None = None
    model: UUID | None = None
    policy: str | None = None


def document(row: Waiver, now: datetime) -> WaiverOut:
    """The waiver as it stands at that instant. Costs nothing for one read by `selectors`."""
    said = sorted(row.decisions.all(), key=lambda decision: decision.decided_at)
    return WaiverOut(
        id=row.uuid,
        state=waiver_states.of(row, now).value,
        policy=row.policy.slug,
        rule=row.rule,
        check=row.check_id,
        parameters=row.parameters,
        promotion=row.promotion.uuid,
        scope=msgspec.convert(row.scope, ScopeWord),
        model=row.promotion.model_name,
        version=row.promotion.version if row.scope == "version" else None,
        team=row.team.slug if row.team else None,
        tier=row.tier,
        reason=row.reason,
        ticket=row.ticket,
        requested_by=row.requested_by.username,
        requested_at=row.requested_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        approvals_required=row.approvals_required,
        decisions=[
            WaiverDecisionOut(
                user=one.user.username,
                decision=waivers.Word(one.decision).value,
                reason=one.reason,
                decided_at=one.decided_at,
            )
            for one in said
        ],
        approved_at=row.approved_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by.username if row.revoked_by else None,
        revoked_because=row.revoked_because,
        in_force=waiver_states.is_in_force(row, now),
        url=f"{settings.PUBLIC_URL}/waivers/{row.uuid}",
    )


def _answer(uuid: UUID, status: int = 200) -> Response:
    return rest.answer(document(selectors.waiver(uuid), timezone.now()), status=status)


class WaiversView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.PROMOTIONS_WRITE}
    ordering = ("ends_at", "id")

    @extend_schema(
        operation_id="waivers_list",
        summary="Waivers, those that end first first",
        parameters=openapi.query_parameters(WaiversQuery),
        responses={200: rest.page_schema(rest.schema_of(WaiverOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, WaiversQuery)
        now = timezone.now()
        found = selectors.waivers(
            now=now, state=asked.state or "", promotion=asked.promotion, model=asked.model, policy=asked.policy or ""
        )
        pages = rest.Cursor()
        rows = pages.paginate_queryset(found, request, self)
        return pages.get_paginated_response([document(row, now) for row in rows])

    @extend_schema(
        operation_id="waivers_request",
        summary="Ask that a rule be set aside for a time",
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request={"application/json": rest.schema_of(WaiverIn)},
        responses={201: rest.schema_of(WaiverOut), 200: rest.schema_of(WaiverOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, WaiverIn)
        waiver, is_new = waivers.request(
            actor=rest.actor(request),
            promotion=selectors.promotion(asked.promotion),
            rule=asked.rule,
            policy=asked.policy,
            scope=asked.scope,
            team=governance_selectors.team(asked.team) if asked.team else None,
            reason=asked.reason,
            ticket=asked.ticket,
            starts_at=asked.starts_at,
            ends_at=asked.ends_at,
            idempotency_key=queries.idempotency_key(request),
        )
        return _answer(waiver.uuid, status=201 if is_new else 200)


class WaiverView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="waiver", summary="One waiver", responses={200: rest.schema_of(WaiverOut)})
    def get(self, request: Request, uuid: UUID) -> Response:
        return _answer(uuid)


class WaiverApproveView(APIView):
    scopes = {"POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="waiver_approve",
        summary="Approve a waiver; with the last approval its promotion is judged again",
        request={"application/json": rest.schema_of(ReasonIn)},
        responses={200: rest.schema_of(WaiverOut)},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        said = rest.read(request, ReasonIn)
        waivers.approve(actor=rest.actor(request), waiver=selectors.waiver(uuid), reason=said.reason)
        return _answer(uuid)


class WaiverRefuseView(APIView):
    scopes = {"POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="waiver_refuse",
        summary="Refuse a waiver, with the reason",
        request={"application/json": rest.schema_of(ReasonIn)},
        responses={200: rest.schema_of(WaiverOut)},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        said = rest.read(request, ReasonIn)
        waivers.refuse(actor=rest.actor(request), waiver=selectors.waiver(uuid), reason=said.reason)
        return _answer(uuid)


class WaiverRevokeView(APIView):
    scopes = {"POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="waiver_revoke",
        summary="End a waiver at once, or take back the request",
        request={"application/json": rest.schema_of(ReasonIn)},
        responses={200: rest.schema_of(WaiverOut)},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        said = rest.read(request, ReasonIn)
        waivers.revoke(actor=rest.actor(request), waiver=selectors.waiver(uuid), reason=said.reason)
        return _answer(uuid)
