"""What gates and audits may rely on: model versions, the runs behind them, their measurements.

Reads only what runs showed, never the map. Everything is addressed by UUID.

A version by several names is one: those of the same key, of names that are of one asset because a sender told or owners
confirmed it. What is told of it counts by whichever name, the newest first. What two names tell differently of one
instant is unknown.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Max, QuerySet
from django.db.models.expressions import RawSQL

from governance.errors import Conflict, NotFound
from lineage import identity, inputs
from lineage.asof import NOW
from lineage.identity import Kind
from lineage.models import Asset, AssetVersion, Event, Observation, Outbox, Run

_ALIKE = f"SELECT v.id FROM lineage_assetversion said CROSS JOIN {inputs.alike('said', NOW)} AS v WHERE said.uuid = %s"
# The ids of the runs that wrote a version, given by its UUID, by any of its names.
WRITERS = f"""
    SELECT io.run_id FROM unnest(ARRAY({_ALIKE})) AS v (id)
    JOIN lineage_runio io ON io.version_id = v.id AND io.direction = 'output'"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One version of a model as its registry names it."""

    asset: UUID
    uuid: UUID
    namespace: str
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The newest value of one metric (and segment) of a model version. `value` is None when it was not a number.

    Contradicted, and without a value: two names of the version tell different ones of the same time.
    """

    metric: str
    segment: str
    value: float | None
    measured_at: datetime
    sample_size: int | None
    dataset: str | None
    run: UUID | None
    is_contradicted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InputEvidence:
    """One input of a run. `version` is None when nobody named it; `is_pinned` when the sender did."""

    asset: UUID
    namespace: str
    name: str
    version: str | None
    is_pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """A run that wrote a version, with its commit and inputs."""

    uuid: UUID
    external_id: str
    job: UUID
    job_namespace: str
    job_name: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    repository: str | None
    commit: str | None
    inputs: tuple[InputEvidence, ...]


def model_version(*, name: str, version: str, namespace: str | None = None) -> ModelVersion:
    """The version of a model by its registry name.

    Raises NotFound (fields model or version) and Conflict when the name stands in several namespaces.
    """
    models = Asset.objects.filter(kind=Kind.MODEL, name=name).order_by("namespace")
    if namespace is not None:
        models = models.filter(namespace=namespace)
    found = list(models[:10])
    if not found:
        raise NotFound(f"No event has named a model {name!r}.", fields={"model": "unknown"})
    if len(found) > 1:
        places = ", ".join(model.namespace for model in found)
        raise Conflict(
            f"The model {name!r} stands in several namespaces ({places}): say which.",
            fields={"namespace": "ambiguous"},
        )
    model = found[0]
    uuid = identity.version(model.uuid, version)
    if not AssetVersion.objects.filter(uuid=uuid).exists():
        raise NotFound(f"No event has named version {version!r} of the model {name!r}.", fields={"version": "unknown"})
    return ModelVersion(asset=model.uuid, uuid=uuid, namespace=model.namespace, name=model.name, version=version)


def newest_model_version(*, name: str, version: str | None = None, namespace: str | None = None) -> ModelVersion | None:
    """The version, or the one that was named last when none is asked for.

    None for a name that is unknown, that has no such version, or that stands in several namespaces.
    """
    versions = AssetVersion.objects.filter(asset__kind=Kind.MODEL, asset__name=name).select_related("asset")
    if namespace is not None:
        versions = versions.filter(asset__namespace=namespace)
    if version is not None:
        versions = versions.filter(key=version)
    found = list(versions.order_by("asset", "-seen_at", "-key").distinct("asset")[:2])
    if len(found) != 1:
        return None
    model = found[0].asset
    return ModelVersion(
        asset=model.uuid, uuid=found[0].uuid, namespace=model.namespace, name=model.name, version=found[0].key
    )


def by_any_name(version: UUID) -> RawSQL:
    """A subquery: the ids of a version and of those of its key by other names of its asset."""
    return _subquery(_ALIKE, version)


def names_of(asset: UUID) -> RawSQL:
    """A subquery: the UUIDs of an asset by all of its names."""
    statement = f"""
        SELECT %s::uuid UNION SELECT a.uuid FROM lineage_asset said
        CROSS JOIN {inputs.same("said.id", NOW)} AS same JOIN lineage_asset a ON a.id = same.id WHERE said.uuid = %s"""
    return _subquery(statement, asset, asset)


def by_its_names(*, namespace: str, name: str, version: str) -> list[ModelVersion]:
    """The version by each name of its model, its own first. Nothing of it need be in the graph."""
    own = identity.asset("dataset", namespace, name)
    others = (
        Asset.objects.filter(uuid__in=names_of(own), kind=Kind.MODEL).exclude(uuid=own).order_by("namespace", "name")
    )
    named = [(own, namespace, name), *others.values_list("uuid", "namespace", "name")]
    return [
        ModelVersion(asset=uuid, uuid=identity.version(uuid, version), namespace=space, name=called, version=version)
        for uuid, space, called in named
    ]


def versions_called(name: str, version: str) -> list[UUID]:
    """The versions of that key of the models of that name, by any name of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT DISTINCT v.uuid FROM lineage_asset said CROSS JOIN {inputs.same("said.id", NOW)} AS same
            JOIN lineage_assetversion v ON v.asset_id = same.id AND v.key = %s
            WHERE said.name = %s AND said.kind = %s
            """,
            [version, name, Kind.MODEL],
        )
        return [row[0] for row in cursor.fetchall()]


def by_thing(versions: Collection[UUID]) -> list[list[UUID]]:
    """These versions, each once with those of its key by other names of its asset. They need not be in the graph."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT DISTINCT ARRAY(
                SELECT v.uuid FROM {inputs.alike("said", NOW)} AS one JOIN lineage_assetversion v ON v.id = one.id
                ORDER BY v.id)
            FROM lineage_assetversion said WHERE said.uuid = ANY(%s)
            """,
            [list(versions)],
        )
        found = [row[0] for row in cursor.fetchall()]
    return found + [[version] for version in set(versions).difference(*found)]


def known(versions: Collection[UUID]) -> set[UUID]:
    """Those of the versions that an event has named."""
    return set(AssetVersion.objects.filter(uuid__in=versions).values_list("uuid", flat=True))


def _subquery(statement: str, *values: UUID) -> RawSQL:
    """For `column__in`, as an array: there are few, which the planner would not know otherwise."""
    return RawSQL(f"SELECT unnest(ARRAY({statement}))", values)  # noqa: S611 - the text is ours


def measurements(version: UUID, metrics: Sequence[str] | None = None, *, run: UUID | None = None) -> list[Measurement]:
    """The newest measurement of each metric and segment, ordered by metric and segment. `run`: of those it reported."""
    observations = (
        Observation.objects.filter(version__in=by_any_name(version))
        .select_related("dataset__asset")
        .order_by("metric", "segment", "version", "-measured_at")
        .distinct("metric", "segment", "version")
    )
    if metrics is not None:
        observations = observations.filter(metric__in=metrics)
    if run is not None:
        observations = observations.filter(run=run)
    by_name: dict[tuple[str, str], list[Measurement]] = {}
    for observation in observations:
        told = Measurement(
            metric=observation.metric,
            segment=observation.segment,
            value=observation.value,
            measured_at=observation.measured_at,
            sample_size=observation.sample_size,
            dataset=f"{observation.dataset.asset} {observation.dataset}" if observation.dataset else None,
            run=observation.run,
        )
        by_name.setdefault((told.metric, told.segment), []).append(told)
    return [_newest(told) for told in by_name.values()]


def _newest(told: Sequence[Measurement]) -> Measurement:
    """The newest of what each name tells; of the same time only what all of them tell alike."""
    at = max(one.measured_at for one in told)
    first, *others = [one for one in told if one.measured_at == at]
    return replace(
        first,
        value=first.value if all(one.value == first.value for one in others) else None,
        is_contradicted=any(one.value != first.value for one in others),
        sample_size=first.sample_size if all(one.sample_size == first.sample_size for one in others) else None,
        dataset=first.dataset if all(one.dataset == first.dataset for one in others) else None,
        run=first.run if all(one.run == first.run for one in others) else None,
    )


def producing_runs(version: UUID) -> list[RunEvidence]:
    """The runs that wrote this version, the newest first; by other names only where none wrote it by its own."""
    runs = _in_order(Run.objects.filter(io__version__uuid=version, io__direction="output"))
    runs = runs or _in_order(Run.objects.filter(pk__in=_subquery(WRITERS, version)))
    read = _inputs([run.uuid for run in runs])
    return [
        RunEvidence(
            uuid=run.uuid,
            external_id=run.external_id,
            job=run.job.uuid,
            job_namespace=run.job.namespace,
            job_name=run.job.name,
            state=run.state,
            started_at=run.started_at,
            ended_at=run.ended_at,
            repository=run.commit.asset.name if run.commit else None,
            commit=run.commit.key if run.commit else None,
            inputs=tuple(read.get(run.uuid, ())),
        )
        for run in runs
    ]


def _in_order(runs: QuerySet[Run]) -> list[Run]:
    return list(runs.select_related("job", "commit__asset").order_by("-last_event_at", "uuid"))


def versions_built_from(commit: str) -> list[UUID]:
    """The model versions that runs of a commit (its full SHA) wrote, and those that none wrote but by another name."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT DISTINCT v.uuid FROM lineage_assetversion c
            JOIN lineage_run r ON r.commit_id = c.id
            JOIN lineage_runio io ON io.run_id = r.uuid AND io.direction = 'output'
            JOIN lineage_assetversion written ON written.id = io.version_id
            CROSS JOIN {inputs.alike("written", NOW)} AS one
            JOIN lineage_assetversion v ON v.id = one.id
            JOIN lineage_asset a ON a.id = v.asset_id AND a.kind = %s
            WHERE c.key = %s AND (v.id = written.id OR NOT EXISTS (
                SELECT FROM lineage_runio own WHERE own.version_id = v.id AND own.direction = 'output'))
            """,
            [Kind.MODEL, commit],
        )
        return [row[0] for row in cursor.fetchall()]


def _inputs(runs: list[UUID]) -> dict[UUID, list[InputEvidence]]:
    """The inputs of each run. Where no sender named a version, the one that was valid when the run began stands in."""
    if not runs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT input.run_id, a.uuid, a.namespace, a.name, COALESCE(v.key, 'run:' || input.writer), input.is_pinned
            FROM {inputs.resolved(NOW)} AS input
            JOIN lineage_asset a ON a.id = input.asset_id
            LEFT JOIN lineage_assetversion v ON v.id = input.version_id
            WHERE input.run_id = ANY(%s)
            ORDER BY input.run_id, a.namespace, a.name, v.key
            """,
            [runs],
        )
        rows = cursor.fetchall()
    found: dict[UUID, list[InputEvidence]] = {}
    for run, asset, namespace, name, version, is_pinned in rows:
        found.setdefault(run, []).append(
            InputEvidence(asset=asset, namespace=namespace, name=name, version=version, is_pinned=is_pinned)
        )
    return found


def watermark() -> int:
    """The id of the newest event in the log, 0 when it is empty."""
    return Event.objects.aggregate(newest=Max("id"))["newest"] or 0


def is_projected(mark: int) -> bool:
    """Whether every event up to `mark` is in the graph or a dead letter."""
    return not Outbox.objects.filter(event_id__lte=mark, is_dead=False).exists()


def dead_letters(mark: int) -> int:
    """How many events up to `mark` could not be projected."""
    return Outbox.objects.filter(event_id__lte=mark, is_dead=True).count()
