"""What the page's script needs to draw a neighbourhood, and the same as a list for those who read it instead."""

from dataclasses import dataclass

from django.urls import reverse

from lineage.traversal import Neighbourhood, Node
from portal import days
from portal.days import Day

DEPTHS = (1, 2, 3, 5, 10)
# Each reads along the arrow, from where data comes to where it goes.
RELATIONS = {
    "consumed": "is read by",
    "produced": "writes",
    "built_from": "is built into",
    "feeds": "feeds",
    "alias": "is the same as",
    "alias_of": "is the same as",
    "renamed": "was renamed to",
}
# Declared by people, where other edges are by jobs.
OF_NAMES = frozenset({"alias", "alias_of"})


def document(found: Neighbourhood, day: Day = days.TODAY) -> dict[str, object]:
    """Nodes and edges, in the form that static/js/lineage.js reads. What it leads to is of the day.

    What is left out is counted only outwards: upstream of what is before the root, downstream of what is after it. Side
    branches would hide the way they branch from; the list tells them.
    """
    root_rank = next(node.rank for node in found.nodes if node.uuid == found.root)
    return {
        "nodes": [
            {
                "id": str(node.uuid),
                "name": node.name,
                "namespace": node.namespace,
                "kind": node.kind,
                "href": reverse("asset", args=[node.uuid]) + day.suffix,
                "isRoot": node.uuid == found.root,
                "moreUpstream": node.more_upstream if node.rank <= root_rank else 0,
                "moreDownstream": node.more_downstream if node.rank >= root_rank else 0,
                "areCountsExact": node.are_counts_exact,
            }
            for node in found.nodes
        ],
        "edges": [
            {
                "id": f"{link.source}-{link.target}-{link.relation}",
                "source": str(link.source),
                "target": str(link.target),
                "relation": RELATIONS.get(link.relation, link.relation),
                "isDeclared": link.is_declared,
            }
            for link in found.links
        ],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One edge, as the words of a list. Declared by a job, or decided by somebody, where no run shows it."""

    source: Node
    relation: str
    target: Node
    is_declared: bool
    is_decided: bool


def rows(found: Neighbourhood) -> list[Row]:
    """The edges from the sources on, in the order in which they are drawn."""
    nodes = {node.uuid: node for node in found.nodes}
    listed = [
        Row(
            source=nodes[link.source],
            relation=RELATIONS.get(link.relation, link.relation),
            target=nodes[link.target],
            is_declared=link.is_declared and link.relation not in OF_NAMES,
            is_decided=link.is_declared and link.relation in OF_NAMES,
        )
        for link in found.links
    ]
    return sorted(listed, key=lambda row: (row.source.rank, row.source.name, row.target.rank, row.target.name))
