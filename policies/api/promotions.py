"""Promotions over HTTP."""

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
from governance.models import User
from governance.tokens import Scope
from policies import approvals, coverage, dryruns, promotions, selectors
from policies.api import queries, waiting, waivers
from policies.evaluation import State
from policies.models import Finding, Promotion, Waiver

MAX_WAIT_S = 60
StateWord = Literal["checking", "waiting", "blocked", "passed", "withdrawn"]


class PromotionIn(rest.Body, frozen=True, kw_only=True):
    """A request to move a model version to a stage."""

    model: str
    version: str
    stage: str
    namespace: str | None = None
    commit: str = ""
    note: str = ""
    evidence: dict[str, str] = msgspec.field(default_factory=dict)
    made_by: dict[str, list[str]] = msgspec.field(default_factory=dict)
    dry_run: bool = False


class FindingOut(rest.Body, frozen=True, kw_only=True):
    """What one rule found; the outcome is `pending` until it has."""

    check: str
    title: str
    outcome: str
    measured: Any
    required: Any
    summary: str
    remedy: str
    evidence: Any
    policy: str | None
    mode: str
    rule: str | None
    waiver: UUID | None


class ApprovalOut(rest.Body, frozen=True, kw_only=True):
    """What one person said."""

    user: str
    decision: str
    reason: str
    decided_at: datetime


class AppliedOut(rest.Body, frozen=True, kw_only=True):
    """A policy that applied, and the approvals that it asks for; before it takes effect it asks for none."""

    policy: str
    number: int
    digest: str
    approvals: int
    is_in_effect: bool


class PromotionOut(rest.Body, frozen=True, kw_only=True):
    """A promotion with all that is known of it. That of a dry run was not kept: its id and address lead nowhere."""

    id: UUID
    dry_run: bool
    model: str
    namespace: str
    version: str
    stage: str
    commit: str
    note: str
    state: StateWord
    findings: list[FindingOut]
    policies: list[AppliedOut]
    approvals: list[ApprovalOut]
    approvals_required: int
    waivers: list[waivers.WaiverOut]
    uncovered_since: datetime | None
    watermark: int
    requested_by: str
    requested_at: datetime
    decided_at: datetime | None
    url: str


class PromotionRow(rest.Body, frozen=True, kw_only=True):
    """A promotion in a list."""

    id: UUID
    model: str
    namespace: str
    version: str
    stage: str
    state: StateWord
    requested_by: str
    requested_at: datetime
    decided_at: datetime | None


class PromotionsQuery(rest.Paging, frozen=True, kw_only=True):
    """Which promotions."""

    state: StateWord | None = None
    model: UUID | None = None


class WaitQuery(rest.Body, frozen=True, kw_only=True):
    """How many seconds to wait for the state to be final or waiting."""

    wait: Annotated[float, msgspec.Meta(ge=0, le=MAX_WAIT_S)] = 0


class DecisionIn(rest.Body, frozen=True, kw_only=True):
    """A person's word on a promotion."""

    decision: Literal["approve", "reject"]
    reason: str = ""


def _finding(row: Finding, waiver: Waiver | None) -> FindingOut:
    rule = coverage.rule_of(row)
    return FindingOut(
        check=row.check_id,
        title=selectors.title(row),
        outcome=row.outcome or "pending",
        measured=row.measured,
        required=row.required,
        summary=row.summary,
        remedy=selectors.remedy(row),
        evidence=row.evidence,
        policy=row.policy_version.policy.slug if row.policy_version else None,
        mode=row.mode,
        rule=rule[1] if rule else None,
        waiver=waiver.uuid if waiver else None,
    )


def _promotion(uuid: UUID, *, dry_run: bool = False) -> PromotionOut:
    row = selectors.promotion(uuid)
    now = timezone.now()
    waived = selectors.waived(row, now)
    # Only what passed with waivers has a time until which they cover it.
    gaps = coverage.gaps(row, now) if row.state == State.PASSED and row.covered_until is not None else []
    findings = sorted(row.findings.all(), key=lambda finding: finding.position)
    said = sorted(row.approvals.all(), key=lambda approval: approval.decided_at)
    return PromotionOut(
        id=row.uuid,
        dry_run=dry_run,
        model=row.model_name,
        namespace=row.namespace,
        version=row.version,
        stage=row.stage,
        commit=row.commit,
        note=row.note,
        state=State(row.state).value,
        findings=[_finding(finding, waived.get(finding.pk)) for finding in findings],
        policies=msgspec.convert(row.policies, list[AppliedOut]),
        approvals=[
            ApprovalOut(
                user=approval.user.username,
                decision=approval.decision,
                reason=approval.reason,
                decided_at=approval.decided_at,
            )
            for approval in said
        ],
        approvals_required=row.approvals_required,
        waivers=[waivers.document(waiver, now) for waiver in selectors.waivers_of(row, waived)],
        uncovered_since=min((gap.since for gap in gaps), default=None),
        watermark=row.watermark,
        requested_by=row.requested_by.username,
        requested_at=row.requested_at,
        decided_at=row.decided_at,
        url="" if dry_run else f"{settings.PUBLIC_URL}/promotions/{row.uuid}",
    )


def _row(row: Promotion) -> PromotionRow:
    return PromotionRow(
        id=row.uuid,
        model=row.model_name,
        namespace=row.namespace,
        version=row.version,
        stage=row.stage,
        state=State(row.state).value,
        requested_by=row.requested_by.username,
        requested_at=row.requested_at,
        decided_at=row.decided_at,
    )


class PromotionsView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="promotions_list",
        summary="Promotions, the newest first",
        parameters=openapi.query_parameters(PromotionsQuery),
        responses={200: rest.page_schema(rest.schema_of(PromotionRow))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, PromotionsQuery)
        pages = rest.Cursor()
        found = selectors.promotions(state=asked.state or "", model=asked.model)
        return pages.get_paginated_response([_row(row) for row in pages.paginate_queryset(found, request)])

    @extend_schema(
        operation_id="promotions_request",
        summary="Ask for a promotion; a dry run says what it would come to and writes nothing",
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request={"application/json": rest.schema_of(PromotionIn)},
        responses={201: rest.schema_of(PromotionOut), 200: rest.schema_of(PromotionOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, PromotionIn)
        if asked.dry_run:
            return rest.answer(_dry_run(rest.actor(request), asked))
        promotion, is_new = promotions.request(
            actor=rest.actor(request),
            model=asked.model,
            version=asked.version,
            stage=asked.stage,
            namespace=asked.namespace,
            commit=asked.commit,
            note=asked.note,
            evidence=asked.evidence,
            made_by=asked.made_by,
            idempotency_key=queries.idempotency_key(request),
        )
        return rest.answer(_promotion(promotion.uuid), status=201 if is_new else 200)


def _dry_run(actor: User, asked: PromotionIn) -> PromotionOut:
    return dryruns.run(
        actor=actor,
        model=asked.model,
        version=asked.version,
        stage=asked.stage,
        namespace=asked.namespace,
        commit=asked.commit,
        note=asked.note,
        evidence_files=asked.evidence,
        made_by=asked.made_by,
        show=lambda promotion: _promotion(promotion.uuid, dry_run=True),
    )


class PromotionView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="promotion",
        summary="One promotion; with wait, as soon as it is no longer being checked",
        parameters=openapi.query_parameters(WaitQuery),
        responses={200: rest.schema_of(PromotionOut)},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        waiting.until_decided(uuid, rest.query(request, WaitQuery).wait)
        return rest.answer(_promotion(uuid))


class ApprovalsView(APIView):
    scopes = {"POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="promotion_decide",
        summary="Approve or reject a promotion",
        request={"application/json": rest.schema_of(DecisionIn)},
        responses={201: rest.schema_of(PromotionOut)},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        said = rest.read(request, DecisionIn)
        promotion = selectors.promotion(uuid)
        approvals.record(actor=rest.actor(request), promotion=promotion, decision=said.decision, reason=said.reason)
        return rest.answer(_promotion(uuid), status=201)


class WithdrawView(APIView):
    scopes = {"POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="promotion_withdraw",
        summary="Take a request back",
        request=None,
        responses={200: rest.schema_of(PromotionOut)},
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        promotions.withdraw(actor=rest.actor(request), promotion=selectors.promotion(uuid))
        return rest.answer(_promotion(uuid))
