"""What a change of an asset touches: a page with filters, and the same as a table to take along."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from lineage import fieldgraph, selectors
from lineage import impact as impacts
from lineage.identity import Kind
from lineage.impact import Impact, Touched
from portal import days, queries
from portal.pages import page, render
from portal.requests import PortalRequest

DAYS = (7, 30, 90, 365)
ROWS = 100
# Of the fields that are offered.
MOST_NAMED = 1_000
# The choice of a team that stands for having none.
NOBODY = "nobody"


@page
@require_GET
def impact(request: PortalRequest, uuid: UUID) -> HttpResponse:
    found, asked = _found(request, uuid)
    touched = [one for one in found.assets if _matches(one, asked)]
    number = min(queries.number(request, "page"), max(1, -(-len(touched) // ROWS)))
    names = {one.uuid: one.name for one in found.assets} | {found.asset.uuid: found.asset.name}
    uses = {one.deployment: one for one in found.deployments}
    context: dict[str, Any] = {
        "asset": found.asset,
        "part": "What a change touches",
        "found": found,
        "asked": asked,
        "day": days.read(request),
        "kinds": [(kind, found.kinds[kind]) for kind in Kind if kind in found.kinds],
        "teams": found.teams.items(),
        "nobody": NOBODY,
        "all_days": DAYS,
        "fields": fieldgraph.names(found.asset, found.moment)[:MOST_NAMED],
        "assumed": sum(one.is_assumed for one in found.assets),
        "deployed": [(one, names.get(one.deployment, ""), uses.get(one.deployment)) for one in found.deployed],
        "rows": touched[(number - 1) * ROWS : number * ROWS],
        "total": len(touched),
        "previous": number - 1 if number > 1 else None,
        "following": number + 1 if number * ROWS < len(touched) else None,
        "query": urlencode({name: value for name, value in asked.items() if value}),
        "now": timezone.now(),
    }
    return render(request, "assets", "assets/impact.html", "assets/_impact.html", context)


@page
@require_GET
def table(request: PortalRequest, uuid: UUID) -> HttpResponse:
    """The assets that the filters leave, with their owners, as CSV."""
    found, asked = _found(request, uuid)
    kept = replace(found, assets=[one for one in found.assets if _matches(one, asked)])
    return HttpResponse(
        impacts.as_csv(kept),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="impact-{uuid}.csv"'},
    )


def _found(request: HttpRequest, uuid: UUID) -> tuple[Impact, dict[str, str]]:
    asked = {
        "field": queries.text(request, "field"),
        "q": queries.text(request, "q"),
        "kind": queries.choice(request, "kind", set(Kind)),
        "team": queries.text(request, "team"),
        "days": queries.choice(request, "days", {str(one) for one in DAYS}, default="30"),
    }
    day = days.read(request)
    asked |= {"as_of": day.as_of, "known_at": day.known_at}
    asset = selectors.asset(uuid)
    return impacts.of(asset=asset, field=asked["field"], days=int(asked["days"]), moment=day.moment), asked


def _matches(one: Touched, asked: dict[str, str]) -> bool:
    if asked["kind"] and one.kind != asked["kind"]:
        return False
    if asked["team"] == NOBODY and one.owners:
        return False
    if asked["team"] not in {"", NOBODY} and all(owner.team != asked["team"] for owner in one.owners):
        return False
    said = f"{one.namespace} {one.name}".lower()
    return all(word in said for word in asked["q"].lower().split())
