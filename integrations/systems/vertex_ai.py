"""Vertex AI: entries of Cloud Logging that Pub/Sub pushes: pipelines, what was called, and anomalies of features."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import envelopes, locations, watches
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Options, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.watches import Alert

PIPELINE, TASK = "PipelineJobLogEntry", "PipelineTaskLogEntry"
ANOMALIES = "ModelMonitoringAnomaliesLogEntry"
UPLOAD, DEPLOY, UNDEPLOY = "ModelService.UploadModel", "EndpointService.DeployModel", "EndpointService.UndeployModel"
CREATE = "PipelineService.CreatePipelineJob"
OTHER, READ, NOTHING_READABLE = "another entry", "a call that reads", "no entry"
SERVICE = "aiplatform.googleapis.com"
STATES: Mapping[str, Type] = {
    "QUEUED": Type.START,
    "PENDING": Type.START,
    "RUNNING": Type.RUNNING,
    "CANCELLING": Type.RUNNING,
    "PAUSED": Type.RUNNING,
    "SUCCEEDED": Type.COMPLETE,
    "SKIPPED": Type.COMPLETE,
    "FAILED": Type.FAIL,
    "NOT_TRIGGERED": Type.ABORT,
    "CANCELLED": Type.ABORT,
}
# What its client puts behind the name of a pipeline to make the id of a run.
_TIME = re.compile(r"-\d{14}$", re.ASCII)
_READS = re.compile(r"\.(Get|List|Search|Query|Check|Export|Read)[A-Z]", re.ASCII)
MAX_ANOMALIES = 200


class VertexOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`model`, `version`: whom anomalies are about when they name no endpoint that is known."""

    model: str = ""
    version: str = ""


def translate(message: Message, context: Context) -> Iterator[Event]:
    entry = envelopes.of_pubsub(message)
    at = entry.time("timestamp") or entry.time("receiveTimestamp") or message.received_at
    yield from _ENTRIES[message.type](entry, at, context)


# Runs of pipelines and of their tasks.


def _pipeline(entry: Reader, context: Context) -> tuple[Job, str]:
    """The pipeline and its run: the entry's resource names the run, the entry itself often the pipeline."""
    payload = entry.at("jsonPayload")
    told = entry.text("resource", "labels", "pipeline_job_id") or payload.text("pipelineJobId")
    run = _last(told or payload.text("pipelineJob") or payload.need("pipelineName"))
    return _named(run, context), openlineage.run_id(context.namespace, "pipelineJob", run)


def _named(run: str, context: Context) -> Job:
    return context.job(f"pipeline/{_TIME.sub('', run) or run}")


def _of_pipeline(entry: Reader, at: datetime, context: Context) -> Iterator[Event]:
    job, run = _pipeline(entry, context)
    yield openlineage.of_run(_state(entry), at=at, run=run, job=job)


def _of_task(entry: Reader, at: datetime, context: Context) -> Iterator[Event]:
    pipeline, above = _pipeline(entry, context)
    payload = entry.at("jsonPayload")
    name = payload.text("taskName") or payload.need("taskId")
    yield openlineage.of_run(
        _state(entry),
        at=at,
        run=openlineage.run_id(context.namespace, above, "task", payload.text("taskId") or name),
        job=context.job(f"{pipeline.name}.{_last(name)}"),
        facets={"parent": openlineage.parent(pipeline, above)},
    )


def _state(entry: Reader) -> Type:
    word = entry.text("jsonPayload", "state").upper()
    return STATES.get(word.rpartition("STATE_")[2], Type.OTHER)


def _last(resource: str) -> str:
    return resource.rstrip("/").rpartition("/")[2]


# Calls, as the audit log tells them: once when they are asked, and once more when a long one is done.


def _succeeded(call: Reader) -> bool:
    """What failed did nothing, and what was only begun may still fail."""
    return not call.count("status", "code")


def _answer(call: Reader) -> Reader:
    return call.at("response") if call.at("response") else call.at("metadata")


def _of_upload(entry: Reader, at: datetime, context: Context) -> Iterator[Event]:
    call = entry.at("protoPayload")
    asked, answer = call.at("request", "model"), _answer(call)
    resource = answer.text("model") or answer.text("name")
    if not (_succeeded(call) and resource):
        return
    version = answer.text("modelVersionId") or resource.partition("@")[2]
    model = context.model(asked.text("displayName") or _plain(resource), version or "1")
    if uri := asked.text("artifactUri"):
        model = model.saying(assay_modelFiles=locations.files(uri))
    # Others, such as deployments, call it by its number.
    by_number = Dataset(context.namespace, _plain(resource))
    yield openlineage.of_dataset(model.also_called(by_number) if model.name != by_number.name else model, at=at)


def _plain(resource: str) -> str:
    """The id at the end of a resource's name, without its version."""
    return _last(resource).partition("@")[0]


def _of_deploy(entry: Reader, at: datetime, context: Context) -> Iterator[Event]:
    call = entry.at("protoPayload")
    asked, answer = call.at("request", "deployedModel"), _answer(call).at("deployedModel")
    number = answer.text("id") or asked.text("id")
    resource = answer.text("model") or asked.text("model")
    if not (_succeeded(call) and number and resource):
        return
    share = call.number("request", "trafficSplit", number)
    share = call.number("request", "trafficSplit", "0") if share is None else share
    told: dict[str, Any] = {"kind": "online", "stage": "full" if share is None or share >= 100 else "canary"}
    if share is not None:
        told["traffic"] = min(max(share, 0.0), 100.0) / 100
    job, run = _deployed(call, number, context)
    model = context.model(_plain(resource), resource.partition("@")[2] or answer.text("modelVersionId") or "1")
    yield openlineage.of_run(Type.RUNNING, at=at, run=run, job=job, inputs=[model], facets={"assay_deployment": told})


def _of_undeploy(entry: Reader, at: datetime, context: Context) -> Iterator[Event]:
    call = entry.at("protoPayload")
    if _succeeded(call) and (number := call.text("request", "deployedModelId")):
        job, run = _deployed(call, number, context)
        yield openlineage.of_run(Type.COMPLETE, at=at, run=run, job=job)


def _deployed(call: Reader, number: str, context: Context) -> tuple[Job, str]:
    name = _last(call.text("resourceName") or call.need("request", "endpoint"))
    return endpoint(name, context), openlineage.run_id(context.namespace, "deployedModel", name, number)


def endpoint(name: str, context: Context) -> Job:
    return context.job(f"endpoint/{name}").as_service("VERTEXAI")


def _of_create(entry: Reader, at: datetime, context: Context) -> Iterator[Event]:
    call = entry.at("protoPayload")
    run = call.text("request", "pipelineJobId") or _last(_answer(call).text("name"))
    if not (_succeeded(call) and run):
        return
    asked = call.at("request", "pipelineJob")
    given = asked.entries("runtimeConfig", "parameterValues")
    found = {name: one.value for name, one in given if isinstance(one.value, str | bool | int | float)}
    facets: dict[str, Mapping[str, Any]] = {"assay_trainingParameters": {"parameters": found}} if found else {}
    if asked.text("scheduleName"):
        facets["assay_run"] = {"trigger": "schedule"}
    its_id = openlineage.run_id(context.namespace, "pipelineJob", run)
    yield openlineage.of_run(Type.START, at=at, run=its_id, job=_named(run, context), facets=facets)


# Anomalies.


def _of_anomalies(entry: Reader, at: datetime, context: Context) -> Iterator[Event]:
    """An alert for each feature that deviates. That one no longer does is not told; the alert lapses in time."""
    payload = entry.at("jsonPayload")
    monitor = _last(payload.text("modelDeploymentMonitoringJob") or payload.need("deployedModelId"))
    objective = payload.text("anomalyObjective") or "anomaly"
    kind = "skew" if "SKEW" in objective.upper() else "input_data"
    alerts = [
        Alert(
            id=f"{monitor}/{objective}/{feature}",
            kind=kind,
            severity="warning",
            measured=one.number("deviation"),
            limit=one.number("threshold"),
            about=feature,
        )
        for one in list(payload.items("featureAnomalies"))[:MAX_ANOMALIES]
        if (feature := one.text("featureDisplayName"))
    ]
    about = _about(payload, entry.at("resource", "labels"), context)
    facets = {"assay_monitors": {"monitors": [{"kind": kind, "hasLimit": True}]}}
    job = context.job(f"monitoring/{monitor}")
    yield watches.told(alerts, job=job, at=at, about=[about] if about else [], facets=facets)


def _about(payload: Reader, labels: Reader, context: Context) -> Dataset | None:
    name = _last(payload.text("endpoint") or labels.text("endpoint_id"))
    if name and (served := context.served(endpoint(name, context))):
        return served
    named = getattr(context.options, "model", "")
    return context.model(named, getattr(context.options, "version", "")) if named else None


_ENTRIES: Mapping[str, Callable[[Reader, datetime, Context], Iterator[Event]]] = {
    PIPELINE: _of_pipeline,
    TASK: _of_task,
    UPLOAD: _of_upload,
    DEPLOY: _of_deploy,
    UNDEPLOY: _of_undeploy,
    CREATE: _of_create,
    ANOMALIES: _of_anomalies,
}


def type_of(message: Message) -> str:
    """The kind of payload, or the method that was called, whichever version of the API (or the console) called it."""
    entry = envelopes.of_pubsub(message)
    if not isinstance(entry.value, dict):
        return NOTHING_READABLE
    kind = entry.text("jsonPayload", "@type").rpartition(".")[2]
    if kind in _ENTRIES:
        return kind
    log = entry.text("logName")
    if log.endswith("pipeline_job_task_events"):
        return TASK
    if log.endswith("pipeline_job_events"):
        return PIPELINE
    if entry.text("protoPayload", "serviceName") != SERVICE:
        return OTHER
    method = entry.text("protoPayload", "methodName")
    return READ if _READS.search(method) else ".".join(method.split(".")[-2:]) or OTHER


def key_of(message: Message) -> str:
    return envelopes.pubsub_key(message) or envelopes.of_pubsub(message).text("insertId")


SYSTEM = System(
    slug="vertex_ai",
    title="Vertex AI",
    group=Group.SERVING,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.OIDC, Scheme.SECRET_PATH),
    options=VertexOptions,
    handled={
        PIPELINE: "a run of the pipeline",
        TASK: "a run of the task, below that of its pipeline",
        CREATE: "the start of a run of the pipeline, with its parameters",
        UPLOAD: "a version of a model, and where its files lie",
        DEPLOY: "a deployment and the model version that it serves",
        UNDEPLOY: "the end of what a deployment served",
        ANOMALIES: "an alert for each feature that deviates",
    },
    ignored={
        OTHER: "about another service of Google Cloud",
        READ: "changes nothing",
        NOTHING_READABLE: "the message holds no JSON",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.MODEL_VERSION, Fact.DEPLOYMENT, Fact.ALERT}),
    setup=(
        "Make a sink in Cloud Logging to a Pub/Sub topic, with the filter\n\n"
        '    logName:"aiplatform.googleapis.com%2Fpipeline_job" OR\n'
        '    protoPayload.serviceName="aiplatform.googleapis.com" OR\n'
        '    jsonPayload.@type:"ModelMonitoringAnomaliesLogEntry"\n\n'
        "and a push subscription of that topic at `{url}` that authenticates as a service account. The "
        "connection's issuer is `https://accounts.google.com`, its audience that of the subscription, and its claim "
        "`email` the address of the service account."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
)
