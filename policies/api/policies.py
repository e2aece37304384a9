"""Policies over HTTP."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import rest, yamldocuments
from governance.errors import Invalid
from governance.tokens import Scope
from policies import documents, publishing, selectors
from policies.models import PolicyVersion


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
