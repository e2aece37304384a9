"""What gates and audits may rely on: model versions, the runs behind them, their measurements.

Reads only what runs showed, never the map. Everything is addressed by UUID.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Max

from governance.errors import Conflict, NotFound
from lineage import identity
from lineage.identity import Kind
from lineage.models import Asset, AssetVersion, Event, Observation, Outbox, Run


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
    """The newest value of one metric (and segment) of a model version. `value` is None when it was not a number."""

    metric: str
    segment: str
    value: float | None
    measured_at: datetime
    sample_size: int | None
    dataset: str | None
    run: UUID | None


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


def measurements(version: UUID, metrics: Sequence[str] | None = None) -> list[Measurement]:
    """The newest measurement of each metric and segment, ordered by metric and segment."""
    observations = (
        Observation.objects.filter(version__uuid=version)
        .select_related("dataset__asset")
        .order_by("metric", "segment", "-measured_at")
        .distinct("metric", "segment")
    )
    if metrics is not None:
        observations = observations.filter(metric__in=metrics)
    return [
        Measurement(
            metric=observation.metric,
            segment=observation.segment,
            value=observation.value,
            measured_at=observation.measured_at,
            sample_size=observation.sample_size,
            dataset=f"{observation.dataset.asset} {observation.dataset}" if observation.dataset else None,
            run=observation.run,
        )
        for observation in observations
    ]


def producing_runs(version: UUID) -> list[RunEvidence]:
    """The runs that wrote this version, the newest first."""
    runs = list(
        Run.objects.filter(io__version__uuid=version, io__direction="output")
        .select_related("job", "commit__asset")
        .order_by("-last_event_at", "uuid")
    )
    inputs = _inputs([run.uuid for run in runs])
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
            inputs=tuple(inputs.get(run.uuid, ())),
        )
        for run in runs
    ]


def _inputs(runs: list[UUID]) -> dict[UUID, list[InputEvidence]]:
    """The inputs of each run. Where no sender named a version, the one that was valid when the run began stands in."""
    if not runs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT io.run_id, a.uuid, a.namespace, a.name, COALESCE(v.key, inferred.key), v.id IS NOT NULL
            FROM lineage_runio io
            JOIN lineage_asset a ON a.id = io.asset_id
            JOIN lineage_run r ON r.uuid = io.run_id
            LEFT JOIN lineage_assetversion v ON v.id = io.version_id
            LEFT JOIN LATERAL (
                SELECT key FROM (
                    (SELECT key, COALESCE(produced_at, seen_at) AS at FROM lineage_assetversion
                     WHERE asset_id = io.asset_id
                       AND COALESCE(produced_at, seen_at) <= COALESCE(r.started_at, r.first_event_at)
                     ORDER BY at DESC, key DESC LIMIT 1)
                    UNION ALL
                    (SELECT 'run:' || o.run_id, o.first_seen_at FROM lineage_runio o
                     WHERE o.asset_id = io.asset_id AND o.direction = 'output' AND o.version_id IS NULL
                       AND o.run_id <> io.run_id AND o.first_seen_at <= COALESCE(r.started_at, r.first_event_at)
                     ORDER BY o.first_seen_at DESC, o.run_id DESC LIMIT 1)
                ) AS candidate ORDER BY at DESC, key DESC LIMIT 1
            ) AS inferred ON v.id IS NULL
            WHERE io.run_id = ANY(%s) AND io.direction = 'input'
              AND (v.id IS NOT NULL OR NOT EXISTS (
                  SELECT 1 FROM lineage_runio pinned WHERE pinned.run_id = io.run_id AND pinned.direction = 'input'
                     AND pinned.asset_id = io.asset_id AND pinned.version_id IS NOT NULL))
            ORDER BY io.run_id, a.namespace, a.name, v.key
            """,
            [runs],
        )
        rows = cursor.fetchall()
    inputs: dict[UUID, list[InputEvidence]] = {}
    for run, asset, namespace, name, version, is_pinned in rows:
        inputs.setdefault(run, []).append(
            InputEvidence(asset=asset, namespace=namespace, name=name, version=version, is_pinned=is_pinned)
        )
    return inputs


def watermark() -> int:
    """The id of the newest event in the log, 0 when it is empty."""
    return Event.objects.aggregate(newest=Max("id"))["newest"] or 0


def is_projected(mark: int) -> bool:
    """Whether every event up to `mark` is in the graph or a dead letter."""
    return not Outbox.objects.filter(event_id__lte=mark, is_dead=False).exists()


def dead_letters(mark: int) -> int:
    """How many events up to `mark` could not be projected."""
    return Outbox.objects.filter(event_id__lte=mark, is_dead=True).count()
