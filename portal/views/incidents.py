"""Incidents: what is live and must not be so. The list, and the page on which a person closes one."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from governance import permissions
from governance import selectors as governance_selectors
from governance.errors import Conflict, Invalid
from governance.permissions import Permission
from policies import incidents, selectors
from policies.incidentmodels import Incident
from portal import marks, paging, queries
from portal.forms import ReasonForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest

OPEN, CLOSED = "open", "closed"


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    state = queries.choice(request, "state", {OPEN, CLOSED}, default=OPEN)
    kind = queries.choice(request, "kind", {"", *incidents.Kind}, default="")
    of_kind = Incident.objects.filter(kind=kind) if kind else Incident.objects.all()
    counts = {OPEN: of_kind.filter(closed_at=None).count(), CLOSED: of_kind.exclude(closed_at=None).count()}
    found = of_kind.filter(closed_at__isnull=state == OPEN).select_related("closed_by")
    query = urlencode({name: value for name, value in (("state", state), ("kind", kind)) if value not in ("", OPEN)})
    context = {
        "page": paging.by_time(found, "opened_at", "uuid", queries.text(request, "after")),
        "state": state,
        "states": [
            {"state": one, "word": word, "count": counts[one]} for one, word in ((OPEN, "Open"), (CLOSED, "Closed"))
        ],
        "kind": kind,
        "kinds": [("", "All"), *((one, mark.word) for one, mark in marks.INCIDENT_KINDS.items())],
        "query": query,
        "now": timezone.now(),
    }
    response = render(request, "incidents", "incidents/list.html", "incidents/_list.html", context)
    response["HX-Replace-Url"] = reverse("incidents") + (f"?{query}" if query else "")
    return response


@page
@require_GET
def detail(request: PortalRequest, uuid: UUID) -> HttpResponse:
    return _page(request, incidents.find(uuid))


@sent_from("incident", "uuid")
@page
@require_POST
def close(request: PortalRequest, uuid: UUID) -> HttpResponse:
    incident = incidents.find(uuid)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            incidents.dismiss(actor=request.user, incident=incident, reason=form.cleaned_data["reason"])
        except Invalid as error:
            refuse(form, error)
        except Conflict as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The incident is closed, with your name in the record.")
    if form.errors:
        return _page(request, incident, form=form)
    return redirect("incident", uuid)


def _page(request: PortalRequest, incident: Incident, *, form: ReasonForm | None = None) -> HttpResponse:
    may_close = permissions.may(request.user, Permission.APPROVE_PROMOTION, asset=incident.model)
    is_open = incident.closed_at is None
    context = {
        "incident": incident,
        "mark": marks.mark(marks.INCIDENT_KINDS, incident.kind),
        "severity": marks.mark(marks.SEVERITIES, incident.severity),
        "ending": marks.mark(marks.INCIDENT_ENDINGS, incident.closed_as) if not is_open else None,
        "now": timezone.now(),
        "owners": governance_selectors.owners(incident.model),
        "promotions": selectors.promotions(model=incident.model).filter(model_version=incident.model_version)[:5],
        "form": (form or ReasonForm()) if may_close and is_open else None,
    }
    status = UNPROCESSABLE if form else 200
    return render(request, "incidents", "incidents/incident.html", "incidents/_incident.html", context, status=status)
