"""The graph page: a part of the graph that a person opens step by step, drawn or listed, and taken along."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from lineage import expansion, export, selectors
from lineage.models import Asset
from lineage.traversal import Direction
from portal import queries
from portal.graph import document, grouping, picture
from portal.graph import question as questions
from portal.graph.grouping import Part
from portal.graph.picture import Picture
from portal.graph.question import Group, Question, View
from portal.pages import page, render
from portal.requests import PortalRequest

VIEW_WORDS = {View.MAP: "Map", View.EVIDENCE: "Evidence", View.FIELD: "Fields"}
GROUP_WORDS = {Group.NONE: "Nothing", Group.NAMESPACE: "Namespace", Group.TEAM: "Team", Group.JOB: "Job"}
FOUND_IN_HUB = 25
MOST_SHOWN = 2_000


@page
@require_GET
def graph(request: PortalRequest) -> HttpResponse:
    if not queries.text(request, "asset"):
        return render(request, "assets", "graph/choose.html", "graph/choose.html", {})
    question = questions.read(request)
    asset = selectors.asset(question.asset)
    found, parts = _picture(asset, question)
    context: dict[str, Any] = {
        "asset": asset,
        "question": question,
        "picture": found,
        "parts": [(part, question.with_part(part.key).query) for part in parts],
        "views": [(str(one), word) for one, word in VIEW_WORDS.items()],
        "groups": _groups(question),
        "depths": questions.DEPTHS,
        "first_day": asset.first_seen_at,
        "today": timezone.now(),
        "as_list": document.as_list(question, True),
        "as_drawing": document.as_list(question, False),
        "query": question.query,
        "by_all": question.by_all_that_is_known.query,
        # What the fields of the forms do not hold themselves.
        "carried": question.carried("view", "direction", "depth", "group", "as_of"),
        "carried_by_search": question.carried("find"),
        "events_address": f"{reverse('graph-events')}?{question.query}",
    }
    if question.is_list:
        context["listed"] = document.listed(found, question, queries.number(request, "page"))
    else:
        context["drawing"] = document.drawing(found, parts, question)
    return render(request, "assets", "graph/graph.html", "graph/graph.html", context)


@page
@require_GET
def drawing(request: PortalRequest) -> HttpResponse:
    """The same view for the script of the page, which keeps what stands and adds what is new."""
    question = questions.read(request)
    found, parts = _picture(selectors.asset(question.asset), question)
    return JsonResponse(document.drawing(found, parts, question))


@page
@require_GET
def neighbours(request: PortalRequest) -> HttpResponse:
    """The first neighbours of a node that hold some words: the search inside a hub."""
    question = questions.read(request)
    node = questions.uuid("node", queries.text(request, "node"))
    side = Direction(queries.choice(request, "side", {Direction.UPSTREAM, Direction.DOWNSTREAM}, default="downstream"))
    text, moment = queries.text(request, "q"), question.asked.moment
    # So many may be shown already, and the search is for the others.
    limit = FOUND_IN_HUB + min(queries.number(request, "shown"), MOST_SHOWN)
    if question.view is View.MAP:
        found = expansion.neighbours(asset=selectors.asset(node), side=side, text=text, limit=limit, moment=moment)
    else:
        found = expansion.evidence_neighbours(node=node, side=side, text=text, limit=limit, moment=moment)
    return JsonResponse(
        {
            "isCut": len(found) == limit,
            "found": [
                {
                    "id": str(one.uuid),
                    "kind": one.kind,
                    "namespace": one.namespace,
                    "name": one.name,
                    "version": one.version or "",
                }
                for one in found
            ],
        }
    )


@page
@require_GET
def events(request: PortalRequest) -> HttpResponse:
    """The events that speak of what is shown, as they were kept, one on a line."""
    question = questions.read(request)
    found = picture.of(selectors.asset(question.asset), question)
    lines = export.events(
        assets={node.asset for node in found.nodes if node.asset and node.kind != "run"},
        runs={questions.uuid("run", node.id) for node in found.nodes if node.kind == "run"},
        moment=question.asked.moment,
    )
    return StreamingHttpResponse(  # type: ignore[return-value]  # The stubs keep the two kinds of answers apart.
        _lines(lines),
        content_type="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="events-{question.asset}.ndjson"'},
    )


def _lines(bodies: Iterator[bytes]) -> Iterator[bytes]:
    for body in bodies:
        yield body
        yield b"\n"


def _picture(asset: Asset, question: Question) -> tuple[Picture, list[Part]]:
    return grouping.grouped(picture.of(asset, question), question.group, question.parts)


def _groups(question: Question) -> list[tuple[str, str]]:
    # Which job wrote a field stands on its lines, and several may.
    return [(str(one), word) for one, word in GROUP_WORDS.items() if (question.view, one) != (View.FIELD, Group.JOB)]
