"""Tags that reach an asset along its fields, by the evidence: which runs made this version of which fields of what.

A tag follows a field into whatever is made of it. A masking transformation is told with the path, not taken for the end
of it: whether masked personal data may go into a model is a question for a policy.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from governance.errors import TooLarge
from lineage import columns, inputs, provenance, selectors, tags
from lineage.asof import NOW, Moment
from lineage.provenance import Spot
from lineage.tags import Tag

MAX_SPOTS = 20_000
MAX_LINKS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A field of a dataset on the way of a tag; no field stands for all of the dataset."""

    asset: UUID
    kind: str
    namespace: str
    name: str
    field: str | None

    def __str__(self) -> str:
        return f"{self.name}.{self.field}" if self.field else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """How one place is made of the one before it: in a run, or on the map by what a job says.

    Assumed when the run said nothing of fields: then all it wrote is taken to be made of all it read. Current unless
    the job has said otherwise since; what a run did is always told as current.
    """

    run: UUID | None = None
    job: UUID | None = None
    is_direct: bool
    is_masking: bool
    is_assumed: bool
    is_current: bool = True
    transformations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPath:
    """One way by which a tag reaches an asset: places from where the tag was given to the asset, and hops between them.

    Masked when a hop on the way hides the value. Direct when values are made of values all the way; otherwise the field
    decides, somewhere on the way, only which rows there are. Assumed when some hop is.
    """

    key: str
    value: str
    source: str
    is_by_person: bool
    places: tuple[Place, ...]
    hops: tuple[Hop, ...]

    @property
    def origin(self) -> Place:
        return self.places[0]

    @property
    def is_masked(self) -> bool:
        return any(hop.is_masking for hop in self.hops)

    @property
    def is_direct(self) -> bool:
        return all(hop.is_direct for hop in self.hops)

    @property
    def is_assumed(self) -> bool:
        return any(hop.is_assumed for hop in self.hops)

    @property
    def is_current(self) -> bool:
        return all(hop.is_current for hop in self.hops)

    def __str__(self) -> str:
        """`customers.email -> features.email_hash (masked) -> credit-risk`, for people."""
        words = [str(self.places[0])]
        for place, hop in zip(self.places[1:], self.hops, strict=True):
            notes = [
                word
                for word, holds in (
                    ("masked", hop.is_masking),
                    ("indirect", not hop.is_direct),
                    ("assumed", hop.is_assumed),
                )
                if holds
            ]
            words.append(f"{place} ({', '.join(notes)})" if notes else str(place))
        return " -> ".join(words)


class _State(NamedTuple):
    """Where a walk stands, and what the way there was like. What is worse about one way is not hidden by another."""

    spot: Spot
    field: str | None
    is_masked: bool
    is_direct: bool
    is_assumed: bool


class _Step(NamedTuple):
    """Where a state leads to, into which field of it, and how."""

    state: _State
    field: str | None
    hop: Hop


class _Link(NamedTuple):
    source: int
    source_field: str
    target_field: str
    is_direct: bool
    is_masking: bool
    transformations: tuple[str, ...]


class _Links:
    """What one run said of the fields of one output, found by field: wide tables have thousands."""

    def __init__(self) -> None:
        self.all: list[_Link] = []
        # By the field that is told of; and by it and everything that it is a part of.
        self._at: dict[str, list[_Link]] = {}
        self._within: dict[str, list[_Link]] = {}

    def add(self, links: Iterable[_Link]) -> None:
        for link in links:
            self.all.append(link)
            self._at.setdefault(link.target_field, []).append(link)
            for name in columns.ancestry(link.target_field):
                self._within.setdefault(name, []).append(link)

    def into(self, field: str | None) -> list[_Link]:
        """The links into a field; those of a whole dataset into the whole only where none is told of the field."""
        if field is None:
            return self.all
        into = list(self._within.get(field, ()))
        for name in (*columns.ancestry(field)[:-1], columns.WHOLE):
            into += self._at.get(name, ())
        told = [link for link in into if link.target_field or link.source_field]
        return told or into


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """The runs behind a version: who wrote what, what each read, what it said of fields, by run and asset written."""

    writers: dict[Spot, list[UUID]]
    reads: dict[UUID, list[Spot]]
    links: dict[tuple[UUID, int], _Links]
    same: dict[int, set[int]]
    # What a version is called by the name that a run wrote it by.
    aliases: dict[Spot, list[Spot]]
    # Pairs of assets of which the first was renamed to the second.
    renamed: set[tuple[int, int]]


def tags_upstream(
    asset_uuid: UUID, *, tags: Collection[str], moment: Moment = NOW, version: str | None = None
) -> list[TagPath]:
    """The tags of these names that reach a version of the asset (its newest when absent), each by its shortest way.

    A name is the key of a tag (`personal-data`), or key and value (`class=personal-data`), whatever their case. Of each
    tagged field there is at most one path that is masked and one that is not, each once more if only indirect; told
    ones go before assumed ones. The asset's own tags have paths of one place. Ordered by tag, unmasked first.

    By the evidence alone: only what runs read and wrote, in the versions that they did. An empty list says that no tag
    of these names is known upstream, and is no proof where no runs are known: ask `evidence.producing_runs`. Raises
    NotFound for an asset or version that is not there, and TooLarge rather than leaving anything out.
    """
    asset = selectors.asset(asset_uuid)
    root = selectors.spot(asset, version=version, moment=moment)
    behind = _behind(root, moment)
    parents = _reached(root, behind)
    numbers = {state.spot.asset for state in parents if state.spot.asset is not None}
    places = _places(numbers)
    given = _given(places, _wanted(tags), moment)
    best: dict[tuple[int, Tag, bool, bool], _State] = {}
    for state in parents:
        for tag in given.get(state.spot.asset or 0, ()):
            if state.field is None or columns.concern(tag.field, state.field):
                key = (state.spot.asset or 0, tag, state.is_masked, state.is_direct)
                if key not in best or (best[key].is_assumed and not state.is_assumed):
                    best[key] = state
    paths = [_path(tag, state, parents, places) for (_, tag, _, _), state in best.items()]
    return sorted(paths, key=_order)


def matches(tag: Tag, wanted: Collection[tuple[str, str | None]]) -> bool:
    return any(tag.key.lower() == key and value in (None, tag.value.lower()) for key, value in wanted)


def _wanted(names: Collection[str]) -> set[tuple[str, str | None]]:
    """Key and value of each name, in lower case; None for any value."""
    found = set()
    for name in names:
        key, equals, value = name.strip().lower().partition("=")
        found.add((key, value if equals else None))
    return found


def _behind(root: Spot, moment: Moment) -> _Evidence:
    """Everything that the evidence has upstream of the root."""
    writers: dict[Spot, list[UUID]] = {}
    reads: dict[UUID, list[Spot]] = {}
    aliases: dict[Spot, list[Spot]] = {}
    known, frontier = {root}, [root]
    while frontier:
        arrows = provenance.upstream(frontier, moment, provenance.MOST_ARROWS)
        if len(arrows) >= provenance.MOST_ARROWS or len(known) > MAX_SPOTS:
            raise TooLarge(f"More than {MAX_SPOTS:,} runs and versions lie upstream, too many to follow fields.")
        found = set()
        for arrow in arrows:
            if arrow.target.is_run and arrow.target.run is not None and arrow.relation == "consumed":
                reads.setdefault(arrow.target.run, []).append(arrow.source)
            elif arrow.source.run is not None and arrow.relation == "produced":
                writers.setdefault(arrow.target, []).append(arrow.source.run)
            elif arrow.relation == "alias":
                aliases.setdefault(arrow.target, []).append(arrow.source)
            else:
                continue  # The commit that a run was built from holds no data.
            found.add(arrow.source)
        frontier = sorted(found - known, key=lambda spot: (spot.asset or 0, spot.version or 0, str(spot.run)))
        known |= found
    links = _links([spot.run for spot in known if spot.is_run], moment)
    named = {link.source for told in links.values() for link in told.all}
    written = [spot.asset for spot in writers if spot.asset is not None]
    return _Evidence(
        writers=writers,
        reads=reads,
        links=links,
        same=_same(named, moment),
        aliases=aliases,
        renamed=_renamed(written, moment),
    )


def _renamed(targets: list[int], moment: Moment) -> set[tuple[int, int]]:
    rows = _rows(
        f"""
        SELECT e.source_id, e.target_id FROM {moment.edges()} AS e
        WHERE e.target_id = ANY(%(targets)s) AND e.relation = 'renamed'
        """,
        moment,
        {"targets": targets},
    )
    return {(row[0], row[1]) for row in rows}


def _same(named: set[int], moment: Moment) -> dict[int, set[int]]:
    """Of assets by the names that links give them, the ids by every other name."""
    rows = _rows(
        f"""
        SELECT named.id, same.id FROM unnest(%(ids)s::bigint[]) AS named (id)
        CROSS JOIN {inputs.same("named.id", moment)} AS same
        """,
        moment,
        {"ids": list(named)},
    )
    found: dict[int, set[int]] = {}
    for asset, other in rows:
        found.setdefault(asset, set()).add(other)
    return found


def _links(runs: list[UUID | None], moment: Moment) -> dict[tuple[UUID, int], _Links]:
    said = _rows(
        f"""
        SELECT said.run_id, said.mapping_id, m.target_id
        FROM lineage_runfieldmapping said JOIN lineage_fieldmapping m ON m.uuid = said.mapping_id
        WHERE said.run_id = ANY(%(runs)s) AND {moment.stands("said", "first_seen_at")}
        """,
        moment,
        {"runs": runs},
    )
    rows = _rows(
        """
        SELECT mapping_id, source_id, source_field, target_field, is_direct, is_masking,
               ARRAY(SELECT concat_ws(' ', t ->> 'type', t ->> 'subtype')
                     FROM jsonb_array_elements(transformations) WITH ORDINALITY AS one (t, place) ORDER BY place)
        FROM lineage_fieldlink WHERE mapping_id = ANY(%(mappings)s) ORDER BY id LIMIT %(most)s
        """,
        moment,
        {"mappings": list({row[1] for row in said}), "most": MAX_LINKS + 1},
    )
    if len(rows) > MAX_LINKS:
        raise TooLarge(f"More than {MAX_LINKS:,} links between fields lie upstream.")
    by_mapping: dict[UUID, list[_Link]] = {}
    for row in rows:
        by_mapping.setdefault(row[0], []).append(_Link(row[1], row[2], row[3], row[4], row[5], tuple(row[6])))
    found: dict[tuple[UUID, int], _Links] = {}
    for run, mapping, target in said:
        found.setdefault((run, target), _Links()).add(by_mapping.get(mapping, ()))
    return found


def _reached(root: Spot, behind: _Evidence) -> dict[_State, _Step | None]:
    """Every state upstream of the root, nearest first, with the one it leads to and how."""
    start = _State(root, None, False, True, False)
    parents: dict[_State, _Step | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        for before, step in _before(state, behind):
            if before not in parents:
                parents[before] = step
                waiting.append(before)
    return parents


def _before(state: _State, behind: _Evidence) -> Iterator[tuple[_State, _Step]]:
    """What the field of the state is made of, in each run that wrote its version, and what it is by another name."""
    for spot in behind.aliases.get(state.spot, ()):
        hop = Hop(is_direct=True, is_masking=False, is_assumed=False, transformations=("ALIAS",))
        before = _State(spot, state.field, state.is_masked, state.is_direct, state.is_assumed)
        yield before, _Step(state, state.field, hop)
    for run in behind.writers.get(state.spot, ()):
        read = behind.reads.get(run, [])
        links = behind.links.get((run, state.spot.asset or 0))
        if links is None:
            for spot in read:
                # By another name every field is what it was.
                is_same = (spot.asset or 0, state.spot.asset or 0) in behind.renamed
                hop = Hop(
                    run=run,
                    is_direct=True,
                    is_masking=False,
                    is_assumed=not is_same,
                    transformations=("RENAME",) if is_same else (),
                )
                field, is_assumed = (state.field, state.is_assumed) if is_same else (None, True)
                before = _State(spot, field, state.is_masked, state.is_direct, is_assumed)
                yield before, _Step(state, state.field, hop)
            continue
        for link in links.into(state.field):
            hop = Hop(
                run=run,
                is_direct=link.is_direct,
                is_masking=link.is_masking,
                is_assumed=False,
                transformations=link.transformations,
            )
            # A source that the run did not list as read: of what version, nobody knows.
            spots = [spot for spot in read if spot.asset in behind.same[link.source]]
            spots = spots or [Spot(link.source, None, None)]
            for spot in spots:
                yield (
                    _State(
                        spot,
                        link.source_field or None,
                        state.is_masked or link.is_masking,
                        state.is_direct and link.is_direct,
                        state.is_assumed,
                    ),
                    _Step(state, state.field or link.target_field or None, hop),
                )


def _places(numbers: set[int]) -> dict[int, tuple[UUID, str, str, str]]:
    rows = _rows(
        "SELECT id, uuid, kind, namespace, name FROM lineage_asset WHERE id = ANY(%(ids)s)", NOW, {"ids": list(numbers)}
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


def _given(
    places: dict[int, tuple[UUID, str, str, str]], wanted: set[tuple[str, str | None]], moment: Moment
) -> dict[int, list[Tag]]:
    """The tags of these names on each asset."""
    found = tags.of([(number, place[0]) for number, place in places.items()], moment=moment)
    return {number: [tag for tag in listed if matches(tag, wanted)] for number, listed in found.items()}


def _path(
    tag: Tag,
    state: _State,
    parents: dict[_State, _Step | None],
    places: dict[int, tuple[UUID, str, str, str]],
) -> TagPath:
    states, steps = [state], []
    while (step := parents[states[-1]]) is not None:
        states.append(step.state)
        steps.append(step)
    # The tag is on the field that has it, also where the walk came to the whole dataset.
    named = [tag.field or state.field, *(step.field for step in steps)]
    return TagPath(
        key=tag.key,
        value=tag.value,
        source=tag.source,
        is_by_person=tag.is_by_person,
        places=tuple(_place(one, field, places) for one, field in zip(states, named, strict=True)),
        hops=tuple(step.hop for step in steps),
    )


def _place(state: _State, field: str | None, places: dict[int, tuple[UUID, str, str, str]]) -> Place:
    uuid, kind, namespace, name = places[state.spot.asset or 0]
    return Place(asset=uuid, kind=kind, namespace=namespace, name=name, field=field or None)


def _order(path: TagPath) -> tuple[Any, ...]:
    place = path.origin
    return path.key, path.value, path.is_masked, not path.is_direct, place.namespace, place.name, place.field or ""


def _rows(statement: str, moment: Moment, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, moment.parameters | parameters)
        return list(cursor.fetchall())
