"""The page of one asset, and its parts."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from governance import permissions
from governance.permissions import Permission
from lineage import decided, retelling, selectors, traces
from lineage.asof import Moment
from lineage.identity import Family, Kind
from lineage.models import Asset
from lineage.traversal import Direction
from policies import selectors as promotions
from portal import (
    classifications,
    days,
    drawing,
    facets,
    fields,
    measurements,
    names,
    owners,
    paging,
    queries,
    standings,
)
from portal.days import Day
from portal.pages import page, render
from portal.requests import PortalRequest, wants_fragment

# What one glance takes in; more is behind the choices of the section.
GRAPH_DEPTH = 2
GRAPH_BUDGET = 60
PART_SIZE = 10


@page
@require_GET
def detail(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset, day = selectors.asset(uuid), days.read(request)
    moment = day.moment
    owned = owners.history(asset.uuid) if moment.is_now else owners.at(asset.uuid, moment)
    # Nobody changes the past.
    held = permissions.held(request.user, asset.uuid, owning=owned.teams) if moment.is_now else frozenset()
    said = retelling.facets(asset, moment)
    told = traces.told([asset], moment)
    by_key = {facet.key: facet.value for facet in said.facets}
    context = {
        "asset": asset,
        "day": day,
        "facets": facets.sort(said.facets),
        "doubtful": said.doubtful,
        "is_kind_unsure": bool(told.unsure),
        **(model_context(asset, held, moment) if asset.kind == Kind.MODEL else {}),
        **lineage_context(asset, Direction.BOTH, GRAPH_DEPTH, day),
        **versions_context(asset, "", day),
        **runs_context(asset, "", day),
        **owners.context(owned, held),
        **(fields.context(asset, held, said=by_key, day=day) if asset.family == Family.DATASET else {}),
        **names.context(asset, held, moment=moment),
    }
    return render(request, "assets", "assets/asset.html", "assets/asset.html", context)


@page
@require_GET
def lineage(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset, day = selectors.asset(uuid), days.read(request)
    direction = queries.choice(request, "direction", set(Direction), default=Direction.BOTH)
    depth = queries.choice(request, "depth", {str(one) for one in drawing.DEPTHS}, default=str(GRAPH_DEPTH))
    context = {
        "asset": asset,
        "day": day,
        "part": "Lineage",
        "part_template": "assets/_lineage.html",
        # On its own page it is drawn large, and stays so when a part of that page is asked for.
        "is_large": not wants_fragment(request) or queries.choice(request, "size", {"large"}) == "large",
        **lineage_context(asset, Direction(direction), int(depth), day),
    }
    return render(request, "assets", "assets/part.html", "assets/_lineage.html", context)


@page
@require_GET
def versions(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset, day = selectors.asset(uuid), days.read(request)
    context = {
        "asset": asset,
        "day": day,
        "part": "Versions",
        "part_template": "assets/_versions.html",
        **versions_context(asset, queries.text(request, "after"), day),
    }
    return render(request, "assets", "assets/part.html", "assets/_versions.html", context)


@page
@require_GET
def runs(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset, day = selectors.asset(uuid), days.read(request)
    context = {
        "asset": asset,
        "day": day,
        "part": "Runs",
        "part_template": "assets/_runs.html",
        **runs_context(asset, queries.text(request, "after"), day),
    }
    return render(request, "assets", "assets/part.html", "assets/_runs.html", context)


def model_context(asset: Asset, held: Collection[Permission], moment: Moment) -> dict[str, Any]:
    classified = classifications.context(asset.uuid, held, until=decided.until(moment))
    if not moment.is_now:
        return {"measured": measurements.newest_at(asset, moment), **classified}
    return {
        "measured": measurements.newest(asset),
        "standings": standings.newest(promotions.promotions(model=asset.uuid)),
        **classified,
    }


def lineage_context(asset: Asset, direction: Direction, depth: int, day: Day) -> dict[str, Any]:
    found = selectors.neighbourhood(
        asset=asset, direction=direction, depth=depth, budget=GRAPH_BUDGET, moment=day.moment
    )
    return {
        "graph": found,
        "drawing": drawing.document(found, day),
        "relations": drawing.rows(found),
        "depths": drawing.DEPTHS,
        "lineage_address": reverse("asset-lineage", args=[asset.uuid]),
    }


def versions_context(asset: Asset, cursor: str, day: Day) -> dict[str, Any]:
    rows = selectors.versions(asset, limit=PART_SIZE + 1, before=paging.instant(cursor), moment=day.moment)
    found = paging.cut(rows, lambda version: version.at.isoformat(), cursor, PART_SIZE)
    return {
        "versions": standings.beside(found, decided.until(day.moment)),
        "versions_address": reverse("asset-versions", args=[asset.uuid]),
    }


def runs_context(asset: Asset, cursor: str, day: Day) -> dict[str, Any]:
    rows = selectors.runs(asset, moment=day.moment)
    found = paging.by_time(rows, "last_event_at", "uuid", cursor, size=PART_SIZE)
    return {
        "runs": found if day.moment.is_now else replace(found, rows=retelling.runs(found.rows, day.moment).runs),
        "runs_address": reverse("asset-runs", args=[asset.uuid]),
    }
