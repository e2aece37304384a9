"""From events to facts of the graph, merged over a batch. Pure: no database, no clock.

Every merge here is commutative, associative and idempotent, and the SQL of `lineage.projection` repeats it against
the stored rows; that is why order, repeats and batch sizes cannot change the graph. Two facts that contradict each
other are settled by the greater (event time, digest).
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

from lineage import airflow, columns, details, events, facetschemas, identity, tellings
from lineage.columns import Dataset, Entry, Link
from lineage.events import EventKind, EventType
from lineage.identity import Family, Kind
from lineage.tellings import Telling, Tellings

TERMINAL = {EventType.COMPLETE: "completed", EventType.ABORT: "aborted", EventType.FAIL: "failed"}
UNDERWAY = EventType.START | EventType.RUNNING
# A B-tree holds no row above 2.7 kB, and metric and segment names are keys.
MAX_METRIC_CHARS = 200
# Facets that become rows of their own and change with every version, so that keeping them would defeat the sharing
# of facet documents.
PROJECTED_FACETS = facetschemas.OF_ONE_VERSION | {"version"}

# First and last sight of what was not seen yet; every sight is before the one and after the other.
UNSEEN = (datetime(9999, 1, 1, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC))

Stamp = tuple[datetime, bytes]
Key = TypeVar("Key")


@dataclass(slots=True)
class AssetFact:
    family: str
    namespace: str
    name: str
    first_seen_at: datetime
    last_seen_at: datetime
    kind: str
    processing: str = ""
    kind_set: Stamp | None = None
    # When events told more of it than a name.
    shown: Tellings = ()


@dataclass(slots=True)
class VersionFact:
    asset: UUID
    key: str
    produced_at: datetime | None
    seen: Tellings


@dataclass(slots=True)
class RunFact:
    external_id: str
    job: UUID
    first_event_at: datetime
    last: Stamp
    event_types: int = 0
    parent: UUID | None = None
    root: UUID | None = None
    started_at: datetime | None = None
    end: Stamp | None = None
    end_state: str = ""
    commit: UUID | None = None
    commit_set: Stamp | None = None


@dataclass(slots=True)
class EdgeFact:
    seen: Tellings
    last_seen_at: datetime


@dataclass(slots=True)
class DeclarationFact:
    event_time: datetime
    received_at: datetime
    assets: tuple[UUID, ...]


@dataclass(slots=True)
class Sighting:
    first_seen_at: datetime
    last: Stamp


@dataclass(slots=True)
class SaidFact:
    """As a sighting, with its tellings."""

    seen: Tellings
    last: Stamp


@dataclass(slots=True)
class ObservationFact:
    value: float | None
    sample_size: int | None
    dataset: UUID | None
    run: UUID | None
    reported: Stamp


@dataclass(slots=True)
class RemarkFact:
    body: bytes
    said: Stamp


@dataclass(slots=True)
class MappingFact:
    """Which fields of a dataset come from which, as one job said. The links are the mapping's name as well."""

    target: UUID
    job: UUID | None
    links: list[tuple[UUID, Link]]
    seen: Tellings
    last_seen_at: datetime


@dataclass(slots=True)
class Batch:
    """Facts of any number of events. Keys are identities; `add` merges one event in."""

    assets: dict[UUID, AssetFact] = field(default_factory=dict)
    versions: dict[UUID, VersionFact] = field(default_factory=dict)
    runs: dict[UUID, RunFact] = field(default_factory=dict)
    # (run, direction, asset, version)
    io: dict[tuple[UUID, str, UUID, UUID | None], Tellings] = field(default_factory=dict)
    # Through joins: (run, direction, asset, version, what was said, job)
    joined: dict[tuple[UUID, str, UUID, UUID | None, UUID, UUID], EdgeFact] = field(default_factory=dict)
    # (source, target, relation)
    edges: dict[tuple[UUID, UUID, str], EdgeFact] = field(default_factory=dict)
    documents: dict[UUID, bytes] = field(default_factory=dict)
    # (asset, document)
    sightings: dict[tuple[UUID, UUID], SaidFact] = field(default_factory=dict)
    # (asset, kind, processing); of the kind *name*, that it was only named.
    kinds: dict[tuple[UUID, str, str], SaidFact] = field(default_factory=dict)
    # (job, direction, digest)
    declarations: dict[tuple[UUID, str, bytes], DeclarationFact] = field(default_factory=dict)
    # (version, metric, segment, measured at)
    observations: dict[tuple[UUID, str, str, datetime], ObservationFact] = field(default_factory=dict)
    # (run, asset, version, facet)
    remarks: dict[tuple[UUID | None, UUID | None, UUID | None, str], RemarkFact] = field(default_factory=dict)
    # (run, what it is about, document)
    details: dict[tuple[UUID, str, UUID], Sighting] = field(default_factory=dict)
    detail_bodies: dict[UUID, bytes] = field(default_factory=dict)
    mappings: dict[UUID, MappingFact] = field(default_factory=dict)
    # (run, mapping)
    run_mappings: dict[tuple[UUID, UUID], Tellings] = field(default_factory=dict)
    # (asset, digest), with the times of the event and of its receipt
    drops: dict[tuple[UUID, bytes], tuple[datetime, datetime]] = field(default_factory=dict)
    # Time of the event being added, and when it was received.
    _told: tuple[datetime, datetime] = (datetime.min, datetime.min)
    # What that event says assets to be, in its last word.
    _kinds: dict[UUID, tuple[Kind, str]] = field(default_factory=dict)

    def add(self, document: dict[str, Any], *, event_time: datetime, digest: bytes, received_at: datetime) -> None:
        """Merge one event, in the form `events.decode` gives and `events.identify` has accepted."""
        stamp = (event_time, digest)
        self._told = (event_time, received_at)
        match events.kind_of(document):
            case EventKind.RUN:
                self._run_event(document, stamp)
            case EventKind.JOB:
                self._job_event(document, stamp)
            case EventKind.DATASET:
                self._dataset(document["dataset"], stamp)
            case EventKind.NAMES:
                self._names(document["names"], stamp)
        for uuid, (kind, processing) in self._kinds.items():
            self._kind(uuid, kind, processing, stamp)
        self._kinds.clear()

    def _run_event(self, document: dict[str, Any], stamp: Stamp) -> None:
        at = stamp[0]
        run = document["run"]
        job_facets = _object(document["job"].get("facets"))
        job = self._job(document["job"], job_facets, stamp)
        run_uuid = events.run_uuid(run["runId"])
        event_type = events.type_of(document)

        fact = self.runs.get(run_uuid)
        if fact is None:
            external_id = str(run_uuid) if events.is_uuid(run["runId"]) else run["runId"]
            fact = self.runs[run_uuid] = RunFact(external_id, job, at, stamp)
        fact.first_event_at = min(fact.first_event_at, at)
        if stamp >= fact.last:
            fact.last, fact.job = stamp, job
        fact.event_types |= event_type
        if event_type is EventType.START:
            fact.started_at = at if fact.started_at is None else min(fact.started_at, at)
        if event_type in TERMINAL and (fact.end is None or stamp >= fact.end):
            fact.end, fact.end_state = stamp, TERMINAL[event_type]
        run_facets = _object(run.get("facets"))
        self._parents(fact, run_facets, at)
        self._remarks(run_facets, facetschemas.READ_OF_RUNS, stamp, run=run_uuid)
        commit = self._commit(job, job_facets, stamp)
        if commit is not None and (fact.commit_set is None or stamp >= fact.commit_set):
            fact.commit, fact.commit_set = commit, stamp

        self._details(run_uuid, document, stamp)
        for entry in columns.entries(job_facets.get("lineage")):
            self._explicit(entry, job, run_uuid)
        for dataset in airflow.with_assets(document.get("inputs"), run_facets, "inlets"):
            asset, version = self._dataset(dataset, stamp, run=run_uuid, job=job)
            if (said := self._said_instead(asset, dataset, stamp)) is not None:
                self._joined((run_uuid, "input", asset, version, said, job))
                continue
            self._edge(asset, job, "consumed")
            self._io((run_uuid, "input", asset, version))
        for dataset in airflow.with_assets(document.get("outputs"), run_facets, "outlets"):
            asset, version = self._dataset(dataset, stamp, run=run_uuid, job=job, is_produced=True)
            if (said := self._said_instead(asset, dataset, stamp)) is not None:
                self._joined((run_uuid, "output", asset, version, said, job))
                continue
            self._edge(job, asset, "produced")
            self._io((run_uuid, "output", asset, version))

    def _job_event(self, document: dict[str, Any], stamp: Stamp) -> None:
        job_facets = _object(document["job"].get("facets"))
        job = self._job(document["job"], job_facets, stamp)
        self._commit(job, job_facets, stamp)
        said: dict[str, list[UUID]] = {"input": [], "output": []}
        for entry in columns.entries(job_facets.get("lineage")):
            self._explicit(entry, job, None, said)
        for direction in ("input", "output"):
            listed = document.get(f"{direction}s")
            if listed is None and not said[direction]:
                continue
            assets = {self._dataset(dataset, stamp, job=job)[0]: None for dataset in listed or ()}
            assets |= dict.fromkeys(said[direction])
            self.declarations[job, direction, stamp[1]] = DeclarationFact(*self._told, tuple(assets))

    def _asset(self, family: Family, namespace: str, name: str, at: datetime) -> UUID:
        uuid = identity.asset(family, namespace, name)
        fact = self.assets.get(uuid)
        if fact is None:
            self.assets[uuid] = AssetFact(family, namespace, name, at, at, kind=str(family), shown=(self._told,))
            return uuid
        fact.shown = tellings.add(fact.shown, self._told) if fact.shown else (self._told,)
        if fact.kind == Kind.NAME:
            fact.kind = str(family)
        if at < fact.first_seen_at:
            fact.first_seen_at = at
        if at > fact.last_seen_at:
            fact.last_seen_at = at
        return uuid

    def _name(self, said: dict[str, Any], stamp: Stamp) -> UUID | None:
        """The dataset of that name, which need not be known by any other telling; None without a whole name."""
        namespace, name = said.get("namespace"), said.get("name")
        if not (isinstance(namespace, str) and namespace and isinstance(name, str) and name):
            return None
        if max(len(namespace), len(name)) > events.MAX_NAME_CHARS:
            return None
        uuid, at = identity.asset(Family.DATASET, namespace, name), stamp[0]
        self._say(self.kinds, (uuid, str(Kind.NAME), ""), self._told, stamp)
        fact = self.assets.get(uuid)
        if fact is None:
            self.assets[uuid] = AssetFact(Family.DATASET, namespace, name, at, at, kind=Kind.NAME)
        else:
            fact.first_seen_at, fact.last_seen_at = min(fact.first_seen_at, at), max(fact.last_seen_at, at)
        return uuid

    def _other_names(
        self, uuid: UUID, facets: dict[str, Any], stamp: Stamp, run: UUID | None, job: UUID | None
    ) -> None:
        """That the dataset has other names, had another one before, or is no more."""
        identifiers = _object(facets.get("symlinks")).get("identifiers")
        for said in identifiers if isinstance(identifiers, list) else ():
            other = self._name(_object(said), stamp)
            if other is not None and other != uuid:
                self._edge(uuid, other, "alias")
                self._edge(other, uuid, "alias_of")
        lifecycle = _object(facets.get("lifecycleStateChange"))
        change = lifecycle.get("lifecycleStateChange")
        if change == "RENAME":
            previous = self._name(_object(lifecycle.get("previousIdentifier")), stamp)
            if previous is not None and previous != uuid:
                self._edge(previous, uuid, "renamed")
                if run is not None and job is not None:
                    # What a run renames it reads by the earlier name, so that the evidence goes on there.
                    self._edge(previous, job, "consumed")
                    self._io((run, "input", previous, None))
        elif change == "DROP":
            self.drops[uuid, stamp[1]] = self._told

    def _names(self, said: dict[str, Any], stamp: Stamp) -> None:
        """What people decided. All of these assets were there when they did, so nothing is seen of them now."""
        family = Family(said["family"])
        asset, *others = (self._decided(family, one, stamp) for one in (said, *said["others"]))
        apart = [self._decided(family, one, stamp) for one in said.get("apart", ())]
        listed = {
            "alias": tuple(one for one in others if one != asset),
            # Of two assets one speaks, that with the smaller UUID.
            "apart": tuple(one for one in apart if one.int > asset.int and one not in others),
        }
        for direction, assets in listed.items():
            self.declarations[asset, direction, stamp[1]] = DeclarationFact(*self._told, assets)

    def _decided(self, family: Family, said: dict[str, Any], stamp: Stamp) -> UUID:
        uuid = identity.asset(family, said["namespace"], said["name"])
        self._say(self.kinds, (uuid, str(Kind.NAME), ""), (UNSEEN[0], self._told[1]), stamp)
        if uuid not in self.assets:
            self.assets[uuid] = AssetFact(family, said["namespace"], said["name"], *UNSEEN, kind=Kind.NAME)
        return uuid

    def _job(self, job: dict[str, Any], facets: dict[str, Any], stamp: Stamp) -> UUID:
        uuid = self._asset(Family.JOB, job["namespace"], job["name"], stamp[0])
        if "jobType" in facets:
            processing = _object(facets["jobType"]).get("processingType")
            word = processing.lower()[:12] if isinstance(processing, str) else ""
            self._kinds[uuid] = (Kind.DEPLOYMENT if word == "service" else Kind.JOB, word)
        self._sight(uuid, facets, stamp)
        return uuid

    def _dataset(
        self,
        dataset: dict[str, Any],
        stamp: Stamp,
        *,
        run: UUID | None = None,
        job: UUID | None = None,
        is_produced: bool = False,
    ) -> tuple[UUID, UUID | None]:
        """The dataset's UUID and the UUID of its version, if the sender named one."""
        at = stamp[0]
        uuid = self._asset(Family.DATASET, dataset["namespace"], dataset["name"], at)
        facets = _object(dataset.get("facets"))
        if "datasetType" in facets:
            word = _object(facets["datasetType"]).get("datasetType")
            is_model = isinstance(word, str) and word.upper() == "MODEL"
            self._kinds[uuid] = (Kind.MODEL if is_model else Kind.DATASET, "")
        version = None
        key = _object(facets.get("version")).get("datasetVersion")
        if isinstance(key, (str, int)) and str(key):
            version = self._version(uuid, str(key), is_produced=is_produced)
            for owner in (facets, dataset.get("inputFacets"), dataset.get("outputFacets")):
                self._measurements(version, _object(owner).get(facetschemas.MODEL_METRICS), stamp, run)
        for owner in (facets, dataset.get("inputFacets"), dataset.get("outputFacets")):
            self._remarks(_object(owner), facetschemas.READ_OF_DATASETS, stamp, run=run, asset=uuid, version=version)
        if "symlinks" in facets or "lifecycleStateChange" in facets:
            self._other_names(uuid, facets, stamp, run, job)
        if "columnLineage" in facets:
            self._fields(uuid, columns.column_lineage(facets["columnLineage"]), run, job)
        if "lineage" in facets:
            entry = columns.entry(facets["lineage"], Dataset(dataset["namespace"], dataset["name"]))
            # Of what a run wrote it is said what the run did; otherwise what is known of the dataset, whoever made it.
            self._explicit(entry, *((job, run) if run is not None and is_produced else (None, None)))
        self._sight(uuid, facets, stamp)
        return uuid, version

    def _explicit(
        self, entry: Entry, job: UUID | None, run: UUID | None, declared: dict[str, list[UUID]] | None = None
    ) -> None:
        """What a `lineage` facet says: edges as of inputs and outputs, and fields.

        Within a run all is observed. In the event of a job, what it reads and writes itself adds to what is `declared`.
        Without a job a dataset feeds another as such.
        """
        at = self._told[0]
        family = Family.JOB if entry.is_job else Family.DATASET
        target = job if entry.target is None else self._asset(family, *entry.target, at)
        if target is None:
            return
        reader = target if entry.is_job else job
        for source in (self._asset(Family.DATASET, *one, at) for one in entry.datasets):
            if declared is not None and reader == job:
                declared["input"].append(source)
            else:
                self._edge(source, reader or target, "consumed" if reader else "feeds")
                if run is not None and reader == job:
                    self._io((run, "input", source, None))
        for other in (self._asset(Family.JOB, *one, at) for one in entry.jobs):
            if other != target:
                self._edge(other, target, "feeds" if entry.is_job else "produced")
        if entry.is_job or job is None:
            return self._fields(target, entry.links, run, job)
        if declared is not None:
            declared["output"].append(target)
        else:
            self._edge(job, target, "produced")
            if run is not None:
                self._io((run, "output", target, None))
        self._fields(target, entry.links, run, job)

    def _fields(self, target: UUID, links: list[Link], run: UUID | None, job: UUID | None) -> None:
        """That the fields of the target come from others. What is told again in the same words is one mapping."""
        if not links:
            return
        at = self._told[0]
        linked = [(self._asset(Family.DATASET, *link.source, at), link) for link in sorted(links)]
        uuid = identity.mapping(target, job, events.canonical([link for _, link in linked]))
        fact = self.mappings.get(uuid)
        if fact is None:
            self.mappings[uuid] = MappingFact(target, job, linked, (self._told,), at)
        else:
            fact.seen = tellings.add(fact.seen, self._told)
            fact.last_seen_at = max(fact.last_seen_at, at)
        if run is not None:
            seen = self.run_mappings.get((run, uuid))
            self.run_mappings[run, uuid] = (self._told,) if seen is None else tellings.add(seen, self._told)

    def _version(self, asset: UUID, key: str, *, is_produced: bool) -> UUID:
        uuid = identity.version(asset, key)
        fact = self.versions.get(uuid)
        produced_at = self._told[0] if is_produced else None
        if fact is None:
            self.versions[uuid] = VersionFact(asset, key, produced_at, (self._told,))
            return uuid
        fact.seen = tellings.add(fact.seen, self._told)
        if produced_at is not None:
            fact.produced_at = produced_at if fact.produced_at is None else min(fact.produced_at, produced_at)
        return uuid

    def _commit(self, job: UUID, job_facets: dict[str, Any], stamp: Stamp) -> UUID | None:
        """The commit a job was built from, with its repository and the edge, if the sender named both."""
        location = _object(job_facets.get("sourceCodeLocation"))
        url, sha = location.get("repoUrl") or location.get("url"), location.get("version")
        if not (isinstance(url, str) and url and isinstance(sha, str) and sha):
            return None
        repository = self._asset(Family.REPOSITORY, "git", url, stamp[0])
        self._edge(repository, job, "built_from")
        return self._version(repository, sha, is_produced=False)

    def _parents(self, fact: RunFact, run_facets: dict[str, Any], at: datetime) -> None:
        # `parentRun` is how clients of 2021 spelt it.
        parent = _object(run_facets.get("parent") or run_facets.get("parentRun"))
        fact.parent = _greatest(fact.parent, self._parent_run(parent, at))
        fact.root = _greatest(fact.root, self._parent_run(_object(parent.get("root")), at))

    def _parent_run(self, parent: dict[str, Any], at: datetime) -> UUID | None:
        run_id = _object(parent.get("run")).get("runId")
        job = _object(parent.get("job"))
        namespace, name = job.get("namespace"), job.get("name")
        if isinstance(namespace, str) and namespace and isinstance(name, str) and name:
            self._asset(Family.JOB, namespace, name, at)
        return events.run_uuid(run_id) if isinstance(run_id, str) and run_id else None

    def _kind(self, uuid: UUID, kind: Kind, processing: str, stamp: Stamp) -> None:
        self._say(self.kinds, (uuid, str(kind), processing), self._told, stamp)
        fact = self.assets[uuid]
        if fact.kind_set is None or stamp >= fact.kind_set:
            fact.kind, fact.processing, fact.kind_set = str(kind), processing, stamp

    def _said_instead(self, asset: UUID, dataset: dict[str, Any], stamp: Stamp) -> UUID | None:
        """The name that was joined to the asset; None when the asset was named itself."""
        said = _object(_object(dataset.get("facets")).get(facetschemas.JOINED))
        other = self._name(said, stamp) if said else None
        return None if other == asset else other

    def _joined(self, key: tuple[UUID, str, UUID, UUID | None, UUID, UUID]) -> None:
        fact, at = self.joined.get(key), self._told[0]
        if fact is None:
            self.joined[key] = EdgeFact((self._told,), at)
            return
        fact.seen = tellings.add(fact.seen, self._told)
        fact.last_seen_at = max(fact.last_seen_at, at)

    def _io(self, key: tuple[UUID, str, UUID, UUID | None]) -> None:
        seen = self.io.get(key)
        self.io[key] = (self._told,) if seen is None else tellings.add(seen, self._told)

    def _edge(self, source: UUID, target: UUID, relation: str) -> None:
        key, at = (source, target, relation), self._told[0]
        fact = self.edges.get(key)
        if fact is None:
            self.edges[key] = EdgeFact((self._told,), at)
            return
        fact.seen = tellings.add(fact.seen, self._told)
        fact.last_seen_at = max(fact.last_seen_at, at)

    def _sight(self, asset: UUID, facets: dict[str, Any], stamp: Stamp) -> None:
        kept = {key: value for key, value in facets.items() if key not in PROJECTED_FACETS}
        if not kept:
            return
        body = events.canonical(kept)
        document = UUID(bytes=hashlib.sha256(body).digest()[:16])
        self.documents[document] = body
        self._say(self.sightings, (asset, document), self._told, stamp)

    @staticmethod
    def _say(said: dict[Key, SaidFact], key: Key, told: Telling, stamp: Stamp) -> None:
        fact = said.get(key)
        if fact is None:
            said[key] = SaidFact((told,), stamp)
        else:
            fact.seen = tellings.add(fact.seen, told)
            fact.last = max(fact.last, stamp)

    def _remarks(
        self,
        said: dict[str, Any],
        keys: frozenset[str],
        stamp: Stamp,
        *,
        run: UUID | None,
        asset: UUID | None = None,
        version: UUID | None = None,
    ) -> None:
        for key in said.keys() & keys:
            place = (run, asset, version, key)
            known = self.remarks.get(place)
            if known is None or stamp >= known.said:
                self.remarks[place] = RemarkFact(events.canonical(said[key]), stamp)

    def _details(self, run: UUID, document: dict[str, Any], stamp: Stamp) -> None:
        datasets = chain(document.get("inputs") or (), document.get("outputs") or ())
        for name, said in details.of(_object(document["run"].get("facets")), datasets):
            body = events.canonical(said)
            key = (run, str(name), UUID(bytes=hashlib.sha256(body).digest()[:16]))
            self.detail_bodies[key[2]] = body
            sighting = self.details.get(key)
            if sighting is None:
                self.details[key] = Sighting(stamp[0], stamp)
            else:
                sighting.first_seen_at = min(sighting.first_seen_at, stamp[0])
                sighting.last = max(sighting.last, stamp)

    def _measurements(self, version: UUID, facet: Any, stamp: Stamp, run: UUID | None) -> None:
        for metric, segment, at, fact in self._measured(_object(facet).get("metrics"), stamp, run):
            key = (version, metric, segment, at)
            known = self.observations.get(key)
            if known is None or fact.reported >= known.reported:
                self.observations[key] = fact

    def _measured(
        self, metrics: Any, stamp: Stamp, run: UUID | None
    ) -> Iterator[tuple[str, str, datetime, ObservationFact]]:
        for entry in metrics if isinstance(metrics, list) else ():
            entry = _object(entry)
            metric, segment = entry.get("name"), entry.get("segment") or ""
            if not (isinstance(metric, str) and isinstance(segment, str) and 0 < len(metric) <= MAX_METRIC_CHARS):
                continue
            if len(segment) > MAX_METRIC_CHARS:
                continue
            size = entry.get("sampleSize")
            fact = ObservationFact(
                value=_finite(entry.get("value")),
                sample_size=size if _is_count(size) else None,
                dataset=self._evaluated_on(_object(entry.get("dataset")), stamp),
                run=run,
                reported=stamp,
            )
            yield metric, segment, _time(entry.get("measuredAt"), stamp[0]), fact

    def _evaluated_on(self, dataset: dict[str, Any], stamp: Stamp) -> UUID | None:
        namespace, name, key = dataset.get("namespace"), dataset.get("name"), dataset.get("version")
        if not all(isinstance(value, str) and value for value in (namespace, name, key)):
            return None
        asset = self._asset(Family.DATASET, str(namespace), str(name), stamp[0])
        return self._version(asset, str(key), is_produced=False)


def state_of(event_types: int) -> str:
    """The state of a run that has no terminal event."""
    return "running" if event_types & UNDERWAY else "unknown"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _greatest(left: UUID | None, right: UUID | None) -> UUID | None:
    """A run has one parent; should senders disagree, any rule that ignores order will do."""
    if left is None or right is None:
        return left or right
    return max(left, right)


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _time(value: Any, default: datetime) -> datetime:
    if not isinstance(value, str):
        return default
    try:
        return events.parse_time(value)
    except events.BadEvent:
        return default
