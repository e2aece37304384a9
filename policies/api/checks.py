"""The catalogue of checks over HTTP."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import rest
from governance.errors import NotFound
from governance.tokens import Scope
from policies import manual
from policies.checks.catalogue import CHECKS


class ParameterOut(rest.Body, frozen=True, kw_only=True):
    """One thing that a rule can set."""

    name: str
    type: str
    default: str
    required: bool


class CaseOut(rest.Body, frozen=True, kw_only=True):
    """A tested case: what the rule says, and what comes of facts as its name describes them."""

    name: str
    rule: str
    outcome: str
    summary: str


class CheckOut(rest.Body, frozen=True, kw_only=True):
    """One check. `schema` is the JSON Schema of its parameters."""

    check: str
    title: str
    question: str
    about: list[str]
    parameters: list[ParameterOut]
    schema: dict[str, Any]
    facts: list[str]
    remedy: str
    example: str
    cases: list[CaseOut]


class Search(rest.Body, frozen=True, kw_only=True):
    """Words that must all occur in what is told of a check."""

    q: str = ""


def _check(page: manual.Page) -> CheckOut:
    return CheckOut(
        check=page.id,
        title=page.title,
        question=page.question,
        about=list(page.about),
        parameters=[
            ParameterOut(name=one.name, type=one.type, default=one.default, required=one.is_required)
            for one in page.parameters
        ],
        schema=manual.schema(CHECKS[page.id]),
        facts=list(page.facts),
        remedy=page.remedy,
        example=page.example,
        cases=[CaseOut(name=one.name, rule=one.rule, outcome=one.outcome, summary=one.summary) for one in page.cases],
    )


class ChecksView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="checks_list",
        summary="What policies can ask: every check with its parameters, its remedy and its cases",
        parameters=[OpenApiParameter("q", str, description="Words that must all occur.")],
        responses={200: rest.page_schema(rest.schema_of(CheckOut))},
    )
    def get(self, request: Request) -> Response:
        said = rest.query(request, Search)
        return rest.answer({"results": [_check(page) for page in manual.search(said.q)], "next": None})


class CheckView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="checks_read", summary="One check of the catalogue", responses={200: rest.schema_of(CheckOut)}
    )
    def get(self, request: Request, name: str) -> Response:
        rest.query(request, rest.Body)
        page = manual.page(name)
        if page is None:
            raise NotFound(f"There is no check {name}.", fields={"check": "Unknown."})
        return rest.answer(_check(page))
