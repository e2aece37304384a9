"""Walks over the evidence: which runs read and wrote exactly which versions.

Unlike the map it knows no jobs and no "feeds": a version leads to the runs that wrote it, a run to the versions it read
and the commit it was built from. Where no sender pinned what a run read, the version is inferred and the arrow says so.
A version that no run wrote is led to by the one of the same key that a run wrote by another name of its asset.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from lineage import graph, identity, inputs
from lineage.asof import NOW, Moment
from lineage.traversal import Direction

# Arrows that one look may bring; beyond it counts are minimums.
MOST_ARROWS = 20_000


class Spot(NamedTuple):
    """A run (no asset), a version that a sender named, one that a run left unnamed, or an asset's unknown version."""

    asset: int | None
    version: int | None
    run: UUID | None

    @property
    def is_run(self) -> bool:
        return self.asset is None


class Arrow(NamedTuple):
    source: Spot
    target: Spot
    relation: str
    is_inferred: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceNode:
    """A version (`version` is its key, None when unknown) or a run (with the asset of its job, and its state)."""

    uuid: UUID
    is_run: bool
    asset: UUID
    kind: str
    namespace: str
    name: str
    version: str | None
    at: datetime | None
    ended_at: datetime | None
    state: str | None
    depth: int
    rank: int
    more_upstream: int
    more_downstream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLink:
    source: UUID
    target: UUID
    relation: str
    is_inferred: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """`is_truncated` when something within the depth was left out; `are_counts_exact` is of `more_*`."""

    root: UUID
    direction: Direction
    depth: int
    budget: int
    moment: Moment
    nodes: list[EvidenceNode]
    links: list[EvidenceLink]
    is_truncated: bool
    are_counts_exact: bool
    reason: str


def provenance(*, root: Spot, direction: Direction, depth: int, budget: int = 200, moment: Moment = NOW) -> Provenance:
    """The versions and runs within `depth` steps of the root, the nearest first, at most `budget`, and their arrows."""
    depths = {root: 0}
    cut_at = None
    for side in (Direction.UPSTREAM, Direction.DOWNSTREAM) if direction is Direction.BOTH else (direction,):
        cut_at = _walk(root, side, depth, budget, moment, depths) or cut_at
    return described(
        root=root,
        direction=direction,
        depth=depth,
        budget=budget,
        moment=moment,
        depths=depths,
        reason=f"More than {budget} versions and runs: cut at step {cut_at}. Ask for fewer steps or a larger budget."
        if cut_at
        else "",
    )


def described(
    *,
    root: Spot,
    direction: Direction,
    depth: int,
    budget: int,
    moment: Moment,
    depths: Mapping[Spot, int],
    reason: str,
) -> Provenance:
    """What there is to say of these spots and the arrows among them. Something was left out if there is a reason."""
    spots = list(depths)
    up, down = upstream(spots, moment, MOST_ARROWS), downstream(spots, moment, MOST_ARROWS)
    known = set(depths)
    arrows = {arrow for arrow in (*up, *down) if arrow.source in known and arrow.target in known}
    more_up = _count((arrow.target, arrow.source) for arrow in set(up) if arrow.source not in known)
    more_down = _count((arrow.source, arrow.target) for arrow in set(down) if arrow.target not in known)
    numbers = {spot: number for number, spot in enumerate(spots)}
    shape = graph.shape(numbers.values(), [(numbers[arrow.source], numbers[arrow.target]) for arrow in arrows])
    said = _versions(spots, moment) | _runs(spots, moment)
    nodes = [
        EvidenceNode(
            **said[spot],
            is_run=spot.is_run,
            depth=depths[spot],
            rank=shape.rank[numbers[spot]],
            more_upstream=more_up.get(spot, 0),
            more_downstream=more_down.get(spot, 0),
        )
        for spot in spots
    ]
    nodes.sort(key=lambda node: (node.depth, node.namespace, node.name, str(node.uuid)))
    uuids: dict[Spot, UUID] = {spot: said[spot]["uuid"] for spot in spots}
    links = [
        EvidenceLink(
            source=uuids[arrow.source],
            target=uuids[arrow.target],
            relation=arrow.relation,
            is_inferred=arrow.is_inferred,
        )
        for arrow in arrows
    ]
    return Provenance(
        root=uuids[root],
        direction=direction,
        depth=depth,
        budget=budget,
        moment=moment,
        nodes=nodes,
        links=sorted(links, key=lambda link: (str(link.source), str(link.target), link.relation)),
        is_truncated=bool(reason),
        are_counts_exact=max(len(up), len(down)) < MOST_ARROWS,
        reason=reason,
    )


def uuids(spots: Sequence[Spot], moment: Moment) -> dict[Spot, UUID]:
    """What each spot is called outside: a version, a run, or the asset of which no version is known."""
    return {spot: said["uuid"] for spot, said in (_versions(spots, moment) | _runs(spots, moment)).items()}


def _walk(root: Spot, side: Direction, depth: int, budget: int, moment: Moment, depths: dict[Spot, int]) -> int | None:
    """Add what lies on one side to `depths`. Gives the step at which the budget ran out, if it did."""
    look = upstream if side is Direction.UPSTREAM else downstream
    frontier, walked = [root], {root}
    for step in range(1, depth + 1):
        arrows = look(frontier, moment, MOST_ARROWS)
        found = {arrow.source if side is Direction.UPSTREAM else arrow.target for arrow in arrows} - walked
        frontier = sorted(found, key=_order)
        walked |= found
        for spot in frontier:
            if spot not in depths:
                if len(depths) >= budget:
                    return step
                depths[spot] = step
        if len(arrows) >= MOST_ARROWS:
            return step  # There may be more than was looked at.
        if not frontier:
            return None
    return None


def _order(spot: Spot) -> tuple[int, int, int]:
    return spot.asset or 0, spot.version or 0, spot.run.int if spot.run else 0


def _count(pairs: Iterable[tuple[Spot, Spot]]) -> dict[Spot, int]:
    others: dict[Spot, set[Spot]] = {}
    for spot, other in pairs:
        others.setdefault(spot, set()).add(other)
    return {spot: len(found) for spot, found in others.items()}


def upstream(spots: Sequence[Spot], moment: Moment, most: int) -> list[Arrow]:
    """The arrows that lead to the spots."""
    runs = [spot.run for spot in spots if spot.is_run]
    arrows = [
        Arrow(Spot(None, None, spot.run), spot, "produced", False)
        for spot in spots
        if not spot.is_run and spot.run is not None
    ]
    for asset, version, run in _rows(
        f"""
        SELECT io.asset_id, io.version_id, io.run_id FROM lineage_runio io
        WHERE io.version_id = ANY(%(versions)s) AND io.direction = 'output' AND {moment.stands("io", "first_seen_at")}
        LIMIT %(most)s
        """,
        moment,
        {"versions": _named(spots), "most": most},
    ):
        arrows.append(Arrow(Spot(None, None, run), Spot(asset, version, None), "produced", False))
    for run, asset, version, writer, is_pinned in _rows(
        f"""
        SELECT run_id, asset_id, version_id, writer, is_pinned FROM {inputs.resolved(moment)} AS input
        WHERE run_id = ANY(%(runs)s) LIMIT %(most)s
        """,
        moment,
        {"runs": runs, "most": most},
    ):
        arrows.append(_read(run, asset, version, writer, is_pinned))
    for run, asset, version in _rows(
        """
        SELECT r.uuid, v.asset_id, v.id FROM lineage_run r JOIN lineage_assetversion v ON v.id = r.commit_id
        WHERE r.uuid = ANY(%(runs)s) AND (%(as_of)s::timestamptz IS NULL OR r.commit_set_at <= %(as_of)s)
        """,
        moment,
        {"runs": runs},
    ):
        arrows.append(Arrow(Spot(asset, version, None), Spot(None, None, run), "built_from", False))
    arrows += _same(spots, moment, most, is_upstream=True)
    return arrows[:most]


def downstream(spots: Sequence[Spot], moment: Moment, most: int) -> list[Arrow]:
    """The arrows that lead away from the spots."""
    looks: tuple[Callable[[Sequence[Spot], Moment, int], list[Arrow]], ...] = (
        _written,
        _pinned,
        _built,
        _inferred,
        _same,
    )
    return [arrow for look in looks for arrow in look(spots, moment, most)][:most]


def _written(spots: Sequence[Spot], moment: Moment, most: int) -> list[Arrow]:
    rows = _rows(
        f"""
        SELECT io.run_id, io.asset_id, io.version_id FROM lineage_runio io
        WHERE io.run_id = ANY(%(runs)s) AND io.direction = 'output' AND {moment.stands("io", "first_seen_at")}
          AND (io.version_id IS NOT NULL OR {inputs.not_pinned_elsewhere("io", moment)}) LIMIT %(most)s
        """,
        moment,
        {"runs": [spot.run for spot in spots if spot.is_run], "most": most},
    )
    return [
        Arrow(Spot(None, None, run), Spot(asset, version, None if version else run), "produced", False)
        for run, asset, version in rows
    ]


def _pinned(spots: Sequence[Spot], moment: Moment, most: int) -> list[Arrow]:
    rows = _rows(
        f"""
        SELECT io.run_id, io.asset_id, io.version_id FROM lineage_runio io
        WHERE io.version_id = ANY(%(versions)s) AND io.direction = 'input' AND {moment.stands("io", "first_seen_at")}
        LIMIT %(most)s
        """,
        moment,
        {"versions": _named(spots), "most": most},
    )
    return [_read(run, asset, version, None, is_pinned=True) for run, asset, version in rows]


def _built(spots: Sequence[Spot], moment: Moment, most: int) -> list[Arrow]:
    rows = _rows(
        """
        SELECT r.uuid, v.asset_id, v.id FROM lineage_run r JOIN lineage_assetversion v ON v.id = r.commit_id
        WHERE r.commit_id = ANY(%(versions)s) AND (%(as_of)s::timestamptz IS NULL OR r.commit_set_at <= %(as_of)s)
        LIMIT %(most)s
        """,
        moment,
        {"versions": _named(spots), "most": most},
    )
    return [
        Arrow(Spot(asset, version, None), Spot(None, None, run), "built_from", False) for run, asset, version in rows
    ]


def _inferred(spots: Sequence[Spot], moment: Moment, most: int) -> list[Arrow]:
    """From versions to the runs that named no version of their asset and began while it was the newest.

    Looks at runs that began before the next version came. Those that write the asset themselves are looked at whenever
    they began, because their own version does not count for them.
    """
    versions = [spot for spot in spots if not spot.is_run]
    rows = _rows(
        f"""
        SELECT input.run_id, input.asset_id, input.version_id, input.writer
        FROM unnest(%(assets)s::bigint[], %(versions)s::bigint[], %(writers)s::uuid[]) AS spot (asset, version, writer)
        CROSS JOIN LATERAL (
            SELECT COALESCE(
                (SELECT {moment.version_time()} FROM lineage_assetversion v WHERE v.id = spot.version),
                (SELECT {moment.began("o", "first_seen_at")} FROM lineage_runio o
                 WHERE o.run_id = spot.writer AND o.asset_id = spot.asset AND {inputs.unnamed_output("o", moment)}),
                '-infinity') AS at
        ) AS began
        CROSS JOIN LATERAL (
            SELECT COALESCE(LEAST(
                (SELECT min({moment.version_time()}) FROM lineage_assetversion v
                 WHERE v.asset_id = spot.asset AND {moment.stands("v", "seen_at")}
                   AND {moment.version_time()} > began.at),
                (SELECT min({moment.began("o", "first_seen_at")}) FROM lineage_runio o
                 WHERE o.asset_id = spot.asset AND {inputs.unnamed_output("o", moment)}
                   AND {moment.began("o", "first_seen_at")} > began.at)), 'infinity') AS at
        ) AS ended
        CROSS JOIN {inputs.same("spot.asset", moment)} AS same
        JOIN {inputs.resolved(moment)} AS input
          ON input.named_id = same.id AND input.asset_id = spot.asset AND NOT input.is_pinned
         AND input.first_seen_at >= began.at AND input.begun >= began.at
         AND (input.begun < ended.at OR EXISTS (
             SELECT FROM lineage_runio own WHERE own.run_id = input.run_id AND own.direction = 'output'
                AND own.asset_id = spot.asset))
        WHERE input.version_id IS NOT DISTINCT FROM spot.version AND input.writer IS NOT DISTINCT FROM spot.writer
        LIMIT %(most)s
        """,
        moment,
        {
            "assets": [spot.asset for spot in versions],
            "versions": [spot.version for spot in versions],
            "writers": [spot.run for spot in versions],
            "most": most,
        },
    )
    return [_read(run, asset, version, writer, is_pinned=False) for run, asset, version, writer in rows]


def _same(spots: Sequence[Spot], moment: Moment, most: int, *, is_upstream: bool = False) -> list[Arrow]:
    """From versions that runs wrote to those of the same key that were only read, by other names of the asset."""

    def is_written(version: str) -> str:
        return f"""EXISTS (
            SELECT FROM lineage_runio output WHERE output.version_id = {version}.id AND output.direction = 'output'
              AND {moment.stands("output", "first_seen_at")})"""

    rows = _rows(
        f"""
        SELECT v.asset_id, v.id, other.asset_id, other.id
        FROM lineage_assetversion v CROSS JOIN {inputs.same("v.asset_id", moment)} AS same
        JOIN lineage_assetversion other ON other.asset_id = same.id AND other.key = v.key
        WHERE v.id = ANY(%(versions)s) AND same.id <> v.asset_id AND {moment.stands("other", "seen_at")}
          AND {"NOT" if is_upstream else ""} {is_written("v")} AND {"" if is_upstream else "NOT"} {is_written("other")}
        LIMIT %(most)s
        """,
        moment,
        {"versions": _named(spots), "most": most},
    )
    pairs = [(Spot(row[0], row[1], None), Spot(row[2], row[3], None)) for row in rows]
    return [
        Arrow(other, spot, "alias", False) if is_upstream else Arrow(spot, other, "alias", False)
        for spot, other in pairs
    ]


def _read(run: UUID, asset: int, version: int | None, writer: UUID | None, is_pinned: bool) -> Arrow:
    return Arrow(Spot(asset, version, writer), Spot(None, None, run), "consumed", not is_pinned)


def _named(spots: Sequence[Spot]) -> list[int]:
    return [spot.version for spot in spots if spot.version is not None]


def _versions(spots: Sequence[Spot], moment: Moment) -> dict[Spot, dict[str, Any]]:
    """What there is to say of the spots that are versions."""
    versions = [spot for spot in spots if not spot.is_run]
    rows = _rows(
        f"""
        SELECT spot.asset, spot.version, spot.writer, a.uuid, a.kind, a.namespace, a.name, v.uuid, v.key,
               CASE WHEN v.id IS NOT NULL THEN {moment.version_time()} ELSE (
                   SELECT {moment.began("o", "first_seen_at")} FROM lineage_runio o
                   WHERE o.run_id = spot.writer AND o.asset_id = spot.asset AND {inputs.unnamed_output("o", moment)})
               END
        FROM unnest(%(assets)s::bigint[], %(versions)s::bigint[], %(writers)s::uuid[]) AS spot (asset, version, writer)
        JOIN lineage_asset a ON a.id = spot.asset LEFT JOIN lineage_assetversion v ON v.id = spot.version
        """,
        moment,
        {
            "assets": [spot.asset for spot in versions],
            "versions": [spot.version for spot in versions],
            "writers": [spot.run for spot in versions],
        },
    )
    described = {}
    for asset, version, writer, asset_uuid, kind, namespace, name, uuid, key, at in rows:
        if writer is not None:
            key = f"run:{writer}"
            uuid = identity.version(asset_uuid, key)
        described[Spot(asset, version, writer)] = {
            # A version of which nothing is known has no UUID but its asset's.
            "uuid": uuid or asset_uuid,
            "asset": asset_uuid,
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "version": key,
            "at": at,
            "ended_at": None,
            "state": None,
        }
    return described


def _runs(spots: Sequence[Spot], moment: Moment) -> dict[Spot, dict[str, Any]]:
    """What there is to say of the spots that are runs."""
    rows = _rows(
        """
        SELECT r.uuid, a.uuid, a.kind, a.namespace, a.name, COALESCE(r.started_at, r.first_event_at),
               CASE WHEN r.ended_at > %(as_of)s THEN NULL ELSE r.ended_at END,
               CASE WHEN r.ended_at > %(as_of)s THEN 'running' ELSE r.state END
        FROM lineage_run r JOIN lineage_asset a ON a.id = r.job_id WHERE r.uuid = ANY(%(runs)s)
        """,
        moment,
        {"runs": [spot.run for spot in spots if spot.is_run]},
    )
    return {
        Spot(None, None, row[0]): {
            "uuid": row[0],
            "asset": row[1],
            "kind": row[2],
            "namespace": row[3],
            "name": row[4],
            "version": None,
            "at": row[5],
            "ended_at": row[6],
            "state": row[7],
        }
        for row in rows
    }


def _rows(statement: str, moment: Moment, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, moment.parameters | parameters)
        return list(cursor.fetchall())
