"""Reports over HTTP, under /api/v1/reports/."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from assessments import selectors as maturity
from governance import rest, selectors
from governance.tokens import Scope
from portal.reports import organisation, scorecard


class PdfAnyway(BaseContentNegotiation):
    """A client that accepts only PDF gets it; refusals are problem documents all the same."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class ReportQuery(rest.Body, frozen=True, kw_only=True):
    """As of which day; with `daily` the newest snapshot, published or not."""

    as_of: str | None = None
    daily: bool = False


def _pdf(document: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        document,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


PARAMETERS = [
    OpenApiParameter("as_of", {"type": "string"}, OpenApiParameter.QUERY),
    OpenApiParameter("daily", {"type": "boolean"}, OpenApiParameter.QUERY),
]


class TeamScorecardReportView(APIView):
    scopes = {"GET": Scope.READ}
    content_negotiation_class = PdfAnyway

    @extend_schema(
        operation_id="report_scorecard",
        summary="The maturity scorecard of a team as PDF, the snapshots attached",
        parameters=PARAMETERS,
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        asked = rest.query(request, ReportQuery)
        team = selectors.team(slug)
        made = scorecard.of_team(team, as_of=maturity.instant(asked.as_of), is_daily=asked.daily)
        return _pdf(made, f"maturity-{team.slug}.pdf")


class ScorecardsReportView(APIView):
    scopes = {"GET": Scope.READ}
    content_negotiation_class = PdfAnyway

    @extend_schema(
        operation_id="report_scorecards",
        summary="The maturity of all teams as PDF, the snapshots attached",
        parameters=PARAMETERS,
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> HttpResponse:
        asked = rest.query(request, ReportQuery)
        made = organisation.of_all(as_of=maturity.instant(asked.as_of), is_daily=asked.daily)
        return _pdf(made, "maturity.pdf")
