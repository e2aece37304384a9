"""What gates and audits may rely on: model versions, the runs behind them, their measurements.

Reads only what runs showed, never the map. Everything is addressed by UUID.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


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
    raise NotImplementedError


def measurements(version: UUID, metrics: Sequence[str] | None = None) -> list[Measurement]:
    """The newest measurement of each metric and segment, ordered by metric and segment."""
    raise NotImplementedError


def producing_runs(version: UUID) -> list[RunEvidence]:
    """The runs that wrote this version, the newest first."""
    raise NotImplementedError


def watermark() -> int:
    """The id of the newest event in the log, 0 when it is empty."""
    raise NotImplementedError


def is_projected(mark: int) -> bool:
    """Whether every event up to `mark` is in the graph or a dead letter."""
    raise NotImplementedError


def dead_letters(mark: int) -> int:
    """How many events up to `mark` could not be projected."""
    raise NotImplementedError
