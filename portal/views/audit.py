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
    subject = queries.text(request, "subject")
    entries = selectors.audit_entries(actor=request.user, subject=subject)
    found = paging.by_id(entries, queries.text(request, "after"), newest_first=True)
    query = urlencode({"subject": subject}) if subject else ""
    context = {"page": found, "subject": subject, "query": query}
    response = render(request, "audit", "audit/list.html", "audit/_list.html", context)
    response["HX-Replace-Url"] = reverse("audit") + (f"?{query}" if query else "")
    return response
