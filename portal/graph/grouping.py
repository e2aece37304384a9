"""Nodes drawn together by namespace, team or job, until somebody opens their group."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from lineage import graph
from portal.graph.picture import Line, Node, Picture
from portal.graph.question import Group

UNOWNED = "No owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A group that stands open: its key in the address, its name, and how many nodes it holds."""

    key: str
    name: str
    members: int


def grouped(picture: Picture, group: Group, opened: Sequence[str]) -> tuple[Picture, list[Part]]:
    """The picture with its groups of two and more drawn as one node each, and the groups that stand open."""
    names = _names(picture, group)
    sizes = Counter(names.values())
    keys = {name: _key(group, name) for name, size in sizes.items() if size > 1}
    parts = [Part(key=key, name=name, members=sizes[name]) for name, key in keys.items() if key in opened]
    place = {
        node: f"group-{keys[name]}" if name in keys and keys[name] not in opened else node
        for node, name in names.items()
    } | {node.id: node.id for node in picture.nodes if node.id not in names}
    if all(node == drawn for node, drawn in place.items()):
        return picture, parts
    lines = _joined(picture.lines, place)
    drawn = list(dict.fromkeys(place[node.id] for node in picture.nodes))
    numbers = {one: number for number, one in enumerate(drawn)}
    rank = graph.shape(numbers.values(), [(numbers[line.source], numbers[line.target]) for line in lines]).rank
    nodes: dict[str, Node] = {}
    for node in picture.nodes:
        spot = place[node.id]
        if spot == node.id:
            nodes[spot] = replace(node, rank=rank[numbers[spot]])
        elif spot in nodes:
            before = nodes[spot]
            nodes[spot] = replace(
                before,
                depth=min(before.depth, node.depth),
                is_root=before.is_root or node.is_root,
                members=before.members + 1,
            )
        else:
            nodes[spot] = Node(
                id=spot,
                asset=None,
                kind="group",
                name=names[node.id],
                caption=str(group),
                namespace="",
                href="",
                depth=node.depth,
                rank=rank[numbers[spot]],
                up=0,
                down=0,
                is_root=node.is_root,
                members=1,
            )
    shown = [replace(one, caption=f"{one.members:,} together") if one.members else one for one in nodes.values()]
    return replace(picture, root=place.get(picture.root, picture.root), nodes=shown, lines=lines), parts


def _names(picture: Picture, group: Group) -> Mapping[str, str]:
    """The name of the group of each node that has one."""
    match group:
        case Group.NONE:
            return {}
        case Group.NAMESPACE:
            return {node.id: node.namespace for node in picture.nodes}
        case Group.TEAM:
            return {node.id: node.team or UNOWNED for node in picture.nodes}
        case Group.JOB:
            return _by_job(picture)


def _by_job(picture: Picture) -> dict[str, str]:
    """A job with what it alone writes; all runs of a job with the versions that they wrote."""
    kinds = {node.id: node for node in picture.nodes}
    jobs = {
        node.id: f"{node.namespace} {node.name}".strip()
        for node in picture.nodes
        if node.kind in {"job", "deployment", "run"}
    }
    writers: dict[str, set[str]] = {}
    for line in picture.lines:
        if line.relation == "produced" and line.source in jobs and line.target in kinds:
            writers.setdefault(line.target, set()).add(jobs[line.source])
    return jobs | {node: next(iter(names)) for node, names in writers.items() if len(names) == 1 and node not in jobs}


def _joined(lines: Sequence[Line], place: Mapping[str, str]) -> list[Line]:
    """The lines between what is drawn, those between the same two as one. What runs inside a group is not drawn."""
    joined: dict[tuple[str, str], Line] = {}
    for line in lines:
        ends = place.get(line.source, line.source), place.get(line.target, line.target)
        if ends[0] == ends[1] and line.source != line.target:
            continue
        known = joined.get(ends)
        joined[ends] = (
            replace(line, source=ends[0], target=ends[1])
            if known is None
            else replace(known, count=known.count + 1, is_dashed=known.is_dashed and line.is_dashed)
        )
    return list(joined.values())


def _key(group: Group, name: str) -> str:
    return blake2b(f"{group}:{name}".encode(), digest_size=6).hexdigest()
