"""One run, and one version of a model with the runs that wrote it."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from lineage import evidence, selectors
from policies import selectors as policies
from portal import measurements, standings
from portal.pages import page, render
from portal.requests import PortalRequest

EVENTS_SHOWN = 50
PROMOTIONS_SHOWN = 20


@page
@require_GET
def run(request: PortalRequest, uuid: UUID) -> HttpResponse:
    found = selectors.run(uuid)
    io = list(found.io.select_related("asset", "version").order_by("direction", "asset__name", "id"))
    events = list(selectors.events_of_run(uuid)[: EVENTS_SHOWN + 1])
    context = {
        "run": found,
        "tags": selectors.run_tags([uuid]).get(uuid, []),
        "inputs": [row for row in io if row.direction == "input"],
        "outputs": [row for row in io if row.direction == "output"],
        "events": events[:EVENTS_SHOWN],
        "more_events": len(events) > EVENTS_SHOWN,
    }
    return render(request, "assets", "assets/run.html", "assets/run.html", context)


@page
@require_GET
def version(request: PortalRequest, uuid: UUID) -> HttpResponse:
    found = measurements.version(uuid)
    asked = policies.promotions(model=found.asset.uuid).filter(model_version=uuid)
    context = {
        "version": found,
        "measured": measurements.of(found),
        "producers": evidence.producing_runs(uuid),
        "standings": standings.newest(asked),
        "promotions": asked[:PROMOTIONS_SHOWN],
    }
    return render(request, "assets", "assets/version.html", "assets/version.html", context)
