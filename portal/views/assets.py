"""The page of one asset, and its parts."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from governance import permissions
from lineage import selectors
from lineage.identity import Family, Kind
from lineage.models import Asset
from lineage.traversal import Direction
from policies import selectors as promotions
from portal import classifications, drawing, facets, fields, measurements, names, owners, paging, queries, standings
from portal.pages import page, render
from portal.requests import PortalRequest, wants_fragment

# What one glance takes in; more is behind the choices of the section.
GRAPH_DEPTH = 2
GRAPH_BUDGET = 60
PART_SIZE = 10


@page
@require_GET
def detail(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    owned = owners.history(asset.uuid)
    held = permissions.held(request.user, asset.uuid, owning=owned.teams)
    said = selectors.facets(asset)
    by_key = {facet.key: facet.value for facet in said}
    context = {
        "asset": asset,
        "facets": facets.sort(said),
        "measured": measurements.newest(asset) if asset.kind == Kind.MODEL else None,
        "standings": standings.newest(promotions.promotions(model=asset.uuid)) if asset.kind == Kind.MODEL else [],
        **lineage_context(asset, Direction.BOTH, GRAPH_DEPTH),
        **versions_context(asset, ""),
        **runs_context(asset, ""),
        **owners.context(owned, held),
        **(classifications.context(asset.uuid, held) if asset.kind == Kind.MODEL else {}),
        **(fields.context(asset, held, said=by_key) if asset.family == Family.DATASET else {}),
        **names.context(asset, held),
    }
    return render(request, "assets", "assets/asset.html", "assets/asset.html", context)


@page
@require_GET
def lineage(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    direction = queries.choice(request, "direction", set(Direction), default=Direction.BOTH)
    depth = queries.choice(request, "depth", {str(one) for one in drawing.DEPTHS}, default=str(GRAPH_DEPTH))
    context = {
        "asset": asset,
        "part": "Lineage",
        "part_template": "assets/_lineage.html",
        # On its own page it is drawn large, and stays so when a part of that page is asked for.
        "is_large": not wants_fragment(request) or queries.choice(request, "size", {"large"}) == "large",
        **lineage_context(asset, Direction(direction), int(depth)),
    }
    return render(request, "assets", "assets/part.html", "assets/_lineage.html", context)


@page
@require_GET
def versions(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    context = {
        "asset": asset,
        "part": "Versions",
        "part_template": "assets/_versions.html",
        **versions_context(asset, queries.text(request, "after")),
    }
    return render(request, "assets", "assets/part.html", "assets/_versions.html", context)


@page
@require_GET
def runs(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    context = {
        "asset": asset,
        "part": "Runs",
        "part_template": "assets/_runs.html",
        **runs_context(asset, queries.text(request, "after")),
    }
    return render(request, "assets", "assets/part.html", "assets/_runs.html", context)


def lineage_context(asset: Asset, direction: Direction, depth: int) -> dict[str, Any]:
    found = selectors.neighbourhood(asset=asset, direction=direction, depth=depth, budget=GRAPH_BUDGET)
    return {
        "graph": found,
        "drawing": drawing.document(found),
        "relations": drawing.rows(found),
        "depths": drawing.DEPTHS,
        "lineage_address": reverse("asset-lineage", args=[asset.uuid]),
    }


def versions_context(asset: Asset, cursor: str) -> dict[str, Any]:
    rows = selectors.versions(asset, limit=PART_SIZE + 1, before=paging.instant(cursor))
    return {
        "versions": standings.beside(paging.cut(rows, lambda version: version.at.isoformat(), cursor, PART_SIZE)),
        "versions_address": reverse("asset-versions", args=[asset.uuid]),
    }


def runs_context(asset: Asset, cursor: str) -> dict[str, Any]:
    return {
        "runs": paging.by_time(selectors.runs(asset), "last_event_at", "uuid", cursor, size=PART_SIZE),
        "runs_address": reverse("asset-runs", args=[asset.uuid]),
    }
