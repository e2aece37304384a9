"""Azure Machine Learning: registered and deployed models, runs, and drift, by Event Grid in either of its forms."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Type
from integrations.systems import envelopes, locations, vocabulary, watches
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Scheme, System, Tested
from integrations.systems.envelopes import CloudEvent
from integrations.systems.reading import Reader
from integrations.systems.watches import Alert

PREFIX = "Microsoft.MachineLearningServices."
REGISTERED, DEPLOYED = PREFIX + "ModelRegistered", PREFIX + "ModelDeployed"
COMPLETED, CHANGED = PREFIX + "RunCompleted", PREFIX + "RunStatusChanged"
DRIFT = PREFIX + "DatasetDriftDetected"
SEVERAL = "several"
# Words of runs that are not over.
STATES: Mapping[str, Type] = {
    "notstarted": Type.START,
    "queued": Type.START,
    "preparing": Type.START,
    "starting": Type.START,
    "provisioning": Type.START,
    "running": Type.RUNNING,
    "finalizing": Type.RUNNING,
    "cancelrequested": Type.RUNNING,
}
# Where a run's properties hold its commit: Azure's own words, and those of MLflow.
REPOSITORY = ("azureml.git.repository_uri", "mlflow.source.git.repoURL")
COMMIT = ("azureml.git.commit", "mlflow.source.git.commit")


def translate(message: Message, context: Context) -> Iterator[Event]:
    for event in envelopes.cloud_events(message):
        if event.type in _EVENTS:
            yield from _EVENTS[event.type](event, event.time or message.received_at, context)


def _of_registered(event: CloudEvent, at: datetime, context: Context) -> Iterator[Event]:
    model = context.model(event.data.need("ModelName"), event.data.need("ModelVersion"))
    yield openlineage.of_dataset(model, at=at)


def _of_deployed(event: CloudEvent, at: datetime, context: Context) -> Iterator[Event]:
    """A service with its models is a run; with other models it is another. They are told as one text, by commas."""
    service = event.data.need("ServiceName")
    models = [one.strip() for one in event.data.text("ModelIds").split(",") if one.strip()]
    told: dict[str, Any] = {"kind": "online", "stage": "ab" if len(models) > 1 else "full"}
    tags = event.data.at("ServiceTags")
    if environment := vocabulary.environment(tags.text("assay.environment") or tags.text("environment")):
        told["environment"] = environment
    yield openlineage.of_run(
        Type.RUNNING,
        at=at,
        run=openlineage.run_id(context.namespace, "endpoint", service, *sorted(models)),
        job=context.job(f"endpoint/{service}").as_service("AZUREML"),
        inputs=[context.model(*_name_and_version(one)) for one in models],
        facets={"assay_deployment": told},
    )


def _name_and_version(text: str) -> tuple[str, str]:
    name, mark, version = text.rpartition(":")
    return (name, version) if mark and name else (text, "")


def _of_run(event: CloudEvent, at: datetime, context: Context) -> Iterator[Event]:
    said = event.data
    word = said.text("runStatus")
    state = Type.COMPLETE if event.type == COMPLETED and not word else None
    state = state or vocabulary.end(word) or STATES.get(word.replace(" ", "").lower(), Type.OTHER)
    properties = said.at("runProperties")
    run = said.need("runId")
    job = context.job(said.text("experimentName") or said.need("experimentId"))
    job = job.built_from(_first(properties, REPOSITORY), _first(properties, COMMIT))
    facets: dict[str, Mapping[str, Any]] = {}
    if above := _first(properties, ("azureml.parentRunId", "azureml.pipelinerunid")):
        facets["parent"] = openlineage.parent(context.job(job.name), openlineage.run_id(context.namespace, above))
    outputs = []
    if state is Type.COMPLETE and (uri := properties.text("model_data_location")):
        outputs = [context.artifact(uri) or locations.place(uri)]
    yield openlineage.of_run(
        state, at=at, run=openlineage.run_id(context.namespace, run), job=job, outputs=outputs, facets=facets
    )


def _first(said: Reader, keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := said.text(key))), "")


def _of_drift(event: CloudEvent, at: datetime, context: Context) -> Iterator[Event]:
    """A failed check of the newer dataset against the older one, and an alert. It names no model."""
    said = event.data
    name = said.need("DataDriftName")
    measured = said.number("DriftCoefficient")
    alert = Alert(id=name, kind="input_data", severity="warning", measured=measured)
    failed = {"assertions": [{"assertion": "no_drift", "success": False, "severity": "warn"}]}
    target = Dataset(context.namespace, said.need("TargetDatasetId")).saying(dataQualityAssertions=failed)
    base = said.text("BaseDatasetId")
    run = said.text("RunId") or event.id
    yield watches.told(
        [alert],
        job=context.job(f"datadrift/{name}"),
        at=at,
        about=[*([Dataset(context.namespace, base)] if base else []), target],
        run=openlineage.run_id(context.namespace, "datadrift", run) if run else "",
        facets={"assay_monitors": {"monitors": [{"kind": "input_data", "hasLimit": True}]}},
    )


_EVENTS: Mapping[str, Callable[[CloudEvent, datetime, Context], Iterator[Event]]] = {
    REGISTERED: _of_registered,
    DEPLOYED: _of_deployed,
    COMPLETED: _of_run,
    CHANGED: _of_run,
    DRIFT: _of_drift,
}


def type_of(message: Message) -> str:
    types = {event.type for event in envelopes.cloud_events(message)}
    return types.pop() if len(types) == 1 else SEVERAL if types else ""


SYSTEM = System(
    slug="azure_ml",
    title="Azure Machine Learning",
    group=Group.TRACKING,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.OIDC, Scheme.TOKEN_HEADER, Scheme.SECRET_PATH),
    handled={
        REGISTERED: "a version of a model",
        DEPLOYED: "a deployment and the model versions that it serves",
        COMPLETED: "the end of a run, with its commit and the model file that it left",
        CHANGED: "the state of a run",
        DRIFT: "a failed check of a dataset, and an alert",
        SEVERAL: "a batch of events of several types, each as if it came alone",
    },
    brings=frozenset(
        {Fact.MODEL_VERSION, Fact.DEPLOYMENT, Fact.JOB, Fact.RUN, Fact.COMMIT, Fact.DATASET, Fact.CHECK, Fact.ALERT}
    ),
    setup=(
        "In the workspace under *Events* add a subscription of the type web hook at `{url}`, for all events, in the "
        "CloudEvents schema. Give it a delivery header with the connection's secret, or let it sign in with Microsoft "
        "Entra ID. The address answers the handshakes of both schemas.\n\n"
        "Events of deployments come of services of version 1 of the API. Tag them with `assay.environment`."
    ),
    type_of=type_of,
    key_of=envelopes.cloud_key,
    translate=translate,
)
