"""Runs as REST gives them, with what a poll found out beside: the experiment's name and the versions that were
registered from the run. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from integrations import openlineage, repositories
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import locations
from integrations.systems.base import Context, Message
from integrations.systems.mlflow import names
from integrations.systems.reading import Reader

ENDS = {"FINISHED": Type.COMPLETE, "FAILED": Type.FAIL, "KILLED": Type.ABORT}
SEEDS = ("seed", "random_state", "random_seed")
# Metrics of the machine are no KPIs.
MACHINE = "system/"
MOST_METRICS = 500
MOST_PARAMETERS = 500
# Where the documents that describe a dataset's source name its place, the surest first.
PLACES = ("uri", "url", "path", "delta_table_name", "table_name")
COMMITS = ("mlflow.source.git.commit", "mlflow.databricks.gitRepoCommit", "git_commit")
REPOSITORIES = ("mlflow.source.git.repoURL", "mlflow.gitRepoURL", "mlflow.databricks.gitRepoUrl")


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    if said.at("run"):
        yield from _run(said.at("run"), context)
    for one in said.items("runs"):
        yield from _run(one, context)


def _run(said: Reader, context: Context) -> Iterator[Event]:
    info = said.at("info")
    began = info.time("start_time")
    if info.text("lifecycle_stage") == "deleted" or began is None:
        return
    tags = names.pairs(said, "data", "tags")
    job = _built(names.experiment(context, said), tags, context)
    run = openlineage.run_id(context.namespace, info.text("run_id") or info.need("run_uuid"))
    facets = _facets(said, tags, job, context)
    inputs = {(name, digest): dataset for name, digest, dataset in _inputs(said, context)}
    yield openlineage.of_run(Type.START, at=began, run=run, job=job, inputs=inputs.values(), facets=facets)
    end, ended = ENDS.get(info.text("status")), info.time("end_time")
    if end is not None and ended is not None:
        outputs = list(_outputs(said, inputs, context))
        yield openlineage.of_run(
            end, at=ended, run=run, job=job, inputs=inputs.values(), outputs=outputs, facets=facets
        )


def _built(job: Job, tags: Mapping[str, str], context: Context) -> Job:
    commit = next((tags[key] for key in COMMITS if tags.get(key)), "")
    repository = next((tags[key] for key in REPOSITORIES if tags.get(key)), "") or context.options.repository
    branch = tags.get("mlflow.source.git.branch", "")
    return job.built_from(repositories.canonical(repository), commit, branch=branch)


def _facets(said: Reader, tags: Mapping[str, str], job: Job, context: Context) -> dict[str, Mapping[str, Any]]:
    facets: dict[str, Mapping[str, Any]] = {}
    parameters = dict(list(names.pairs(said, "data", "params").items())[:MOST_PARAMETERS])
    if parameters:
        seed = next((parameters[key] for key in SEEDS if parameters.get(key)), None)
        facets["assay_trainingParameters"] = {"parameters": parameters} | ({"seed": seed} if seed else {})
    if image := tags.get("mlflow.docker.image.name", ""):
        facets["assay_environment"] = {"image": image}
    # `namespace/job/runId`, of which namespaces may hold slashes.
    path, _, started_by = tags.get("openlineage.parent", "").rpartition("/")
    namespace, _, name = path.rpartition("/")
    if namespace and name and started_by:
        facets["parent"] = openlineage.parent(Job(namespace, name), openlineage.run_id(namespace, started_by))
    elif above := tags.get("mlflow.parentRunId", ""):
        facets["parent"] = openlineage.parent(job, openlineage.run_id(context.namespace, above))
    return facets


def _inputs(said: Reader, context: Context) -> Iterator[tuple[str, str, Dataset]]:
    """Name, digest and dataset of each; the digest pins what was read."""
    for one in said.items("inputs", "dataset_inputs"):
        told = one.at("dataset")
        name, digest = told.text("name"), told.text("digest")
        if name or digest:
            dataset = _place(told, context).at(digest)
            fields = [
                {"name": field.text("name"), "type": field.text("type")}
                for field in Reader(_json(told.text("schema"))).items("mlflow_colspec")
                if field.text("name")
            ]
            yield name, digest, dataset.saying(schema={"fields": fields}) if fields else dataset


def _place(told: Reader, context: Context) -> Dataset:
    """Where the data lie, as their source says; data without a place are known by their name in MLflow alone."""
    source = Reader(_json(told.text("source")))
    for key in PLACES:
        if text := source.text(key):
            if found := locations.dataset(text):
                return found
            if key.endswith("table_name"):
                return Dataset(context.namespace, f"tables/{text}")
    return Dataset(context.namespace, f"datasets/{told.text('name') or told.text('digest')}")


def _outputs(said: Reader, inputs: Mapping[tuple[str, str], Dataset], context: Context) -> Iterator[Dataset]:
    """The registered versions, and the logged models under the experiment, each with the metrics that are its own."""
    histories = [one for _, several in said.entries("histories") for one in several.items()]
    told = list(measured([*histories, *said.items("data", "metrics")], inputs))
    for one in said.items("versions"):
        version = names.model(context, one.need("name"), one.need("version"))
        version = version.saying(lifecycleStateChange={"lifecycleStateChange": "CREATE"})
        yield _with(metrics(told, of=one.text("source").removeprefix("models:/")), version)
    for one in said.items("outputs", "model_outputs"):
        if identity := one.text("model_id"):
            logged_model = Dataset(context.namespace, f"{names.experiment(context, said).name}/logged model")
            yield _with(metrics(told, of=identity), logged_model.at(identity))


def _with(found: Mapping[str, Any] | None, dataset: Dataset) -> Dataset:
    return dataset.saying(assay_modelMetrics=found) if found else dataset


class Measured(NamedTuple):
    """A metric as the facet has it. `model`: the logged model that it is of; empty for all of the run's."""

    model: str
    name: str
    at: str
    metric: Mapping[str, Any]


def measured(told: Iterable[Reader], inputs: Mapping[tuple[str, str], Dataset]) -> Iterator[Measured]:
    """What is not a number was measured and is null."""
    for one in told:
        name, at = one.text("key"), one.time("timestamp")
        if not name or name.startswith(MACHINE) or len(name) > 200:
            continue
        metric: dict[str, Any] = {"name": name, "value": one.number("value")}
        if at is not None:
            metric["measuredAt"] = at.isoformat()
        digest = one.text("dataset_digest")
        if (dataset := inputs.get((one.text("dataset_name"), digest))) and digest:
            metric["dataset"] = {"namespace": dataset.namespace, "name": dataset.name, "version": digest}
        yield Measured(one.text("model_id"), name, metric.get("measuredAt", ""), metric)


def metrics(told: Iterable[Measured], *, of: str) -> Mapping[str, Any] | None:
    """The facet `assay_modelMetrics` of a logged model, or of the version made from it; None without any metric."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in told:
        if one.model in {"", of} and len(found) < MOST_METRICS:
            found[one.name, one.at] = one.metric
    return {"metrics": list(found.values())} if found else None


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
