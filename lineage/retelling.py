"""Runs and facets by what had been received by a day: their events are read from the log and merged anew.

The graph keeps of them what was said last, which may have come later. Merging events here is merging them there
(`lineage.translation`), so what is read from all events of a run is exact. The events that spoke of an asset without a
run are not found by any index but the last of each document of facets; where one that is not found could make a
difference, the answer says that it is not exact.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from governance.errors import TooLarge
from lineage import events, selectors, traces
from lineage.asof import NOW, Moment
from lineage.details import Detail
from lineage.identity import Family
from lineage.models import Asset, AssetVersion, Run
from lineage.selectors import Facet, RunTag
from lineage.translation import Batch, RunFact, Stamp, state_of

# Of the runs of one page; a page of runs that tell more is refused.
MOST_EVENTS = 20_000
MOST_BYTES = 64_000_000
# Of those that may have said the facets of one asset; where more would have to be read, the answer is not exact.
MOST_RUNS = 1_000
MOST_READ = 200
CHUNK = 20

# What is set aside or waits is in no graph.
_IN_GRAPH = "NOT EXISTS (SELECT FROM lineage_outbox waiting WHERE waiting.event_id = e.id)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Runs as they stood, in their order, and the tags of each that had some."""

    runs: list[Run]
    tags: dict[UUID, list[RunTag]]


def runs(found: Sequence[Run], moment: Moment = NOW) -> Told:
    """These runs, each of which had been heard of, as far as events had told of them.

    Raises TooLarge, naming `known_at`, where too many events would have to be read. No run is written by this.
    """
    uuids = [run.uuid for run in found]
    if moment.known_at is None:
        tags = selectors.run_tags(uuids, as_of=moment.as_of)
        return Told(runs=[_by(run, moment.as_of) for run in found], tags=tags)
    batch = _batch(_events_of_runs(uuids, moment.known_at))
    # Of which no event came later stands as it is.
    standing = [uuid for uuid in uuids if uuid not in batch.runs]
    jobs = Asset.objects.in_bulk({fact.job for fact in batch.runs.values()}, field_name="uuid")
    commits = AssetVersion.objects.select_related("asset").in_bulk(
        {fact.commit for fact in batch.runs.values() if fact.commit}, field_name="uuid"
    )
    said = [
        (run, sighting.first_seen_at, sighting.last, json.loads(batch.detail_bodies[document]))
        for (run, name, document), sighting in batch.details.items()
        if name == Detail.TAGS
    ]
    return Told(
        runs=[
            _by(_run(run, fact, jobs, commits) if (fact := batch.runs.get(run.uuid)) else run, moment.as_of)
            for run in found
        ],
        tags=selectors.run_tags(standing, as_of=moment.as_of) | selectors.tags_said_last(said, moment.as_of),
    )


def _by(run: Run, as_of: datetime | None) -> Run:
    """The run without what happened later."""
    if as_of is not None and run.ended_at is not None and run.ended_at > as_of:
        run.state, run.ended_at = "running", None
    if as_of is not None and run.commit_set_at is not None and run.commit_set_at > as_of:
        run.commit = None
    return run


def _run(run: Run, fact: RunFact, jobs: Mapping[UUID, Asset], commits: Mapping[UUID, AssetVersion]) -> Run:
    return Run(
        uuid=run.uuid,
        external_id=fact.external_id,
        job=jobs[fact.job],
        parent=fact.parent,
        root=fact.root,
        state=fact.end_state or state_of(fact.event_types),
        event_types=int(fact.event_types),
        started_at=fact.started_at,
        ended_at=fact.end and fact.end[0],
        end_digest=fact.end and fact.end[1],
        first_event_at=fact.first_event_at,
        last_event_at=fact.last[0],
        last_digest=fact.last[1],
        commit=commits[fact.commit] if fact.commit else None,
        commit_set_at=fact.commit_set and fact.commit_set[0],
        commit_digest=fact.commit_set and fact.commit_set[1],
    )


def _events_of_runs(uuids: Sequence[UUID], known_at: datetime) -> list[int]:
    """The events of those runs of which others came later. Raises TooLarge."""
    rows = _rows(
        f"""
        SELECT e.id, octet_length(e.body) FROM lineage_event e
        WHERE e.run = ANY(%(runs)s) AND e.received_at <= %(known_at)s AND {_IN_GRAPH} AND EXISTS (
            SELECT FROM lineage_event later WHERE later.run = e.run AND later.received_at > %(known_at)s)
        LIMIT %(most)s
        """,
        {"runs": list(uuids), "known_at": known_at, "most": MOST_EVENTS + 1},
    )
    if len(rows) > MOST_EVENTS or sum(size for _, size in rows) > MOST_BYTES:
        says = "More events would have to be read than one answer may. Ask for fewer runs, or without known_at."
        raise TooLarge(f"known_at: {says}", fields={"known_at": says})
    return [row[0] for row in rows]


def _batch(ids: Sequence[int]) -> Batch:
    batch = Batch()
    for at in range(0, len(ids), CHUNK):
        for row in _bodies(ids[at : at + CHUNK]):
            batch.add(events.decode(bytes(row[3])), event_time=row[0], received_at=row[1], digest=bytes(row[2]))
    return batch


def _bodies(ids: Sequence[int]) -> list[Any]:
    """The latest first."""
    return _rows(
        "SELECT event_time, received_at, digest, body FROM lineage_event WHERE id = ANY(%(ids)s) "
        "ORDER BY event_time DESC, digest DESC",
        {"ids": list(ids)},
    )


# --- Facets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The facets of an asset, by key, and the keys of which it cannot be told whether they had been said."""

    facets: list[Facet]
    unsure: list[str]

    @property
    def doubtful(self) -> list[str]:
        """The keys of all that cannot be told for sure."""
        return [*(facet.key for facet in self.facets if not facet.is_exact), *self.unsure]


@dataclass(slots=True, kw_only=True)
class _Document:
    """One document of facets. `until`: it was not said later, as far as it counts. `told`: when it was said last, as
    far as that was found."""

    body: dict[str, Any]
    first_seen_at: datetime
    until: datetime
    told: Stamp | None
    is_open: bool


def facets(asset: Asset, moment: Moment = NOW) -> Said:
    """The facets at the moment, for each key the value said last, unless it was a deletion."""
    if moment.known_at is None:
        return Said(facets=selectors.facets(asset, as_of=moment.as_of), unsure=[])
    documents = _documents(asset, moment, moment.known_at)
    _look_up(asset, moment, documents)
    found, unsure = [], []
    for key in sorted({key for document in documents.values() for key in document.body}):
        value, said_at, rivals = _said_last(key, [one for one in documents.values() if key in one.body])
        if said_at is not None and not _is_deletion(value):
            is_exact = all(rival == value for rival in rivals)
            found.append(Facet(key=key, value=value, seen_at=said_at, is_exact=is_exact))
        elif not all(map(_is_deletion, rivals)):
            unsure.append(key)
    return Said(facets=found, unsure=unsure)


def _said_last(key: str, documents: Sequence[_Document]) -> tuple[Any, datetime | None, list[Any]]:
    """The value of a facet that was said last, when, and those that may have been said as late or later."""
    last, stamp = None, None
    for one in documents:
        if one.told is not None and (stamp is None or one.told > stamp):
            last, stamp = one, one.told
    rivals = [
        one.body[key]
        for one in documents
        if one.told == stamp is not None or (one.is_open and (stamp is None or one.until >= stamp[0]))
    ]
    return last and last.body[key], stamp and stamp[0], rivals


def _documents(asset: Asset, moment: Moment, known_at: datetime) -> dict[UUID, _Document]:
    """What the asset was ever said to have, as far as that may have been known. The log has the last sight of each."""
    latest = min(traces.until(known_at), moment.as_of or traces.NEVER)
    rows = _rows(
        """
        SELECT s.document_id, d.body::text, s.first_seen_at, s.last_seen_at, s.last_digest, is_known
        FROM lineage_facetsighting s JOIN lineage_facetdocument d ON d.uuid = s.document_id
        CROSS JOIN LATERAL (
            SELECT s.last_seen_at <= COALESCE(%(as_of)s::timestamptz, 'infinity') AND EXISTS (
                SELECT FROM lineage_event e WHERE e.digest = s.last_digest AND e.received_at <= %(known_at)s)
        ) AS told (is_known)
        WHERE s.asset_id = %(asset)s AND (is_known OR s.first_seen_at <= %(latest)s)
        """,
        moment.parameters | {"asset": asset.pk, "latest": latest},
    )
    return {
        row[0]: _Document(
            body=json.loads(row[1]),
            first_seen_at=row[2],
            until=row[3] if row[5] else min(row[3], latest),
            told=(row[3], bytes(row[4])) if row[5] else None,
            is_open=not row[5],
        )
        for row in rows
    }


def _look_up(asset: Asset, moment: Moment, documents: Mapping[UUID, _Document]) -> None:
    """Find when the open documents were said last, in the events of the asset's runs."""
    if not any(document.is_open for document in documents.values()):
        return
    for event_time, received_at, digest, body in _latest(asset, moment):
        if not _wanted(documents, event_time):
            return
        batch = Batch()
        batch.add(events.decode(bytes(body)), event_time=event_time, received_at=received_at, digest=bytes(digest))
        for told_of, uuid in batch.sightings:
            document = documents.get(uuid)
            if told_of == asset.uuid and document is not None and document.told is None:
                document.told = (event_time, bytes(digest))


def _wanted(documents: Mapping[UUID, _Document], at: datetime) -> bool:
    """Whether what was said at that time or before may yet be what was said last of some facet."""
    newest: dict[str, datetime] = {}
    for document in documents.values():
        if document.told is not None:
            for key in document.body:
                newest[key] = max(document.told[0], newest.get(key, document.told[0]))
    return any(
        document.told is None
        and document.first_seen_at <= at
        and any(key not in newest or newest[key] <= at for key in document.body)
        for document in documents.values()
    )


def _latest(asset: Asset, moment: Moment) -> Iterator[Any]:
    """Events of runs of the asset that count at the moment, the latest first."""
    if asset.family == Family.JOB:
        mine = """SELECT uuid FROM lineage_run WHERE job_id = %(asset)s AND first_event_at <= %(until)s
                  ORDER BY last_event_at DESC LIMIT %(runs)s"""
    else:
        mine = " UNION ".join(
            f"""(SELECT run_id FROM lineage_runio
                 WHERE asset_id = %(asset)s AND direction = '{direction}' AND first_seen_at <= %(until)s
                 ORDER BY first_seen_at DESC LIMIT %(runs)s)"""
            for direction in ("input", "output")
        )
    ids = [
        row[0]
        for row in _rows(
            f"""
            SELECT e.id FROM lineage_event e WHERE e.run IN ({mine}) AND e.received_at <= %(known_at)s
               AND e.event_time <= %(until)s AND {_IN_GRAPH}
            ORDER BY e.event_time DESC, e.digest DESC LIMIT %(most)s
            """,
            {
                "asset": asset.pk,
                "known_at": moment.known_at,
                "until": moment.as_of or traces.NEVER,
                "runs": MOST_RUNS,
                "most": MOST_READ,
            },
        )
    ]
    for at in range(0, len(ids), CHUNK):
        yield from _bodies(ids[at : at + CHUNK])


def _is_deletion(value: Any) -> bool:
    return isinstance(value, dict) and value.get("_deleted") is True


def _rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
