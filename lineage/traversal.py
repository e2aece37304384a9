"""Walks over the map: the neighbourhood of an asset within a budget, and whole closures.

A walk for people goes level by level, because it carries the depth; a closure is one recursive query that carries ids
only (carrying the depth made it 16 times slower on 200,000 nodes).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from governance import database
from lineage import graph
from lineage.asof import NOW, Moment
from lineage.identity import Kind

MAX_BUDGET = 2_000
MAX_DEPTH = 100
# So many edges of a node are counted, and all where the walk begins: counting a million takes longer than all the rest.
MOST_COUNTED = 10_000


class Direction(StrEnum):
    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    BOTH = "both"


# An answer has hundreds of nodes and links, and a frozen dataclass takes twenty times as long to make. None of them
# holds another, so that the collector need not look at them.
class Node(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An asset in a neighbourhood. `more_*` counts neighbours in that direction that are not in the answer.

    Where the counts are not exact, they are minimums. `state` is that of the newest run of a job or deployment.
    """

    id: int
    uuid: UUID
    kind: str
    namespace: str
    name: str
    depth: int
    rank: int
    more_upstream: int
    more_downstream: int
    are_counts_exact: bool
    state: str | None


class Link(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An edge between two nodes of a neighbourhood."""

    source: UUID
    target: UUID
    relation: str
    is_declared: bool
    valid_from: datetime
    valid_to: datetime | None
    last_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """`is_truncated` when something within the depth asked for was left out; `reason` says what to ask instead."""

    root: UUID
    direction: Direction
    depth: int
    budget: int
    moment: Moment
    nodes: list[Node]
    links: list[Link]
    is_truncated: bool
    reason: str


def neighbourhood(
    *,
    root: int,
    root_uuid: UUID,
    direction: Direction,
    depth: int,
    budget: int = 200,
    moment: Moment = NOW,
) -> Neighbourhood:
    """The assets within `depth` steps of the root, the nearest first, at most `budget`, and the edges among them."""
    depths = {root: 0}
    cut_at = None
    for side in (Direction.UPSTREAM, Direction.DOWNSTREAM) if direction is Direction.BOTH else (direction,):
        cut_at = _walk(root, side, depth, budget, moment, depths) or cut_at
    return described(
        root=root_uuid,
        direction=direction,
        depth=depth,
        budget=budget,
        moment=moment,
        depths=depths,
        reason=f"More than {budget} assets: cut at step {cut_at}. Ask for fewer steps or a larger budget."
        if cut_at
        else "",
    )


def described(
    *,
    root: UUID,
    direction: Direction,
    depth: int,
    budget: int,
    moment: Moment,
    depths: Mapping[int, int],
    reason: str,
) -> Neighbourhood:
    """What there is to say of these assets and the edges among them. Something was left out if there is a reason."""
    links = _links(depths, moment)
    pairs = {(source, target) for source, target, *_ in links}
    shape = graph.shape(depths, pairs)
    shown_up = Counter(target for _, target in pairs)
    shown_down = Counter(source for source, _ in pairs)
    nodes = [
        Node(
            id=id_,
            uuid=uuid,
            kind=kind,
            namespace=namespace,
            name=name,
            depth=depths[id_],
            rank=shape.rank[id_],
            more_upstream=max(upstream - shown_up[id_], 0),
            more_downstream=max(downstream - shown_down[id_], 0),
            are_counts_exact=is_exact,
            state=state,
        )
        for id_, uuid, kind, namespace, name, upstream, downstream, is_exact, state in _nodes(depths, moment)
    ]
    nodes.sort(key=lambda node: (node.depth, node.namespace, node.name))
    uuids = {node.id: node.uuid for node in nodes}
    return Neighbourhood(
        root=root,
        direction=direction,
        depth=depth,
        budget=budget,
        moment=moment,
        nodes=nodes,
        links=[
            Link(
                source=uuids[link[0]],
                target=uuids[link[1]],
                relation=link[2],
                is_declared=link[3],
                valid_from=link[4],
                valid_to=link[5],
                last_seen_at=link[6],
            )
            for link in links
        ],
        is_truncated=bool(reason),
        reason=reason,
    )


def _walk(root: int, side: Direction, depth: int, budget: int, moment: Moment, depths: dict[int, int]) -> int | None:
    """Add what lies on one side to `depths`. Gives the step at which the budget ran out, if it did."""
    here, there = ends(side)
    frontier, walked = [root], {root}
    for step in range(1, depth + 1):
        rows = _rows(
            # As many as the other side may have found or there is room for, and one beyond, which tells whether
            # something was left out. The index gives those of one node in order: a hub costs no more than others.
            f"""
            SELECT DISTINCT near.id FROM unnest(%(frontier)s::bigint[]) AS node (id) CROSS JOIN LATERAL (
                SELECT DISTINCT e.{there} AS id FROM {moment.edges()} AS e
                WHERE e.{here} = node.id AND NOT (e.{there} = ANY(%(walked)s::bigint[]))
                ORDER BY e.{there} LIMIT %(most)s
            ) AS near ORDER BY near.id LIMIT %(most)s
            """,
            moment,
            {"frontier": database.array(frontier), "walked": database.array(walked), "most": budget + 1 - len(walked)},
        )
        frontier = []
        for (node,) in rows:
            walked.add(node)
            if node not in depths:
                if len(depths) >= budget:
                    return step
                depths[node] = step
            frontier.append(node)
        if not frontier:
            return None
    return None


def _links(
    nodes: Iterable[int], moment: Moment
) -> list[tuple[int, int, str, bool, datetime, datetime | None, datetime]]:
    """The edges among the nodes; where a run showed what a job also declares, the shown one stands."""
    rows = _rows(
        # Times as text, in UTC as all connections are: the driver takes many times as long to read one.
        f"""
        SELECT DISTINCT ON (source_id, target_id, relation) source_id, target_id, relation, is_declared,
               valid_from::text, valid_to::text, last_seen_at::text
        FROM {moment.edges()} AS e
        WHERE source_id = ANY(%(nodes)s::bigint[]) AND target_id = ANY(%(nodes)s::bigint[])
        ORDER BY source_id, target_id, relation, is_declared, e.valid_from
        """,
        moment,
        {"nodes": database.array(nodes)},
    )
    read = datetime.fromisoformat
    return [
        (source, target, relation, is_declared, read(begun), None if ended is None else read(ended), read(seen))
        for source, target, relation, is_declared, begun, ended, seen in rows
    ]


def _nodes(depths: Mapping[int, int], moment: Moment) -> list[Any]:
    """Of each asset its names, how many neighbours it has on each side and whether these are all, and its state.

    All its neighbours, also those that are shown: to ask the database for the others alone takes six times as long at a
    hub. Of a node that the walk did not begin with, only the first edges are looked at. A run that ended later than the
    day asked for was running.
    """
    # One index has those of now in order, which spares the counting to sort them; those of a day would all be sorted.
    beside = " ".join(
        f"""
        CROSS JOIN LATERAL (
            SELECT count(DISTINCT near.id) AS neighbours, count(*) AS edges FROM (
                SELECT e.{there} AS id FROM {moment.edges()} AS e WHERE e.{here} = node.id
                {f"ORDER BY e.{there}" if moment.is_now else ""} LIMIT node.most
            ) AS near
        ) AS {side}
        """
        for side, (here, there) in ((side, ends(side)) for side in (Direction.UPSTREAM, Direction.DOWNSTREAM))
    )
    return _rows(
        f"""
        SELECT a.id, a.uuid, a.kind, a.namespace, a.name, upstream.neighbours, downstream.neighbours,
               COALESCE(upstream.edges < node.most AND downstream.edges < node.most, true), newest.state
        FROM unnest(%(nodes)s::bigint[], %(most)s::bigint[]) AS node (id, most)
        JOIN lineage_asset a ON a.id = node.id {beside}
        LEFT JOIN LATERAL (
            SELECT CASE WHEN ended_at > %(as_of)s THEN 'running' ELSE state END AS state FROM lineage_run
            WHERE job_id = a.id AND a.kind IN ('{Kind.JOB}', '{Kind.DEPLOYMENT}')
              AND (%(as_of)s::timestamptz IS NULL OR first_event_at <= %(as_of)s)
            ORDER BY last_event_at DESC LIMIT 1
        ) AS newest ON true
        """,
        moment,
        {
            "nodes": database.array(depths),
            "most": database.array(MOST_COUNTED if depth else "NULL" for depth in depths.values()),
        },
    )


def closure(*, root: int, direction: Direction, limit: int, moment: Moment = NOW) -> tuple[list[int], bool]:
    """Ids of everything upstream or downstream (the root left out), and whether there is more than `limit`."""
    found, _ = reached(roots=[root], direction=direction, limit=limit + 2, moment=moment)
    ids = [asset for asset in found if asset != root]
    return ids[:limit], len(ids) > limit


def reached(
    *, roots: Collection[int], direction: Direction, limit: int, moment: Moment = NOW
) -> tuple[list[int], bool]:
    """Ids of the roots and of everything on one side of them, and whether there is more than `limit`."""
    here, there = ends(direction)
    ((ids,),) = _rows(
        # A whole level is looked up at once, in the order of the index: a quarter less time than node by node. OFFSET 0
        # keeps the planner from making a join of it, and from an aggregate where a recursive query may have none.
        f"""
        WITH RECURSIVE reached (id) AS (
            SELECT unnest(%(roots)s::bigint[])
            UNION
            SELECT beside.id FROM (SELECT array_agg(id) AS ids FROM (SELECT id FROM reached OFFSET 0) AS one) AS level
            CROSS JOIN LATERAL (
                SELECT e.{there} AS id FROM {moment.edges()} AS e WHERE e.{here} = ANY(level.ids) OFFSET 0
            ) AS beside
        ) SELECT ARRAY(SELECT id FROM reached LIMIT %(most)s)
        """,
        moment,
        {"roots": database.array(roots), "most": limit + 1},
    )
    return ids[:limit], len(ids) > limit


def ends(side: Direction) -> tuple[str, str]:
    """The columns of an edge: the end a walk comes from, and the one it goes to."""
    return ("target_id", "source_id") if side is Direction.UPSTREAM else ("source_id", "target_id")


def _rows(statement: str, moment: Moment, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, moment.parameters | parameters)
        return list(cursor.fetchall())
