"""A picture in the form that static/js/graph.js reads, and as the rows of a list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from lineage import expansion
from lineage.traversal import Direction
from portal.graph.grouping import Part
from portal.graph.picture import RELATIONS, Line, Node, Picture
from portal.graph.question import Question

# Of a node's neighbours that the list names in one row.
MOST_NAMED = 8
ROWS = 100


def drawing(picture: Picture, parts: Sequence[Part], question: Question) -> dict[str, object]:
    """Nodes, lines and what stands open, with the query that leads to exactly this."""
    return {
        "query": question.query,
        "root": picture.root,
        "reason": picture.reason,
        "areCountsExact": picture.are_counts_exact,
        "first": expansion.HUB,
        "opened": [{"node": str(one.node), "side": one.side, "count": one.count} for one in question.asked.openings],
        "parts": [{"key": part.key, "name": part.name, "members": part.members} for part in parts],
        "nodes": [_node(node) for node in picture.nodes],
        "edges": [_edge(line) for line in picture.lines],
    }


def _node(node: Node) -> dict[str, object]:
    return {
        "id": node.id,
        "asset": str(node.asset) if node.asset else "",
        "kind": node.kind,
        "name": node.name,
        "caption": node.caption,
        "namespace": node.namespace,
        "href": node.href,
        "rank": node.rank,
        "depth": node.depth,
        "up": node.up,
        "down": node.down,
        "areCountsExact": node.are_counts_exact,
        "isRoot": node.is_root,
        "state": node.state or "",
        "at": node.at.isoformat() if node.at else "",
        "owners": list(node.owners),
        "members": node.members,
    }


def _edge(line: Line) -> dict[str, object]:
    return {
        "id": f"{line.source} {line.target} {line.relation}",
        "source": line.source,
        "target": line.target,
        "relation": RELATIONS.get(line.relation, line.relation),
        "isDashed": line.is_dashed,
        "note": line.note,
        "count": line.count,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One side of a node in the list: the neighbours by name, and the address that shows more of them."""

    named: Sequence[str]
    unnamed: int
    hidden: int
    is_exact: bool
    more: str
    fewer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    node: Node
    before: Way
    after: Way
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of the rows. `total` matches what is searched; `following` and `before` are numbers of pages."""

    rows: Sequence[Row]
    total: int
    number: int
    following: int | None
    previous: int | None


def listed(picture: Picture, question: Question, number: int) -> Listed:
    """The nodes from the root on, the sources first within a step, those that match the words alone."""
    words = question.find.lower().split()
    found = [node for node in picture.nodes if all(word in f"{node.namespace} {node.name}".lower() for word in words)]
    found.sort(key=lambda node: (node.depth, node.rank, node.namespace, node.name))
    pages = max(1, -(-len(found) // ROWS))
    number = min(number, pages)
    names = {node.id: node.name for node in picture.nodes}
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for line in picture.lines:
        before.setdefault(line.target, []).append(names[line.source])
        after.setdefault(line.source, []).append(names[line.target])
    counts = {(str(one.node), one.side): one.count for one in question.asked.openings}
    return Listed(
        rows=[
            Row(
                node=node,
                before=_way(
                    node, Direction.UPSTREAM, before.get(node.id, []), counts, question, picture.are_counts_exact
                ),
                after=_way(
                    node, Direction.DOWNSTREAM, after.get(node.id, []), counts, question, picture.are_counts_exact
                ),
                part=question.with_part(node.id.removeprefix("group-")).query if node.members else "",
            )
            for node in found[(number - 1) * ROWS : number * ROWS]
        ],
        total=len(found),
        number=number,
        following=number + 1 if number < pages else None,
        previous=number - 1 if number > 1 else None,
    )


def _way(
    node: Node,
    side: Direction,
    names: Sequence[str],
    counts: dict[tuple[str, Direction], int],
    question: Question,
    is_exact: bool,
) -> Way:
    hidden = node.up if side is Direction.UPSTREAM else node.down
    shown = counts.get((node.id, side), 0)
    more = fewer = ""
    if not node.members:
        # The first few of those not shown may be shown already by another way, so the next count goes beyond them.
        wanted = shown + expansion.HUB if shown else max(expansion.HUB, _rounded(len(names)))
        more = question.opened(UUID(node.id), side, wanted).query if hidden else ""
        fewer = question.opened(UUID(node.id), side, 0).query if shown else ""
    kept = sorted(set(names))
    return Way(
        named=kept[:MOST_NAMED],
        unnamed=max(0, len(kept) - MOST_NAMED),
        hidden=hidden,
        is_exact=is_exact and node.are_counts_exact,
        more=more,
        fewer=fewer,
    )


def _rounded(shown: int) -> int:
    """One helping more than are shown."""
    return (shown // expansion.HUB + 1) * expansion.HUB


def as_list(question: Question, is_list: bool) -> str:
    """The query of the same view in the other form."""
    return replace(question, is_list=is_list).query
