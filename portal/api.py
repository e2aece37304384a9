"""Reports over HTTP."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from governance.tokens import Scope
from policies import selectors
from portal.reports import promotions

PDF = "application/pdf"


class PdfRenderer(JSONRenderer):
    """Lets clients ask for PDF alone. What it renders are refusals, which stay JSON."""

    media_type = PDF
    format = "pdf"


class PromotionRecordView(APIView):
    """The record of one promotion, to print and to keep."""

    renderer_classes = [JSONRenderer, PdfRenderer]
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="reports_promotion",
        summary="The record of a promotion as PDF/A, with its data attached",
        responses={(200, PDF): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        promotion = selectors.promotion(uuid)
        return HttpResponse(
            promotions.record(promotion),
            content_type=PDF,
            headers={"Content-Disposition": f'inline; filename="promotion-{promotion.uuid}.pdf"'},
        )
