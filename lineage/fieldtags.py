"""Which tags arrive at the fields of an asset, and by which way, on the map: along values, as far as anyone said.

What pages show. Gates ask `fields.tags_upstream`, which goes by the evidence and assumes where nothing was said.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lineage import fieldgraph, fields, tags
from lineage.asof import NOW, Moment
from lineage.columns import WHOLE, concern
from lineage.fieldgraph import Column, Flow
from lineage.fields import Hop, Place, TagPath
from lineage.models import Asset
from lineage.tags import Tag

MAX_COLUMNS = 5_000
MAX_STATES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """By field: what feeds it directly, and the tags that arrive at it. Truncated when some may have been left out."""

    flows: dict[str, list[Flow]]
    paths: dict[str, list[TagPath]]
    assets: dict[int, Asset]
    is_truncated: bool


class _State(NamedTuple):
    """A column on a way to a field of the asset, and what that way is like."""

    field: str
    column: Column
    is_masked: bool
    is_current: bool


def arriving(asset: Asset, names: list[str], *, moment: Moment = NOW) -> Arrivals:
    """What arrives at these fields of the asset: tags of other assets' fields, each by its shortest way.

    Of each tag at most one way that is masked and one that is not, current ones before those that a job no longer goes.
    """
    flows, is_truncated = _upstream([Column(asset.pk, name) for name in names], moment)
    if not any(flows.values()):
        return Arrivals(flows={}, paths={}, assets={}, is_truncated=is_truncated)
    parents: dict[_State, tuple[_State, Flow] | None] = {}
    waiting = deque(_State(name, Column(asset.pk, name), False, True) for name in names)
    parents.update(dict.fromkeys(waiting))
    while waiting and len(parents) <= MAX_STATES:
        state = waiting.popleft()
        for before, flow in _before(state, flows):
            if before not in parents:
                parents[before] = (state, flow)
                waiting.append(before)
    numbers = {column.asset for column in flows} | {state.column.asset for state in parents}
    numbers |= {flow.source.asset for found in flows.values() for flow in found}
    numbers |= {flow.job for found in flows.values() for flow in found if flow.job is not None}
    assets = Asset.objects.in_bulk(numbers)
    given = tags.of([(number, found.uuid) for number, found in assets.items()], moment=moment)
    best: dict[tuple[str, int, Tag, bool], _State] = {}
    for state in parents:
        if parents[state] is None:
            continue
        for tag in given.get(state.column.asset, ()):
            if concern(tag.field, state.column.field):
                key = (state.field, state.column.asset, tag, state.is_masked)
                if key not in best or (state.is_current and not best[key].is_current):
                    best[key] = state
    paths: dict[str, list[TagPath]] = {}
    for (name, _, tag, _), state in best.items():
        paths.setdefault(name, []).append(_path(tag, state, parents, assets))
    for found in paths.values():
        found.sort(key=lambda path: (path.is_masked, not path.is_current, path.key, str(path)))
    return Arrivals(
        flows={name: flows.get(Column(asset.pk, name), []) for name in names},
        paths=paths,
        assets=assets,
        is_truncated=is_truncated or bool(waiting),
    )


def _upstream(begin: list[Column], moment: Moment) -> tuple[dict[Column, list[Flow]], bool]:
    """What feeds each column, and what feeds that, within MAX_COLUMNS."""
    flows: dict[Column, list[Flow]] = {column: [] for column in begin}
    frontier = begin
    while frontier:
        found = fieldgraph.feeding(frontier, moment)
        for flow in found:
            flows[flow.target].append(flow)
        frontier = sorted({flow.source for flow in found if flow.is_direct and flow.source not in flows})
        if len(found) >= fieldgraph.MOST_LINKS or len(flows) + len(frontier) > MAX_COLUMNS:
            return flows, True
        flows.update({column: [] for column in frontier})
    return flows, False


def _before(state: _State, flows: dict[Column, list[Flow]]) -> Iterator[tuple[_State, Flow]]:
    told = [flow for flow in flows.get(state.column, ()) if flow.is_direct]
    for flow in told:
        yield (
            _State(state.field, flow.source, state.is_masked or flow.is_masking, state.is_current and flow.is_current),
            flow,
        )


def _path(
    tag: Tag, state: _State, parents: dict[_State, tuple[_State, Flow] | None], assets: dict[int, Asset]
) -> TagPath:
    columns, flows = [state.column], []
    step = parents[state]
    while step is not None:
        columns.append(step[0].column)
        flows.append(step[1])
        step = parents[step[0]]
    columns[0] = Column(columns[0].asset, tag.field or columns[0].field)
    return TagPath(
        key=tag.key,
        value=tag.value,
        source=tag.source,
        is_by_person=tag.is_by_person,
        places=tuple(_place(column, assets) for column in columns),
        hops=tuple(_hop(flow, assets) for flow in flows),
    )


def _place(column: Column, assets: dict[int, Asset]) -> Place:
    asset = assets[column.asset]
    field = None if column.field == WHOLE else column.field
    return fields.Place(asset=asset.uuid, kind=asset.kind, namespace=asset.namespace, name=asset.name, field=field)


def _hop(flow: Flow, assets: dict[int, Asset]) -> Hop:
    return Hop(
        job=None if flow.job is None else assets[flow.job].uuid,
        is_direct=flow.is_direct,
        is_masking=flow.is_masking,
        is_assumed=False,
        is_current=flow.is_current,
        transformations=tuple(f"{kind} {subtype}".strip() for kind, subtype, _, _ in flow.transformations),
    )
