"""One run, and one version of a model with the runs that wrote it."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from lineage import decided, evidence, retelling, selectors
from policies import selectors as policies
from portal import days, measurements, standings
from portal.pages import page, render
from portal.requests import PortalRequest

EVENTS_SHOWN = 50
PROMOTIONS_SHOWN = 20


@page
@require_GET
def run(request: PortalRequest, uuid: UUID) -> HttpResponse:
    day = days.read(request)
    moment = day.moment
    told = retelling.runs([selectors.run(uuid, moment=moment)], moment)
    [found] = told.runs
    io = list(selectors.io(found, moment=moment))
    events = list(selectors.events_of_run(uuid, moment=moment)[: EVENTS_SHOWN + 1])
    context = {
        "day": day,
        "run": found,
        "tags": told.tags.get(uuid, []),
        "inputs": [row for row in io if row.direction == "input"],
        "outputs": [row for row in io if row.direction == "output"],
        "events": events[:EVENTS_SHOWN],
        "more_events": len(events) > EVENTS_SHOWN,
    }
    return render(request, "assets", "assets/run.html", "assets/run.html", context)


@page
@require_GET
def version(request: PortalRequest, uuid: UUID) -> HttpResponse:
    day = days.read(request)
    found = measurements.version(uuid, day.moment)
    asked = policies.promotions(model=found.asset.uuid).filter(model_version=uuid)
    if until := decided.until(day.moment):
        asked = asked.filter(decided_at__lte=until)
    context = {
        "day": day,
        "version": found,
        "measured": measurements.of(found, day.moment),
        "promotions": asked[:PROMOTIONS_SHOWN],
    }
    if day.moment.is_now:
        context |= {"producers": evidence.producing_runs(uuid), "standings": standings.newest(asked)}
    return render(request, "assets", "assets/version.html", "assets/version.html", context)
