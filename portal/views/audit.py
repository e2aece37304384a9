"""The audit log, for those who may read it."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from governance import selectors
from portal import paging, queries
from portal.pages import page, render
from portal.requests import PortalRequest


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    asked = {name: queries.text(request, name) for name in ("subject", "by", "action")}
    entries = selectors.audit_entries(
        actor=request.user, subject=asked["subject"], by=asked["by"], action=asked["action"]
    )
    found = paging.by_id(entries, queries.text(request, "after"), newest_first=True)
    query = urlencode({name: value for name, value in asked.items() if value})
    context = {"page": found, "asked": asked, "query": query}
    response = render(request, "audit", "audit/list.html", "audit/_list.html", context)
    response["HX-Replace-Url"] = reverse("audit") + (f"?{query}" if query else "")
    return response
