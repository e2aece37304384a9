"""Tasks of pipelines with the artifacts that they read and wrote, however their store tells of them. Pure.

ML Metadata and both generations of Kubeflow Pipelines keep the same in different forms. Each has a reader that makes
this form of it, and this makes events of that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import locations
from integrations.systems.base import Context, Options

MOST_ARTIFACTS = 200
MOST_METRICS = 500
MOST_PARAMETERS = 200
MAX_CHARS = 200
METRICS = ("metrics", "modelevaluation")
BLESSING = "modelblessing"
PUSHED = "pushedmodel"


class PipelineOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`registers`: models are called by their pipelines; false where another registry names them, by their files."""

    registers: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Something that a task read or wrote. `type`: in the store's words. `properties`: what was said of it.

    `name`: the output as which it was written, by whatever name others read it; `pipeline`: in which it was written.
    """

    id: str
    type: str
    name: str
    pipeline: str = ""
    uri: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """The type without its namespace: system.Model is a model."""
        return self.type.rpartition(".")[2].replace("_", "").lower()

    @property
    def is_model(self) -> bool:
        return self.word in {"model", "savedmodel", "unmanagedmodel"}

    @property
    def is_metrics(self) -> bool:
        return self.word.endswith(METRICS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of a run. `state`: what it came to, None while it is not over. `run`: the id of the pipeline's run."""

    pipeline: str
    run: str
    name: str
    id: str
    began: datetime
    ended: datetime | None = None
    state: Type | None = None
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


def pipeline(context: Context, name: str) -> Job:
    kind = {"processingType": "BATCH", "integration": "PIPELINE", "jobType": "PIPELINE"}
    return context.job(name).saying(jobType=kind)


def events(task: Task, context: Context) -> Iterator[Event]:
    """A run of the task, below that of its pipeline."""
    job = context.job(f"{task.pipeline}.{task.name}" if task.pipeline else task.name)
    job = _built(job, [*task.outputs, *task.inputs], task.parameters)
    run = openlineage.run_id(context.namespace, task.run, task.id)
    facets = _facets(task, context)
    inputs = [_told(one, task, context) for one in task.inputs if _is_data(one)][:MOST_ARTIFACTS]
    outputs = [_told(one, task, context) for one in task.outputs if _is_data(one)][:MOST_ARTIFACTS]
    if metrics := _metrics(task):
        # What a task measured is of the models that it made; if it made none, of those that it read.
        measured = any(one.is_model for one in task.outputs)
        inputs, outputs = (
            (inputs, [_measured(one, metrics) for one in outputs])
            if measured
            else ([_measured(one, metrics) for one in inputs], outputs)
        )
    yield openlineage.of_run(Type.START, at=task.began, run=run, job=job, inputs=inputs, facets=facets)
    if task.state is not None:
        ended = task.ended or task.began
        yield openlineage.of_run(task.state, at=ended, run=run, job=job, inputs=inputs, outputs=outputs, facets=facets)


def _built(job: Job, artifacts: Iterable[Artifact], parameters: Mapping[str, Any]) -> Job:
    """By convention a task notes its commit and repository on what it wrote."""
    for said in (parameters, *(one.properties for one in artifacts)):
        commit, repository = said.get("git_commit"), said.get("git_repository") or said.get("git_repo")
        if isinstance(commit, str) and isinstance(repository, str):
            return job.built_from(repository, commit)
    return job


def _facets(task: Task, context: Context) -> dict[str, Mapping[str, Any]]:
    facets: dict[str, Mapping[str, Any]] = {}
    if task.run and task.pipeline:
        above = pipeline(context, task.pipeline)
        facets["parent"] = openlineage.parent(above, openlineage.run_id(context.namespace, task.run))
    if parameters := _plain(task.parameters):
        facets["assay_trainingParameters"] = {"parameters": parameters}
    blessings = [one for one in task.outputs if one.word == BLESSING]
    if results := [found for one in blessings if (found := _blessed(one))]:
        facets["assay_testResults"] = {"results": results, "tool": "TFX Evaluator"}
    return facets


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        key: value
        for key, value in sorted(parameters.items())
        if isinstance(value, int | float | bool) or (isinstance(value, str) and len(value) <= MAX_CHARS)
    }
    return dict(list(found.items())[:MOST_PARAMETERS])


def _blessed(one: Artifact) -> dict[str, Any] | None:
    """TFX's evaluator blesses a model that is good enough; without its word nothing is known."""
    blessed = one.properties.get("blessed")
    if blessed not in {0, 1, "0", "1"}:
        return None
    outcome = "passed" if int(blessed) else "failed"
    return {"category": "model.baseline", "name": "blessing", "outcome": outcome, "executor": "automated"}


def _is_data(one: Artifact) -> bool:
    """Metrics and blessings are said of models, and no data of their own."""
    return not one.is_metrics and one.word != BLESSING and bool(one.uri or one.id)


def _told(one: Artifact, task: Task, context: Context) -> Dataset:
    registers = context.options.registers
    if one.is_model and registers:
        made_by = one.pipeline or task.pipeline
        name = f"{made_by}/{one.name}" if made_by else one.name
        model = Dataset(context.options.registry or context.namespace, name).as_model(one.id or task.run)
        return model.saying(assay_modelFiles=locations.files(one.uri)) if one.uri else model
    if (one.is_model or one.word == PUSHED) and not registers and (found := context.artifact(one.uri)):
        return found
    if not one.uri:
        return Dataset(context.namespace, f"artifacts/{one.name}").at(one.id)
    return locations.place(one.uri).at(_digest(one))


def _digest(one: Artifact) -> str:
    """What tells this state of a place from others: what TFX counts, else the artifact itself."""
    for key in ("fingerprint", "digest", "checksum_md5"):
        if isinstance(value := one.properties.get(key), str) and value:
            return value[:MAX_CHARS]
    return one.id


def _metrics(task: Task) -> dict[str, Any] | None:
    at = (task.ended or task.began).isoformat()
    found = {
        name: value
        for one in task.outputs
        if one.is_metrics
        for name, value in one.properties.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < len(name) <= MAX_CHARS
    }
    told = [{"name": name, "value": float(value), "measuredAt": at} for name, value in sorted(found.items())]
    return {"metrics": told[:MOST_METRICS]} if told else None


def _measured(dataset: Dataset, metrics: Mapping[str, Any]) -> Dataset:
    return dataset.saying(assay_modelMetrics=metrics) if "datasetType" in dataset.facets else dataset
