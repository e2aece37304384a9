"""A part of the graph that somebody opens step by step. The same question always gives the same part.

Some steps around the root are open at first. Who has more than HUB neighbours on a side is a hub: only when asked are
its neighbours shown, and then the first few. What nobody reaches any more is not shown, whatever was opened there.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar
from uuid import UUID

from django.db import connection

from governance.errors import Invalid
from lineage import fieldgraph, identity, provenance, selectors, traversal
from lineage.asof import NOW, Moment
from lineage.fieldgraph import Column, FieldNeighbourhood
from lineage.models import Asset, AssetVersion, Run
from lineage.provenance import Provenance, Spot
from lineage.traversal import MAX_BUDGET, Direction, Neighbourhood

Key = TypeVar("Key", bound=Hashable)
HUB = 25
MOST_OPENINGS = 200
# Of the neighbours of a version that a search looks at.
MOST_COMPARED = 5_000
SIDES = (Direction.UPSTREAM, Direction.DOWNSTREAM)


@dataclass(frozen=True, slots=True)
class Opening:
    """The first `count` neighbours of a node on one side are to be shown."""

    node: UUID
    side: Direction
    count: int = HUB


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be shown: so many steps around the root, what was opened, and single nodes that were picked."""

    direction: Direction = Direction.BOTH
    depth: int = 1
    openings: tuple[Opening, ...] = ()
    picked: tuple[UUID, ...] = ()
    moment: Moment = NOW
    budget: int = MAX_BUDGET

    def __post_init__(self) -> None:
        if len(self.openings) + len(self.picked) > MOST_OPENINGS:
            says = f"More than {MOST_OPENINGS} nodes are opened one by one. Choose more steps instead."
            raise Invalid(says, fields={"up": says, "down": says})


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One of the neighbours of a hub."""

    uuid: UUID
    kind: str
    namespace: str
    name: str
    version: str | None


class Ground(Protocol[Key]):
    """The graph that is opened: the map, the evidence, or the fields."""

    def beside(self, keys: Sequence[Key], side: Direction, most: int) -> Mapping[Key, Sequence[Key]]:
        """The neighbours of each on one side, at most `most` of each and always the same ones."""

    def uuids(self, keys: Sequence[Key]) -> Mapping[Key, UUID]:
        """What each is called outside."""

    def known(self, uuids: Sequence[UUID]) -> Mapping[UUID, Key]:
        """Those that can be told by what they are called."""


def of_map(asset: Asset, asked: Asked) -> Neighbourhood:
    """The assets to be shown around an asset."""
    depths, reason = _shown(_Map(asked.moment), [asset.pk], asked)
    return traversal.described(
        root=asset.uuid,
        direction=asked.direction,
        depth=asked.depth,
        budget=asked.budget,
        moment=asked.moment,
        depths=depths,
        reason=reason,
    )


def of_evidence(root: Spot, asked: Asked) -> Provenance:
    """The versions and runs to be shown around one."""
    depths, reason = _shown(_Evidence(asked.moment), [root], asked)
    return provenance.described(
        root=root,
        direction=asked.direction,
        depth=asked.depth,
        budget=asked.budget,
        moment=asked.moment,
        depths=depths,
        reason=reason,
    )


def of_fields(asset: Asset, field: str, asked: Asked) -> FieldNeighbourhood:
    """The fields to be shown around a field and its parts, or around all of an asset's."""
    depths, reason = _shown(_Fields(asked.moment), fieldgraph.within(asset, field, asked.moment), asked)
    return fieldgraph.described(
        asset=asset,
        field=field,
        direction=asked.direction,
        depth=asked.depth,
        budget=asked.budget,
        moment=asked.moment,
        depths=depths,
        reason=reason,
    )


def neighbours(*, asset: Asset, side: Direction, text: str, limit: int, moment: Moment = NOW) -> list[Neighbour]:
    """The first neighbours of an asset on the map whose name or namespace holds every word of the text."""
    here, there = traversal.ends(side)
    words = text.split()
    holds = "".join(
        f" AND (a.name ILIKE %(word{number})s OR a.namespace ILIKE %(word{number})s)" for number in range(len(words))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.uuid, a.kind, a.namespace, a.name
            FROM (SELECT DISTINCT e.{there} AS id FROM {moment.edges()} AS e WHERE e.{here} = %(asset)s) AS near
            JOIN lineage_asset a ON a.id = near.id WHERE true{holds} ORDER BY near.id LIMIT %(limit)s
            """,
            moment.parameters
            | {f"word{number}": f"%{_literal(word)}%" for number, word in enumerate(words)}
            | {"asset": asset.pk, "limit": limit},
        )
        return [
            Neighbour(uuid=row[0], kind=row[1], namespace=row[2], name=row[3], version=None)
            for row in cursor.fetchall()
        ]


def evidence_neighbours(*, node: UUID, side: Direction, text: str, limit: int, moment: Moment = NOW) -> list[Neighbour]:
    """The first neighbours of a version or run whose name, namespace or version holds every word of the text.

    Versions that nobody named are left out: outside they cannot be picked.
    """
    ground = _Evidence(moment)
    spot = ground.known([node]).get(node)
    if spot is None:
        return []
    near = [one for one in ground.beside([spot], side, MOST_COMPARED)[spot] if one.is_run or one.version is not None]
    words = text.lower().split()
    found = provenance.described(
        root=spot,
        direction=side,
        depth=1,
        budget=MOST_COMPARED,
        moment=moment,
        depths={spot: 0, **dict.fromkeys(near, 1)},
        reason="",
    ).nodes
    said = ((one, f"{one.namespace} {one.name} {one.version or one.uuid}".lower()) for one in found if one.depth)
    return [
        Neighbour(uuid=one.uuid, kind=one.kind, namespace=one.namespace, name=one.name, version=one.version)
        for one, spelt in islice(((one, spelt) for one, spelt in said if all(word in spelt for word in words)), limit)
    ]


def _literal(word: str) -> str:
    return word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _shown(ground: Ground[Key], roots: Sequence[Key], asked: Asked) -> tuple[dict[Key, int], str]:
    """How far each of what is to be shown lies from the root, and why something is left out, if it is."""
    depths = dict.fromkeys(roots[: asked.budget], 0)
    is_whole = len(depths) == len(roots)
    for side in SIDES if asked.direction is Direction.BOTH else (asked.direction,):
        is_whole &= _step(ground, list(depths), side, asked, depths)
    is_whole &= _open(ground, asked, depths)
    picked = ground.known(asked.picked).values()
    # Deeper than all that was reached: they were reached by no step.
    is_whole &= _add(picked, max(depths.values()) + 1, asked.budget, depths)
    return depths, "" if is_whole else f"There is room for {asked.budget:,} nodes. Open less, or begin elsewhere."


def _step(ground: Ground[Key], roots: list[Key], side: Direction, asked: Asked, depths: dict[Key, int]) -> bool:
    """Add what lies within the steps on one side, hubs closed. Gives whether there was room."""
    frontier = [root for root in roots if depths[root] == 0]
    walked = set(frontier)
    for depth in range(1, asked.depth + 1):
        found = ground.beside(frontier, side, HUB + 1)
        frontier = [
            other
            for key in frontier
            if depth == 1 or len(found[key]) <= HUB
            for other in found[key][:HUB]
            if other not in walked
        ]
        walked.update(frontier)
        frontier = list(dict.fromkeys(frontier))
        if not _add(frontier, depth, asked.budget, depths):
            return False
        if not frontier:
            break
    return True


def _open(ground: Ground[Key], asked: Asked, depths: dict[Key, int]) -> bool:
    """Add what was opened by hand, as long as it is reached. Gives whether there was room."""
    names: dict[UUID, Key] = {}
    waiting = list(dict.fromkeys(asked.openings))
    fresh = list(depths) if waiting else []
    while waiting and fresh:
        names |= {uuid: key for key, uuid in ground.uuids(fresh).items()}
        ready = [opening for opening in waiting if opening.node in names]
        before = len(depths)
        for side in SIDES:
            anchors = {names[opening.node]: opening for opening in ready if opening.side is side}
            if not anchors:
                continue
            found = ground.beside(list(anchors), side, max(opening.count for opening in anchors.values()))
            for key, opening in anchors.items():
                if not _add(found[key][: opening.count], depths[key] + 1, asked.budget, depths):
                    return False
        waiting = [opening for opening in waiting if opening.node not in names]
        fresh = list(depths)[before:]
    return True


def _add(found: Iterable[Key], depth: int, budget: int, depths: dict[Key, int]) -> bool:
    for key in found:
        if key in depths:
            continue
        if len(depths) >= budget:
            return False
        depths[key] = depth
    return True


class _Map:
    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def beside(self, keys: Sequence[int], side: Direction, most: int) -> dict[int, list[int]]:
        here, there = traversal.ends(side)
        found: dict[int, list[int]] = {key: [] for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(
                # The index gives the neighbours of one in order, so that a hub costs no more than others.
                f"""
                SELECT node.id, near.id FROM unnest(%(nodes)s::bigint[]) AS node (id) CROSS JOIN LATERAL (
                    SELECT DISTINCT e.{there} AS id FROM {self._moment.edges()} AS e WHERE e.{here} = node.id
                    ORDER BY e.{there} LIMIT %(most)s
                ) AS near
                """,
                self._moment.parameters | {"nodes": list(keys), "most": most},
            )
            for key, other in cursor.fetchall():
                found[key].append(other)
        return found

    def uuids(self, keys: Sequence[int]) -> dict[int, UUID]:
        return dict(Asset.objects.filter(pk__in=keys).values_list("pk", "uuid"))

    def known(self, uuids: Sequence[UUID]) -> dict[UUID, int]:
        return selectors.numbers(uuids)


class _Evidence:
    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def beside(self, keys: Sequence[Spot], side: Direction, most: int) -> dict[Spot, list[Spot]]:
        is_up = side is Direction.UPSTREAM
        look = provenance.upstream if is_up else provenance.downstream
        pairs = [
            (arrow.target, arrow.source) if is_up else (arrow.source, arrow.target)
            for arrow in look(keys, self._moment, provenance.MOST_ARROWS)
        ]
        return _cut(keys, pairs, most)

    def uuids(self, keys: Sequence[Spot]) -> dict[Spot, UUID]:
        return provenance.uuids(keys, self._moment)

    def known(self, uuids: Sequence[UUID]) -> dict[UUID, Spot]:
        if not uuids:
            return {}
        versions = AssetVersion.objects.filter(uuid__in=uuids).values_list("uuid", "asset_id", "pk")
        runs = Run.objects.filter(uuid__in=uuids).values_list("uuid", flat=True)
        return {uuid: Spot(asset, pk, None) for uuid, asset, pk in versions} | {
            uuid: Spot(None, None, uuid) for uuid in runs
        }


class _Fields:
    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._assets: dict[int, UUID] = {}

    def beside(self, keys: Sequence[Column], side: Direction, most: int) -> dict[Column, list[Column]]:
        is_up = side is Direction.UPSTREAM
        flows = fieldgraph.feeding(keys, self._moment) if is_up else fieldgraph.fed(keys, self._moment)
        pairs = [(flow.target, flow.source) if is_up else (flow.source, flow.target) for flow in flows]
        return _cut(keys, pairs, most)

    def uuids(self, keys: Sequence[Column]) -> dict[Column, UUID]:
        new = {key.asset for key in keys} - self._assets.keys()
        self._assets |= dict(Asset.objects.filter(pk__in=new).values_list("pk", "uuid"))
        return {key: identity.field(self._assets[key.asset], key.field) for key in keys}

    def known(self, uuids: Sequence[UUID]) -> dict[UUID, Column]:
        return {}  # The name of a field cannot be read from what it is called outside.


def _cut(keys: Sequence[Key], pairs: Iterable[tuple[Key, Key]], most: int) -> dict[Key, list[Key]]:
    found: dict[Key, dict[Key, None]] = {key: {} for key in keys}
    for key, other in pairs:
        if len(found[key]) < most:
            found[key].setdefault(other)
    return {key: list(others) for key, others in found.items()}
