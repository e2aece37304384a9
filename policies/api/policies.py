"""Policies over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import openapi, rest, yamldocuments
from governance.errors import Invalid
from governance.tokens import Scope
from policies import casefiles, differences, documents, jsonschema, publishing, selectors, simulation
from policies.models import PolicyVersion

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
MAX_DOCUMENTS = 50
MAX_PROMOTIONS = 5_000
# A document and its cases, or several documents, come in one body.
MAX_BODY_BYTES = 4_000_000


class OnADayQuery(rest.Body, frozen=True, kw_only=True):
    """What stood at `as_of` (now when absent), going by what was published by `known_at`; times with their offset."""

    as_of: Instant | None = None
    known_at: Instant | None = None

    @property
    def until(self) -> tuple[datetime, str] | None:
        """A text is known as soon as it stands, so the earlier of both counts; with its name. Raises Invalid."""
        said = (("as_of", self.as_of), ("known_at", self.known_at))
        return min(((_utc(name, at), name) for name, at in said if at is not None), default=None)


class DocumentIn(rest.Body, frozen=True, kw_only=True):
    """A policy's YAML text."""

    document: str


class PublishIn(rest.Body, frozen=True, kw_only=True):
    """A policy's YAML text, and why it changes. `after` is the version that the author has read, 0 for none."""

    document: str
    note: str = ""
    after: Annotated[int, msgspec.Meta(ge=0)] | None = None


class TestIn(rest.Body, frozen=True, kw_only=True):
    """A policy's YAML text and that of its cases."""

    document: str
    cases: str


class SimulateIn(rest.Body, frozen=True, kw_only=True):
    """Drafts and the time from which promotions are judged again (from, inclusive, to, exclusive).

    Each draft stands in for the policy of its name; with `alone` the other policies of today do not apply beside them.
    """

    documents: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_DOCUMENTS)]
    since: Instant
    until: Instant
    stage: str = ""
    alone: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PROMOTIONS)] = 500


class RetireIn(rest.Body, frozen=True, kw_only=True):
    """Why a policy is to judge nothing any more."""

    reason: str


class DiffQuery(rest.Body, frozen=True, kw_only=True):
    """Two versions by their numbers: the newest and the one before it when absent."""

    old: Annotated[int, msgspec.Meta(ge=1)] | None = None
    new: Annotated[int, msgspec.Meta(ge=1)] | None = None


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
    policy: str | None = None


class DraftDiffOut(rest.Body, frozen=True, kw_only=True):
    """What a draft changes of the newest version; `number` is null when there is no such policy yet."""

    policy: str
    number: int | None
    patch: str
    meaning: list[str]


class CaseFindingOut(rest.Body, frozen=True, kw_only=True):
    """What a rule found in a case."""

    check: str
    mode: str
    outcome: str
    summary: str


class CaseOut(rest.Body, frozen=True, kw_only=True):
    """What came of a case; `problem` is empty when it came as expected."""

    name: str
    line: int
    problem: str
    state: str
    findings: list[CaseFindingOut]


class TestOut(rest.Body, frozen=True, kw_only=True):
    """Whether every case came as expected. Errors are those of the policy, or else those of the file of cases."""

    passed: bool
    errors_in: Literal["", "document", "cases"]
    errors: list[ErrorOut]
    cases: list[CaseOut]


class ReasonOut(rest.Body, frozen=True, kw_only=True):
    """A rule that would have kept the gate shut, judged by the facts stored then, or by those of today."""

    policy: str
    check: str
    outcome: str
    summary: str
    facts: Literal["stored", "today"]


class ChangeOut(rest.Body, frozen=True, kw_only=True):
    """A promotion that would have been decided otherwise."""

    promotion: UUID
    model: str
    version: str
    stage: str
    requested_at: datetime
    was: str
    would: str
    because: list[ReasonOut]


class SimulationOut(rest.Body, frozen=True, kw_only=True):
    """How many promotions there were in each state and would be, and those that change.

    `from_today` counts those for which some rule was judged by facts of today, since none were stored then.
    """

    simulated: int
    truncated: bool
    was: dict[str, int]
    would: dict[str, int]
    changes: list[ChangeOut]
    from_today: int


class DiffOut(rest.Body, frozen=True, kw_only=True):
    """What changed between two versions: as a patch, and in what they ask."""

    policy: str
    old: int
    new: int
    patch: str
    meaning: list[str]


class PolicyOut(rest.Body, frozen=True, kw_only=True):
    """A version of a policy."""

    policy: str
    number: int
    digest: str
    document: str
    note: str
    created_by: str | None
    created_at: datetime


def _policy(version: PolicyVersion) -> PolicyOut:
    return PolicyOut(
        policy=version.policy.slug,
        number=version.number,
        digest=version.digest,
        document=version.document,
        note=version.note,
        created_by=version.created_by.username if version.created_by else None,
        created_at=version.created_at,
    )


def _errors(bad: yamldocuments.BadDocument) -> list[ErrorOut]:
    return [
        ErrorOut(line=error.line, column=error.column, path=error.path, message=error.message) for error in bad.errors
    ]


class PoliciesView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.POLICIES_WRITE}

    @extend_schema(
        operation_id="policies_list",
        summary="The version of every policy that is or was in force",
        parameters=openapi.query_parameters(OnADayQuery),
        responses={200: rest.page_schema(rest.schema_of(PolicyOut))},
    )
    def get(self, request: Request) -> Response:
        until = rest.query(request, OnADayQuery).until
        versions = (
            [version for version, _ in selectors.current_policies()]
            if until is None
            else selectors.policies_on(until[0])
        )
        return rest.answer({"results": [_policy(version) for version in versions], "next": None})

    @extend_schema(
        operation_id="policies_publish",
        summary="Publish a policy; the same text again makes no new version",
        request={"application/json": rest.schema_of(PublishIn)},
        responses={201: rest.schema_of(PolicyOut), 200: rest.schema_of(PolicyOut)},
    )
    def post(self, request: Request) -> Response:
        said = rest.read(request, PublishIn)
        try:
            version, is_new = publishing.publish(
                actor=rest.actor(request), text=said.document, note=said.note, after=said.after
            )
        except yamldocuments.BadDocument as bad:
            raise _refusal(bad) from None
        return rest.answer(_policy(version), status=201 if is_new else 200)


def _utc(name: str, at: datetime) -> datetime:
    """PostgreSQL refuses offsets that Python takes. Raises Invalid, naming the parameter."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        says = "Not within the years 1 to 9999."
        raise Invalid(f"{name}: {says}", fields={name: says}) from None


def _refusal(bad: yamldocuments.BadDocument) -> Invalid:
    fields = {f"{error.line}:{error.column} {error.path}".strip(): error.message for error in bad.errors}
    return Invalid("The document is no valid policy.", fields=fields, code="bad_policy")


class PolicyView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="policy",
        summary="The newest version of a policy, or that of a day",
        parameters=openapi.query_parameters(OnADayQuery),
        responses={200: rest.schema_of(PolicyOut)},
    )
    def get(self, request: Request, slug: str) -> Response:
        until = rest.query(request, OnADayQuery).until
        policy = selectors.policy(slug)
        if until is None:
            return rest.answer(_policy(selectors.policy_version(policy, None)))
        at, field = until
        return rest.answer(_policy(selectors.policy_version_on(policy, at, field=field)))


class VersionsView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="policy_versions",
        summary="Every version of a policy, the newest first",
        parameters=openapi.query_parameters(rest.Paging),
        responses={200: rest.page_schema(rest.schema_of(PolicyOut))},
    )
    def get(self, request: Request, slug: str) -> Response:
        rest.query(request, rest.Paging)
        pages = rest.Cursor()
        rows = pages.paginate_queryset(selectors.policy_versions(selectors.policy(slug)), request, self)
        return pages.get_paginated_response([_policy(row) for row in rows])


class VersionView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="policy_version", summary="One version of a policy", responses={200: rest.schema_of(PolicyOut)}
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        return rest.answer(_policy(selectors.policy_version(selectors.policy(slug), number)))


class DiffView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="policy_diff",
        summary="What changed between two versions of a policy",
        parameters=openapi.query_parameters(DiffQuery),
        responses={200: rest.schema_of(DiffOut)},
    )
    def get(self, request: Request, slug: str) -> Response:
        asked = rest.query(request, DiffQuery)
        old, new = selectors.two_versions(selectors.policy(slug), asked.old, asked.new)
        names = {"old_name": f"{slug} {old.number}", "new_name": f"{slug} {new.number}"}
        return rest.answer(
            DiffOut(
                policy=slug,
                old=old.number,
                new=new.number,
                patch=differences.unified(old.document, new.document, **names),
                meaning=differences.meaning(old.document, new.document),
            )
        )


class RetireView(APIView):
    scopes = {"POST": Scope.POLICIES_WRITE}

    @extend_schema(
        operation_id="policy_retire",
        summary="Let a policy judge nothing from now on",
        request={"application/json": rest.schema_of(RetireIn)},
        responses={200: rest.schema_of(PolicyOut)},
    )
    def post(self, request: Request, slug: str) -> Response:
        said = rest.read(request, RetireIn)
        policy = publishing.retire(actor=rest.actor(request), policy=selectors.policy(slug), reason=said.reason)
        return rest.answer(_policy(selectors.policy_version(policy, None)))


class SchemaView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="policies_schema",
        summary="The form of policy documents as JSON Schema, for editors",
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        rest.query(request, rest.Body)
        return rest.answer(jsonschema.schema())


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
            read = documents.parse(said.document)
        except yamldocuments.BadDocument as bad:
            return rest.answer(ValidationOut(valid=False, errors=_errors(bad)))
        return rest.answer(ValidationOut(valid=True, errors=[], policy=read.slug))


class DraftDiffView(APIView):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="policies_diff",
        summary="What a draft changes of the newest version of its policy",
        request={"application/json": rest.schema_of(DocumentIn)},
        responses={200: rest.schema_of(DraftDiffOut)},
    )
    def post(self, request: Request) -> Response:
        said = rest.read(request, DocumentIn)
        try:
            draft = documents.parse(said.document)
        except yamldocuments.BadDocument as bad:
            raise _refusal(bad) from None
        before = selectors.newest_version(draft.slug)
        old = before.document if before else ""
        return rest.answer(
            DraftDiffOut(
                policy=draft.slug,
                number=before.number if before else None,
                patch=differences.unified(
                    old, said.document, old_name=f"{draft.slug} {before.number if before else 0}", new_name="draft"
                ),
                meaning=differences.meaning(old, said.document) if before else [],
            )
        )


class TestView(APIView):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="policies_test",
        summary="Judge the cases that lie beside a policy; nothing is written",
        request={"application/json": rest.schema_of(TestIn)},
        responses={200: rest.schema_of(TestOut)},
    )
    def post(self, request: Request) -> Response:
        said = rest.read(request, TestIn, limit_bytes=MAX_BODY_BYTES)
        reading: Literal["document", "cases"] = "document"
        try:
            policy = documents.parse(said.document)
            reading = "cases"
            results = casefiles.run(policy, said.cases)
        except yamldocuments.BadDocument as bad:
            return rest.answer(TestOut(passed=False, errors_in=reading, errors=_errors(bad), cases=[]))
        cases = [msgspec.convert(result, CaseOut, from_attributes=True) for result in results]
        passed = not any(case.problem for case in cases)
        return rest.answer(TestOut(passed=passed, errors_in="", errors=[], cases=cases))


class SimulateView(APIView):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="policies_simulate",
        summary="What policies would have decided on promotions of the past; nothing is written",
        request={"application/json": rest.schema_of(SimulateIn)},
        responses={200: rest.schema_of(SimulationOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, SimulateIn, limit_bytes=MAX_BODY_BYTES)
        if asked.since >= asked.until:
            raise Invalid("until: not after since.", fields={"until": "Not after since."})
        try:
            found = simulation.simulate(
                texts=asked.documents,
                since=asked.since,
                until=asked.until,
                stage=asked.stage,
                alone=asked.alone,
                limit=asked.limit,
            )
        except yamldocuments.BadDocument as bad:
            raise _refusal(bad) from None
        return rest.answer(_simulation(found))


def _simulation(found: simulation.Simulation) -> Any:
    return msgspec.convert(found, SimulationOut, from_attributes=True)
