"""Kubeflow Pipelines: runs from its API, tasks with artifacts where the API has them, and runs of the local runner.

While Kubeflow Pipelines stands on ML Metadata, which artifacts a task read and wrote is known there alone: import its
store as the system `mlmd`. Newer servers say it in the API, and it is read here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from integrations import openlineage
from integrations.openlineage import Event, Type
from integrations.systems import pipelineruns
from integrations.systems.base import Client, Context, Fact, Group, Mechanism, Message, Page, Refused, System, Tested
from integrations.systems.pipelineruns import Artifact, PipelineOptions, Task
from integrations.systems.reading import Reader

RUN, PIPELINE, LOCAL = "run", "pipeline", "executor_output"
API = "/apis/v2beta1"
PAGE = 100
ENDS = {
    "SUCCEEDED": Type.COMPLETE,
    "SKIPPED": Type.ABORT,
    "FAILED": Type.FAIL,
    "CANCELED": Type.ABORT,
    "CACHED": Type.COMPLETE,
}
# Tasks that only hold others.
STRUCTURE = frozenset({"ROOT", "DAG"})
OUTPUT_FILE = "executor_output.json"
MAX_FILE_BYTES = 50_000_000
# The local runner names a run by its pipeline and the time.
_LOCAL_RUN = re.compile(r"(.+)-(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d{1,6})", re.ASCII)
_SCHEMES = re.compile(r"[a-z0-9+]+://", re.ASCII)


def type_of(message: Message) -> str:
    """What a document is tells its form: it has no type of its own."""
    said = Reader(message.document)
    if said.at("pipelineInfo") or said.at("pipeline_spec", "pipelineInfo"):
        return PIPELINE
    if said.text("run_id") and (said.at("runtime_config") or said.text("experiment_id")):
        return RUN
    return LOCAL if said.at("artifacts") or said.at("outputs") else "unknown"


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    match message.type:
        case "run":
            yield from _run(said, context)
        case "pipeline":
            yield from _pipeline(said, context, message)
        case _:
            for task in _local(said):
                yield from pipelineruns.events(task, context)


# --- The API -------------------------------------------------------------------------------------------------------


def _run(said: Reader, context: Context) -> Iterator[Event]:
    identity, began = said.need("run_id"), said.need_time("created_at")
    name = _pipeline_name(said)
    job = pipelineruns.pipeline(context, name)
    run = openlineage.run_id(context.namespace, identity)
    facets: dict[str, Mapping[str, Any]] = {}
    if said.text("recurring_run_id"):
        facets["assay_run"] = {"trigger": "schedule"}
    parameters = {key: one.value for key, one in said.entries("runtime_config", "parameters")}
    if parameters:
        facets["assay_trainingParameters"] = {"parameters": parameters}
    yield openlineage.of_run(Type.START, at=began, run=run, job=job, facets=facets)
    end = ENDS.get(said.text("state").upper())
    if end is not None:
        ended = said.time("finished_at") or began
        yield openlineage.of_run(end, at=ended, run=run, job=job, facets=facets)
    for task in _tasks(said, identity, name, began):
        yield from pipelineruns.events(task, context)


def _pipeline_name(said: Reader) -> str:
    return (
        said.text("pipeline_name")
        or said.text("pipeline_spec", "pipelineInfo", "name")
        or said.text("pipeline_version_reference", "pipeline_id")
        or said.need("display_name")
    )


def _tasks(said: Reader, run: str, pipeline: str, began: datetime) -> Iterator[Task]:
    artifacts = {one.text("artifact_id"): one for one in said.items("artifacts")}
    links: dict[tuple[str, str], list[tuple[str, Reader]]] = {}
    for link in said.items("artifact_tasks"):
        direction = "inputs" if link.text("type").upper().endswith("INPUT") else "outputs"
        found = artifacts.get(link.text("artifact_id"))
        if found is not None:
            links.setdefault((link.text("task_id"), direction), []).append((link.text("key"), found))
    for one in said.items("tasks"):
        if one.text("type").upper() in STRUCTURE or not one.text("task_id"):
            continue
        state = ENDS.get((one.text("state") or one.text("status")).upper())
        told = {
            direction: tuple(
                _artifact(key, found, pipeline)
                for key, found in [*_listed(one, direction), *links.get((one.text("task_id"), direction), ())]
            )
            for direction in ("inputs", "outputs")
        }
        parameters = {
            name: value.value
            for value in one.items("inputs", "parameters")
            if (name := value.text("name") or value.text("parameter_key"))
        }
        yield Task(
            pipeline=pipeline,
            run=run,
            name=one.text("display_name") or one.text("name") or one.text("task_id"),
            id=one.text("task_id"),
            began=one.time("start_time") or one.time("create_time") or began,
            ended=one.time("end_time"),
            state=state,
            inputs=told["inputs"],
            outputs=told["outputs"],
            parameters={name: Reader(value).at("value").value or value for name, value in parameters.items()},
        )


def _listed(one: Reader, direction: str) -> Iterator[tuple[str, Reader]]:
    """Artifacts of a task: each with its value, or with a list of them."""
    for told in one.items(direction, "artifacts"):
        key = told.text("producer_key") or told.text("producer", "key") or told.text("artifact_key")
        key = key or told.text("name") or told.text("parameter_name")
        if told.at("value"):
            yield key, told.at("value")
        for value in told.items("artifacts"):
            yield key, value


def _artifact(key: str, one: Reader, pipeline: str) -> Artifact:
    properties = {
        name: value.value for which in ("custom_properties", "metadata") for name, value in one.entries(which)
    }
    if (number := one.number("number_value")) is not None:
        properties[one.text("name") or key or "value"] = number
    kind = one.text("type")
    return Artifact(
        id=one.text("artifact_id"),
        type="system.Metrics" if kind == "Metric" else kind,
        name=key or one.text("name") or "artifact",
        pipeline=pipeline,
        uri=one.text("uri"),
        properties=properties,
    )


# --- The compiler and the local runner -----------------------------------------------------------------------------


def _pipeline(said: Reader, context: Context, message: Message) -> Iterator[Event]:
    """What a compiled pipeline consists of. It does not say when it was compiled."""
    said = said.at("pipeline_spec") if said.at("pipeline_spec") else said
    name = said.need("pipelineInfo", "name")
    yield openlineage.of_job(pipelineruns.pipeline(context, name), at=message.received_at)
    for task, _ in said.entries("root", "dag", "tasks"):
        kind = {"processingType": "BATCH", "integration": "PIPELINE", "jobType": "TASK"}
        yield openlineage.of_job(context.job(f"{name}.{task}").saying(jobType=kind), at=message.received_at)


def _local(said: Reader) -> Iterator[Task]:
    """Tasks that the local runner carried out: the paths of what they wrote name the run, the task and the time."""
    outputs = [Reader(one.value, one.path) for one in said.items("outputs")] or [said]
    made: dict[tuple[str, str], tuple[Artifact, ...]] = {}
    place: dict[str, tuple[str, str, datetime]] = {}
    schema = said.at("pipeline")
    for output in outputs:
        found = list(_written(output, schema))
        if not found:
            continue
        run, task = _place(found[0].uri)
        named = _LOCAL_RUN.fullmatch(run)
        if named is None:
            raise Refused("artifacts", f"lie in a folder of which the name tells no time: {run[:200]}.")
        place[task] = (run, named[1], _time(named))
        made[run, task] = tuple(found)
    for (run, task), found_there in made.items():
        _, pipeline, at = place[task]
        yield Task(
            pipeline=pipeline,
            run=run,
            name=task,
            id=task,
            began=at,
            ended=at,
            state=Type.COMPLETE,
            inputs=tuple(_read(schema, run, task, made)),
            outputs=found_there,
        )
    if not made:
        raise Refused("artifacts", "is missing or names no artifact.")


def _written(output: Reader, schema: Reader) -> Iterator[Artifact]:
    for key, several in output.entries("artifacts"):
        for one in several.items("artifacts"):
            uri = one.text("uri")
            run, task = _place(uri)
            component = schema.text("root", "dag", "tasks", task, "componentRef", "name")
            kind = schema.text(
                "components", component, "outputDefinitions", "artifacts", key, "artifactType", "schemaTitle"
            )
            properties = {name: value.value for name, value in one.entries("metadata")}
            yield Artifact(
                id=run,
                # Without the compiled pipeline the names that Kubeflow's own examples use tell the kind.
                type=kind or {"model": "system.Model", "metrics": "system.Metrics"}.get(key, "system.Artifact"),
                name=key,
                uri=uri,
                properties=properties,
            )


def _read(
    schema: Reader, run: str, task: str, made: Mapping[tuple[str, str], tuple[Artifact, ...]]
) -> Iterator[Artifact]:
    """What the compiled pipeline says that the task takes from others."""
    for _, told in schema.entries("root", "dag", "tasks", task, "inputs", "artifacts"):
        by, key = told.text("taskOutputArtifact", "producerTask"), told.text("taskOutputArtifact", "outputArtifactKey")
        yield from (one for one in made.get((run, by), ()) if one.name == key)


def _place(uri: str) -> tuple[str, str]:
    """Run and task, of which the folders stand above an artifact's."""
    parts = _SCHEMES.sub("", uri).rstrip("/").split("/")
    return (parts[-3], parts[-2]) if len(parts) >= 3 else ("", "")


def _time(named: re.Match[str]) -> datetime:
    try:
        year, month, day, hour, minute, second = (int(named[place]) for place in range(2, 8))
        return datetime(year, month, day, hour, minute, second, int(named[8].ljust(6, "0")), tzinfo=UTC)
    except ValueError:
        raise Refused("artifacts", "lie in a folder of which the name tells no time.") from None


def read_files(path: Path, received_at: datetime) -> Iterator[Message]:
    """A compiled pipeline, a run of the API, or a folder of the local runner with its runs. Raises Refused."""
    if path.is_file():
        for document in _documents(path):
            message = Message(received_at=received_at, document=document)
            # The second document of a compiled pipeline is for Kubernetes alone.
            if (type := type_of(message)) != "unknown":
                yield Message(received_at=received_at, document=document, type=type)
        return
    pipelines = {
        Reader(document).text("pipelineInfo", "name"): document
        for one in sorted([*path.glob("*.yaml"), *path.glob("*.yml"), *path.glob("*.json")])
        for document in _documents(one)
        if Reader(document).at("pipelineInfo")
    }
    for document in pipelines.values():
        yield Message(received_at=received_at, document=document, type=PIPELINE)
    runs: dict[Path, list[Any]] = {}
    for one in sorted(path.rglob(OUTPUT_FILE)):
        runs.setdefault(one.parent.parent, []).extend(_documents(one))
    for folder, outputs in runs.items():
        named = _LOCAL_RUN.fullmatch(folder.name)
        document = {"outputs": outputs, "pipeline": pipelines.get(named[1]) if named else None}
        yield Message(received_at=received_at, document=document, type=LOCAL)


def _documents(path: Path) -> list[Any]:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise Refused("", f"{path.name} is larger than 50 MB.")
    try:
        text = path.read_text(encoding="utf-8")
        return [json.loads(text)] if path.suffix == ".json" else list(yaml.safe_load_all(text))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Refused("", f"{path.name} is neither JSON nor YAML: {error}") from None


# --- Polls ---------------------------------------------------------------------------------------------------------


def poll(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
    """Runs, the newest first, up to those that began when the oldest did that was not over at the last poll."""
    said = Reader(dict(cursor))
    since, token = said.time("since"), said.text("token")
    newest, oldest_open = said.time("newest") or since, said.time("oldest_open")
    names: dict[str, str] = {}
    has_tasks = True
    while True:
        asked = {"page_size": PAGE, "sort_by": "created_at desc", **({"page_token": token} if token else {})}
        answer = Reader(client.get(f"{API}/runs", asked))
        messages = []
        is_over = False
        for one in answer.items("runs"):
            began = one.time("created_at")
            if began is None or (since is not None and began < since):
                is_over = began is not None
                continue
            newest = max(newest or began, began)
            if one.text("state").upper() not in ENDS:
                oldest_open = min(oldest_open or began, began)
            document = dict(one.value) | {"pipeline_name": _named(client, one, names)}
            has_tasks = has_tasks and _add_tasks(client, document)
            messages.append(Message(received_at=now, document=document, type=RUN))
        token = answer.text("next_page_token")
        if is_over or not token:
            until = oldest_open or newest
            yield Page(messages=messages, cursor=_told(since=until))
            return
        # Should the poll be broken off, the next one goes on with the page that follows.
        yield Page(messages=messages, cursor=_told(since=since, newest=newest, oldest_open=oldest_open, token=token))


def _told(token: str = "", **times: datetime | None) -> dict[str, Any]:
    return {"token": token} | {name: time.isoformat() for name, time in times.items() if time}


def _named(client: Client, run: Reader, names: dict[str, str]) -> str:
    """The name of the run's pipeline, which the run gives by its id."""
    identity = run.text("pipeline_version_reference", "pipeline_id")
    if identity and identity not in names:
        told = Reader(client.get(f"{API}/pipelines/{identity}"))
        names[identity] = told.text("name") or told.text("display_name") or identity
    return names.get(identity, "")


def _add_tasks(client: Client, document: dict[str, Any]) -> bool:
    """Tasks and artifacts of the run, where the server has them; whether it has."""
    if document.get("tasks"):
        return True
    try:
        tasks = client.get(f"{API}/runs/{Reader(document).need('run_id')}/tasks")
    except Refused:
        return False
    document["tasks"] = [one.value for one in Reader(tasks).items("tasks")]
    return True


SYSTEM = System(
    slug="kubeflow_pipelines",
    title="Kubeflow Pipelines",
    group=Group.PIPELINES,
    mechanisms=(Mechanism.POLL, Mechanism.IMPORT),
    tested=Tested.REAL,
    handled={
        RUN: "a run of the pipeline with its parameters, and its tasks with artifacts where the API has them",
        PIPELINE: "the tasks that a compiled pipeline consists of",
        LOCAL: "tasks that the local runner carried out, with what they wrote, and read by the compiled pipeline",
    },
    ignored={
        "artifact": "read together with the tasks of its run",
        "artifact_task": "read together with the tasks of its run",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.DATASET, Fact.MODEL, Fact.MODEL_VERSION, Fact.KPI}),
    setup=(
        "Have the API polled: the address of `ml-pipeline`, the outgoing secret a token of a service account that may "
        "get and list runs. For artifacts of tasks import the store of ML Metadata as well, with the system `mlmd` "
        "and the same namespace, until your server has `/apis/v2beta1/runs/ID/tasks`. Runs of the local runner are "
        "imported from its folder; put the compiled pipeline beside them:\n\n"
        "```sh\nmanage.py import_from kubeflow_pipelines local_outputs/\n```"
    ),
    options=PipelineOptions,
    type_of=type_of,
    translate=translate,
    read_files=read_files,
    poll=poll,
)
