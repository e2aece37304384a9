"""The list of assets: search as one types, filters with counts, pages."""

from uuid import uuid4

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from lineage import evidence
from portal import assetlist
from portal.pages import page, render
from portal.requests import PortalRequest


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    asked = assetlist.read(request)
    found = assetlist.context(asked)
    context = {
        **found,
        # After an upgrade, say: what was told stands in the log, and the graph is drawn from it again.
        "waits": not (found["page"].rows or found["is_narrowed"]) and not evidence.is_projected(evidence.watermark()),
        "public_url": settings.PUBLIC_URL,
        "now": timezone.now(),
        "run_id": uuid4(),
    }
    response = render(request, "assets", "assets/list.html", "assets/_found.html", context)
    response["HX-Replace-Url"] = reverse("assets") + (f"?{asked.query}" if asked.query else "")
    return response
