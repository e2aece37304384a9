"""Walks over the fields: which field of which dataset feeds which, as far as anyone said.

The same two questions of time as on the map. A field mapping, like an edge, stands from the first event that shows it;
the newest of each job are told apart as current, since what a job did until last month still lies in its table today.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db import connection

from lineage import columns, graph, identity, selectors, tags
from lineage.asof import NOW, Moment
from lineage.columns import WHOLE
from lineage.models import Asset
from lineage.tags import Tag
from lineage.traversal import MAX_DEPTH, Direction

# Links that one look may bring; beyond it counts are minimums.
MOST_LINKS = 20_000


class Column(NamedTuple):
    """A field of an asset by its path; the empty path is all of the asset."""

    asset: int
    field: str


class Flow(NamedTuple):
    """That one field feeds another, by what one job said (none: an event about the dataset itself)."""

    source: Column
    target: Column
    is_direct: bool
    is_masking: bool
    transformations: tuple[tuple[str, str, str, bool], ...]
    job: int | None
    valid_from: datetime
    last_seen_at: datetime
    is_current: bool
    # Not of what a job does: both are one field, by two names of its asset.
    is_same: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The fields of an asset by their paths, what its schema says of them, and the tags of the asset and its fields."""

    names: list[str]
    schema: dict[str, columns.Field]
    tags: list[Tag]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldNode:
    """A field in a neighbourhood, with its own tags. `more_*` counts neighbours that are not in the answer."""

    uuid: UUID
    asset: UUID
    kind: str
    namespace: str
    name: str
    field: str | None
    type: str
    tags: tuple[Tag, ...]
    depth: int
    rank: int
    more_upstream: int
    more_downstream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEdge:
    """One field feeds another, as the `jobs` say. Masking when everything that says so hides the value."""

    source: UUID
    target: UUID
    is_direct: bool
    is_masking: bool
    is_current: bool
    transformations: tuple[tuple[str, str, str, bool], ...]
    jobs: tuple[UUID, ...]
    valid_from: datetime
    last_seen_at: datetime
    is_same: bool

    @property
    def relation(self) -> Literal["direct", "indirect", "same"]:
        return "same" if self.is_same else "direct" if self.is_direct else "indirect"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldNeighbourhood:
    """`is_truncated` when something within the depth was left out; `are_counts_exact` is of `more_*`."""

    root: UUID
    direction: Direction
    depth: int
    budget: int
    moment: Moment
    nodes: list[FieldNode]
    edges: list[FieldEdge]
    is_truncated: bool
    are_counts_exact: bool
    reason: str


def neighbourhood(
    *, asset: Asset, field: str, direction: Direction, depth: int, budget: int = 200, moment: Moment = NOW
) -> FieldNeighbourhood:
    """The fields within `depth` steps of one field and its parts, or of all of the asset's, the nearest first."""
    asked = within(asset, field, moment)
    depths = dict.fromkeys(asked[:budget], 0)
    cut_at = None if len(asked) <= budget else 0
    for side in (Direction.UPSTREAM, Direction.DOWNSTREAM) if direction is Direction.BOTH else (direction,):
        cut = _walk(list(depths) if depth else [], side, depth, budget, moment, depths)
        cut_at = cut_at if cut is None else cut
    return described(
        asset=asset,
        field=field,
        direction=direction,
        depth=depth,
        budget=budget,
        moment=moment,
        depths=depths,
        reason=""
        if cut_at is None
        else f"More than {budget} fields: cut at step {cut_at}. Ask for one field, fewer steps or a larger budget.",
    )


def downstream(columns: Sequence[Column], *, most: int, moment: Moment = NOW) -> tuple[dict[Column, int], bool]:
    """The fields and all that is made of them, with the steps it takes, at most `most`; and whether that is all."""
    depths = dict.fromkeys(columns[:most], 0)
    cut_at = _walk(list(depths), Direction.DOWNSTREAM, MAX_DEPTH, most, moment, depths)
    return depths, cut_at is None and len(columns) <= most


def within(asset: Asset, field: str, moment: Moment = NOW) -> list[Column]:
    """A field and its parts, or all the fields of an asset; the whole asset when none is known."""
    inside = [name for name in names(asset, moment) if not field or name.startswith(field + columns.SEPARATOR)]
    return [Column(asset.pk, name) for name in ([field, *inside] if field else inside or [WHOLE])]


def names(asset: Asset, moment: Moment = NOW) -> list[str]:
    """The fields of an asset, see `listed`."""
    return listed(asset, moment).names


def listed(asset: Asset, moment: Moment = NOW, *, said: Mapping[str, Any] | None = None) -> Listed:
    """What fields an asset has: those of its schema in their order, then those that only links or tags name.

    `said` gives its facets at the moment, where they were read before.
    """
    schema = columns.schema(
        selectors.facet_on([asset.pk], "schema", moment).get(asset.pk) if said is None else said.get("schema")
    )
    linked = _rows(
        f"""
        SELECT DISTINCT name FROM (
            SELECT l.target_field AS name FROM lineage_fieldlink l JOIN lineage_fieldmapping m ON m.uuid = l.mapping_id
            WHERE l.target_id = %(asset)s AND {moment.stands("m", "first_seen_at")}
            UNION
            SELECT l.source_field FROM lineage_fieldlink l JOIN lineage_fieldmapping m ON m.uuid = l.mapping_id
            WHERE l.source_id = %(asset)s AND {moment.stands("m", "first_seen_at")}
        ) AS linked WHERE name <> '' ORDER BY name
        """,
        moment,
        {"asset": asset.pk},
    )
    sent = None if said is None else {asset.pk: said.get("tags")}
    own = tags.of([(asset.pk, asset.uuid)], moment=moment, sent=sent).get(asset.pk, [])
    by_name = {field.name: field for field in schema}
    found = [*by_name, *(row[0] for row in linked), *sorted({tag.field for tag in own if tag.field})]
    return Listed(names=list(dict.fromkeys(found)), schema=by_name, tags=own)


def feeding(targets: Sequence[Column], moment: Moment, most: int = MOST_LINKS) -> list[Flow]:
    """What feeds these fields. What is said of all of the dataset, or of what a field is part of, concerns it too."""
    return _flows(targets, Direction.UPSTREAM, moment, most)


def fed(sources: Sequence[Column], moment: Moment, most: int = MOST_LINKS) -> list[Flow]:
    """What these fields feed."""
    return _flows(sources, Direction.DOWNSTREAM, moment, most)


def _flows(here: Sequence[Column], side: Direction, moment: Moment, most: int) -> list[Flow]:
    end, other = ("target", "source") if side is Direction.UPSTREAM else ("source", "target")
    asked = [(one.asset, one.field, name) for one in here for name in _concerning(one.field)]
    rows = _rows(
        f"""
        WITH link AS MATERIALIZED (
            SELECT here.asset, here.field, l.* FROM unnest(%(assets)s::bigint[], %(fields)s::text[], %(names)s::text[])
                AS here (asset, field, name)
            CROSS JOIN LATERAL (
                SELECT * FROM lineage_fieldlink
                WHERE {end}_id = here.asset AND md5({end}_field) = md5(here.name) AND {end}_field = here.name
                UNION ALL
                SELECT * FROM lineage_fieldlink WHERE {end}_id = here.asset AND here.name IS NULL
            ) AS l
            WHERE EXISTS (
                SELECT FROM lineage_fieldmapping m
                WHERE m.uuid = l.mapping_id AND {moment.stands("m", "first_seen_at")})
            LIMIT %(most)s
        ), mapping AS MATERIALIZED (
            SELECT m.uuid, m.job_id, {moment.began("m", "first_seen_at")} AS valid_from, m.last_seen_at,
                   NOT EXISTS (
                       SELECT FROM lineage_fieldmapping newer
                       WHERE newer.target_id = m.target_id AND newer.job_id IS NOT DISTINCT FROM m.job_id
                         AND newer.uuid <> m.uuid AND {moment.stands("newer", "first_seen_at")}
                         AND {_said_last("newer")} > {_said_last("m")}
                         -- One run may tell of its fields in several events.
                         AND NOT EXISTS (
                             SELECT FROM lineage_runfieldmapping also
                             WHERE also.mapping_id = m.uuid AND also.run_id = (
                                 SELECT r.run_id FROM lineage_runfieldmapping r
                                 WHERE r.mapping_id = newer.uuid
                                   AND (%(as_of)s::timestamptz IS NULL OR r.first_seen_at <= %(as_of)s)
                                 ORDER BY r.first_seen_at DESC LIMIT 1))) AS is_current
            FROM lineage_fieldmapping m WHERE m.uuid IN (SELECT mapping_id FROM link)
        )
        SELECT link.asset, link.field, link.{other}_id, link.{other}_field, link.is_direct, link.is_masking,
               link.transformations::text, mapping.job_id, mapping.valid_from, mapping.last_seen_at, mapping.is_current
        FROM link JOIN mapping ON mapping.uuid = link.mapping_id ORDER BY link.id
        """,
        moment,
        {
            "assets": [asset for asset, _, _ in asked],
            "fields": [field for _, field, _ in asked],
            "names": [name for _, _, name in asked],
            "most": most,
        },
    )
    return [_flow(row, side) for row in rows] + _same(here, side, moment)


def _same(here: Sequence[Column], side: Direction, moment: Moment) -> list[Flow]:
    """The same fields by other names of their assets; by an earlier name upstream, by a later one downstream."""
    end, other = ("target_id", "source_id") if side is Direction.UPSTREAM else ("source_id", "target_id")
    rows = _rows(
        f"""
        SELECT DISTINCT ON (e.{end}, e.{other}) e.{end}, e.{other}, e.valid_from, e.last_seen_at
        FROM {moment.edges()} AS e
        WHERE e.{end} = ANY(%(assets)s) AND e.relation IN ('alias', 'alias_of', 'renamed')
        ORDER BY e.{end}, e.{other}, e.valid_from
        """,
        moment,
        {"assets": list({column.asset for column in here})},
    )
    others: dict[int, list[tuple[int, datetime, datetime]]] = {}
    for asset, elsewhere, since, last in rows:
        others.setdefault(asset, []).append((elsewhere, since, last))
    found = []
    for column in here:
        for elsewhere, since, last in others.get(column.asset, ()):
            far = Column(elsewhere, column.field)
            source, target = (far, column) if side is Direction.UPSTREAM else (column, far)
            found.append(Flow(source, target, True, False, (), None, since, last, True, True))
    return found


def _concerning(field: str) -> Sequence[str | None]:
    """The names by which links concern a field: its own, those it is part of, all of the dataset. None: any name."""
    if not field:
        return [None]
    return [*columns.ancestry(field), WHOLE]


def _flow(row: Sequence[Any], side: Direction) -> Flow:
    near, far = Column(row[0], row[1]), Column(row[2], row[3])
    source, target = (far, near) if side is Direction.UPSTREAM else (near, far)
    said = tuple((one["type"], one["subtype"], one["description"], one["is_masking"]) for one in json.loads(row[6]))
    return Flow(source, target, row[4], row[5], said, row[7], row[8], row[9], row[10])


def _said_last(row: str) -> str:
    """When a mapping was said last, as far as the day asked for."""
    return f"""CASE WHEN {row}.last_seen_at <= COALESCE(%(as_of)s::timestamptz, 'infinity') THEN {row}.last_seen_at
        ELSE COALESCE((SELECT max(r.first_seen_at) FROM lineage_runfieldmapping r
                       WHERE r.mapping_id = {row}.uuid AND r.first_seen_at <= %(as_of)s), {row}.first_seen_at) END"""


def _walk(
    frontier: list[Column], side: Direction, depth: int, budget: int, moment: Moment, depths: dict[Column, int]
) -> int | None:
    """Add what lies on one side to `depths`. Gives the step at which the budget ran out, if it did."""
    frontier = [column for column in frontier if depths[column] == 0]
    walked = set(frontier)
    for step in range(1, depth + 1):
        flows = _flows(frontier, side, moment, MOST_LINKS)
        found = {flow.source if side is Direction.UPSTREAM else flow.target for flow in flows} - walked
        frontier = sorted(found)
        walked |= found
        for column in frontier:
            if column not in depths:
                if len(depths) >= budget:
                    return step
                depths[column] = step
        if len(flows) >= MOST_LINKS:
            return step  # There may be more than was looked at.
        if not frontier:
            return None
    return None


def described(
    *,
    asset: Asset,
    field: str,
    direction: Direction,
    depth: int,
    budget: int,
    moment: Moment,
    depths: Mapping[Column, int],
    reason: str,
) -> FieldNeighbourhood:
    """What there is to say of these fields and the links among them. Something was left out if there is a reason."""
    found = list(depths)
    up, down = feeding(found, moment), fed(found, moment)
    inside = [flow for flow in dict.fromkeys((*up, *down)) if flow.source in depths and flow.target in depths]
    more_up = _count((flow.target, flow.source) for flow in up if flow.source not in depths)
    more_down = _count((flow.source, flow.target) for flow in down if flow.target not in depths)
    numbers = {column: number for number, column in enumerate(found)}
    shape = graph.shape(numbers.values(), [(numbers[flow.source], numbers[flow.target]) for flow in inside])
    jobs = {flow.job for flow in inside if flow.job is not None}
    assets = Asset.objects.in_bulk({column.asset for column in found} | jobs)
    schemas = selectors.facet_on([column.asset for column in found], "schema", moment)
    types = {Column(number, one.name): one.type for number, facet in schemas.items() for one in columns.schema(facet)}
    given = tags.of([(column.asset, assets[column.asset].uuid) for column in found], moment=moment)
    nodes = [
        FieldNode(
            uuid=identity.field(assets[column.asset].uuid, column.field),
            asset=assets[column.asset].uuid,
            kind=assets[column.asset].kind,
            namespace=assets[column.asset].namespace,
            name=assets[column.asset].name,
            field=column.field or None,
            type=types.get(column, ""),
            tags=tuple(tag for tag in given.get(column.asset, ()) if tag.field == column.field),
            depth=depths[column],
            rank=shape.rank[numbers[column]],
            more_upstream=more_up.get(column, 0),
            more_downstream=more_down.get(column, 0),
        )
        for column in found
    ]
    nodes.sort(key=lambda node: (node.depth, node.namespace, node.name, node.field or ""))
    return FieldNeighbourhood(
        root=identity.field(asset.uuid, field),
        direction=direction,
        depth=depth,
        budget=budget,
        moment=moment,
        nodes=nodes,
        edges=_edges(inside, assets),
        is_truncated=bool(reason),
        are_counts_exact=max(len(up), len(down)) < MOST_LINKS,
        reason=reason,
    )


def _edges(flows: Iterable[Flow], assets: dict[int, Asset]) -> list[FieldEdge]:
    """One edge for all that says the same of the same two fields."""
    alike: dict[tuple[Column, Column, bool], list[Flow]] = {}
    for flow in flows:
        alike.setdefault((flow.source, flow.target, flow.is_direct), []).append(flow)
    edges = [
        FieldEdge(
            source=identity.field(assets[source.asset].uuid, source.field),
            target=identity.field(assets[target.asset].uuid, target.field),
            is_direct=is_direct,
            is_masking=all(flow.is_masking for flow in said),
            is_current=any(flow.is_current for flow in said),
            transformations=tuple(dict.fromkeys(one for flow in said for one in flow.transformations)),
            jobs=tuple(sorted({assets[flow.job].uuid for flow in said if flow.job is not None})),
            valid_from=min(flow.valid_from for flow in said),
            last_seen_at=max(flow.last_seen_at for flow in said),
            is_same=all(flow.is_same for flow in said),
        )
        for (source, target, is_direct), said in alike.items()
    ]
    return sorted(edges, key=lambda edge: (str(edge.source), str(edge.target), not edge.is_direct))


def _count(pairs: Iterable[tuple[Column, Column]]) -> dict[Column, int]:
    others: dict[Column, set[Column]] = {}
    for column, other in pairs:
        others.setdefault(column, set()).add(other)
    return {column: len(found) for column, found in others.items()}


def _rows(statement: str, moment: Moment, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, moment.parameters | parameters)
        return list(cursor.fetchall())
