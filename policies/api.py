"""Promotions and policies over HTTP."""

import time
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import rest, streams, yamldocuments
from governance.errors import Invalid, TooLarge
from governance.tokens import Scope
from policies import approvals, documents, evidence_files, promotions, publishing, selectors
from policies.evaluation import State
from policies.models import EvidenceFile, Finding, PolicyVersion, Promotion

MAX_WAIT_S = 60
FIRST_POLL_S, LONGEST_POLL_S = 0.025, 0.1
MAX_KEY_CHARS = 200
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


class ApprovalOut(rest.Body, frozen=True, kw_only=True):
    """What one person said."""

    user: str
    decision: str
    reason: str
    decided_at: datetime


class PromotionOut(rest.Body, frozen=True, kw_only=True):
    """A promotion with all that is known of it."""

    id: UUID
    model: str
    namespace: str
    version: str
    stage: str
    commit: str
    note: str
    state: StateWord
    findings: list[FindingOut]
    approvals: list[ApprovalOut]
    approvals_required: int
    waivers: list[str]
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


class EvidenceOut(msgspec.Struct, frozen=True, kw_only=True):
    """A file of evidence that is kept."""

    digest: str
    size: int
    stored_at: datetime


class WaitQuery(rest.Body, frozen=True, kw_only=True):
    """How many seconds to wait for the state to be final or waiting."""

    wait: Annotated[float, msgspec.Meta(ge=0, le=MAX_WAIT_S)] = 0


class DecisionIn(rest.Body, frozen=True, kw_only=True):
    """A person's word on a promotion."""

    decision: Literal["approve", "reject"]
    reason: str = ""


class DocumentIn(rest.Body, frozen=True, kw_only=True):
    """A policy's YAML text."""

    document: str


class ErrorOut(rest.Body, frozen=True, kw_only=True):
    """What is wrong at one place of a policy's text."""

    line: int
    column: int
    path: str
    message: str


class ValidationOut(rest.Body, frozen=True, kw_only=True):
    """Whether a policy's text is valid, and what is wrong otherwise."""

    valid: bool
    errors: list[ErrorOut]


class PolicyOut(rest.Body, frozen=True, kw_only=True):
    """The current version of a policy."""

    policy: str
    number: int
    digest: str
    document: str
    created_by: str | None
    created_at: datetime


def _finding(row: Finding) -> FindingOut:
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
    )


def _promotion(uuid: UUID) -> PromotionOut:
    row = selectors.promotion(uuid)
    findings = sorted(row.findings.all(), key=lambda finding: finding.position)
    said = sorted(row.approvals.all(), key=lambda approval: approval.decided_at)
    return PromotionOut(
        id=row.uuid,
        model=row.model_name,
        namespace=row.namespace,
        version=row.version,
        stage=row.stage,
        commit=row.commit,
        note=row.note,
        state=State(row.state).value,
        findings=[_finding(finding) for finding in findings],
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
        waivers=[],
        watermark=row.watermark,
        requested_by=row.requested_by.username,
        requested_at=row.requested_at,
        decided_at=row.decided_at,
        url=f"{settings.PUBLIC_URL}/promotions/{row.uuid}",
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


def _policy(version: PolicyVersion) -> PolicyOut:
    return PolicyOut(
        policy=version.policy.slug,
        number=version.number,
        digest=version.digest,
        document=version.document,
        created_by=version.created_by.username if version.created_by else None,
        created_at=version.created_at,
    )


def _errors(bad: yamldocuments.BadDocument) -> list[ErrorOut]:
    return [
        ErrorOut(line=error.line, column=error.column, path=error.path, message=error.message) for error in bad.errors
    ]


def parameters(kind: type[rest.Body]) -> list[OpenApiParameter]:
    """The query parameters of a list or read, for the OpenAPI document."""
    properties = rest.schema_of(kind)["properties"]
    return [OpenApiParameter(name, schema, OpenApiParameter.QUERY) for name, schema in properties.items()]


def await_state(uuid: UUID, wait_s: float) -> None:
    """Return when the promotion is no longer being checked, or the time is up."""
    deadline = time.monotonic() + wait_s
    pause = FIRST_POLL_S
    while Promotion.objects.filter(uuid=uuid, state=State.CHECKING).exists():
        left = deadline - time.monotonic()
        if left <= 0:
            return
        # Others may have the connection while nothing is to be read.
        connection.close()
        time.sleep(min(pause, left))
        pause = min(pause * 1.3, LONGEST_POLL_S)


class PromotionsView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="promotions_list",
        summary="Promotions, the newest first",
        parameters=parameters(PromotionsQuery),
        responses={200: rest.page_schema(rest.schema_of(PromotionRow))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, PromotionsQuery)
        pages = rest.Cursor()
        found = selectors.promotions(state=asked.state or "", model=asked.model)
        return pages.get_paginated_response([_row(row) for row in pages.paginate_queryset(found, request)])

    @extend_schema(
        operation_id="promotions_request",
        summary="Ask for a promotion",
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request={"application/json": rest.schema_of(PromotionIn)},
        responses={201: rest.schema_of(PromotionOut), 200: rest.schema_of(PromotionOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, PromotionIn)
        promotion, is_new = promotions.request(
            actor=rest.actor(request),
            model=asked.model,
            version=asked.version,
            stage=asked.stage,
            namespace=asked.namespace,
            commit=asked.commit,
            note=asked.note,
            evidence=asked.evidence,
            idempotency_key=_idempotency_key(request),
        )
        return rest.answer(_promotion(promotion.uuid), status=201 if is_new else 200)


def _idempotency_key(request: Request) -> str | None:
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not (0 < len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
        says = f"1 to {MAX_KEY_CHARS} printable ASCII characters."
        raise Invalid(f"Idempotency-Key: {says}", fields={"Idempotency-Key": says})
    return str(key)


class PromotionView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="promotion",
        summary="One promotion; with wait, as soon as it is no longer being checked",
        parameters=parameters(WaitQuery),
        responses={200: rest.schema_of(PromotionOut)},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        await_state(uuid, rest.query(request, WaitQuery).wait)
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


class PoliciesView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.POLICIES_WRITE}

    @extend_schema(
        operation_id="policies_list",
        summary="The current version of every policy",
        responses={200: rest.page_schema(rest.schema_of(PolicyOut))},
    )
    def get(self, request: Request) -> Response:
        rest.query(request, rest.Body)
        found = [_policy(version) for version, _ in selectors.current_policies()]
        return rest.answer({"results": found, "next": None})

    @extend_schema(
        operation_id="policies_publish",
        summary="Publish a policy; the same text again makes no new version",
        request={"application/json": rest.schema_of(DocumentIn)},
        responses={201: rest.schema_of(PolicyOut), 200: rest.schema_of(PolicyOut)},
    )
    def post(self, request: Request) -> Response:
        said = rest.read(request, DocumentIn)
        try:
            version, is_new = publishing.publish(actor=rest.actor(request), text=said.document)
        except yamldocuments.BadDocument as bad:
            fields = {f"{error.line}:{error.column} {error.path}".strip(): error.message for error in bad.errors}
            raise Invalid("The document is no valid policy.", fields=fields, code="bad_policy") from None
        return rest.answer(_policy(version), status=201 if is_new else 200)


class ValidateView(APIView):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="policies_validate",
        summary="What is wrong with a policy's text, by line and column",
        request={"application/json": rest.schema_of(DocumentIn)},
        responses={200: rest.schema_of(ValidationOut)},
    )
    def post(self, request: Request) -> Response:
        said = rest.read(request, DocumentIn)
        try:
            documents.parse(said.document)
        except yamldocuments.BadDocument as bad:
            return rest.answer(ValidationOut(valid=False, errors=_errors(bad)))
        return rest.answer(ValidationOut(valid=True, errors=[]))


class EvidenceView(APIView):
    """One file of evidence, named by its SHA-256."""

    scopes = {"GET": Scope.READ, "PUT": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="evidence",
        summary="Whether a file of evidence is kept",
        responses={200: rest.schema_of(EvidenceOut)},
    )
    def get(self, request: Request, digest: str) -> Response:
        return rest.answer(_evidence(evidence_files.find(digest)))

    @extend_schema(
        operation_id="evidence_send",
        summary="Send a file of evidence; one that is kept already is not read again",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={201: rest.schema_of(EvidenceOut), 200: rest.schema_of(EvidenceOut)},
    )
    def put(self, request: Request, digest: str) -> Response:
        limit = settings.EVIDENCE_MAX_BYTES
        if streams.declared_bytes(request._request) > limit:
            raise TooLarge(f"The file is larger than {limit:,} bytes.")
        content = streams.chunks(request._request)
        file, is_new = evidence_files.store(actor=rest.actor(request), digest=digest, content=content)
        return rest.answer(_evidence(file), status=201 if is_new else 200)


def _evidence(file: EvidenceFile) -> EvidenceOut:
    return EvidenceOut(digest=file.digest, size=file.size, stored_at=file.stored_at)
