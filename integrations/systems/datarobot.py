"""DataRobot: deployments, the models in them, and the colours of their health, as its notifications tell them.

What a notification about a deployment holds is not documented word by word. Ids and names are looked for where they may
stand, and what is not found is not told.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import vocabulary, watches
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.watches import Alert

DEPLOYMENTS = "model_deployments."
CREATED, DELETED = DEPLOYMENTS + "deployment_creation", DEPLOYMENTS + "deployment_deletion"
REPLACED = DEPLOYMENTS + "model_replacement_succeeded"
AUTOPILOT = "autopilot.complete"
# Where the colour follows, in the type of an event, what it is the health of, and the kind of alert that makes.
HEALTH: Mapping[str, str] = {
    DEPLOYMENTS + "service_health": "service_health",
    DEPLOYMENTS + "data_drift": "input_data",
    DEPLOYMENTS + "accuracy": "model_quality",
    DEPLOYMENTS + "health.fairness_health": "bias",
    DEPLOYMENTS + "health.custom_metrics_health": "business_outcome",
}
_COLOUR = re.compile(r"[._](red|yellow|green|failing|warning|passing)(_from_(red|yellow|green))?$", re.ASCII)
COLOURS: Mapping[str, str] = {"failing": "red", "warning": "yellow", "passing": "green"}


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    at = said.time("timestamp") or message.received_at
    if message.type in HEALTH:
        yield _of_health(message.type, said, at, context)
    else:
        yield from _EVENTS[message.type](said, at, context)


def _deployment(said: Reader, context: Context) -> tuple[Job, str]:
    """The deployment by its id, which stays when it is renamed. Raises Refused."""
    for place in (said.at("deployment"), said.at("model_deployment"), said.at("event"), said):
        if id := place.text("deployment_id") or place.text("deploymentId"):
            return context.job(f"deployment/{id}").as_service("DATAROBOT"), id
    if id := said.text("deployment", "id") or said.text("event", "entity_id"):
        return context.job(f"deployment/{id}").as_service("DATAROBOT"), id
    raise Refused("deployment.deployment_id", "is missing, and so is event.entity_id.")


def _model(said: Reader, context: Context) -> Dataset | None:
    """The model package in the deployment, else the model: an id of theirs names one version for good."""
    places = [said.at(*keys) for keys in (("deployment", "model"), ("model",), ("deployment",), ("event",))]
    name = next((text for place in places if (text := place.text("registered_model_name"))), "")
    version = next((text for place in places if (text := place.text("registered_model_version"))), "")
    if name and version:
        return context.model(name, version)
    for key in ("new_model_id", "model_package_id", "model_id"):
        if id := next((text for place in places if (text := place.text(key))), ""):
            return context.model(id, "1")
    return None


def _run(id: str, model: Dataset | None, context: Context) -> str:
    """What a deployment serves is a run of it."""
    version = model.facets.get("version", {}).get("datasetVersion", "") if model else ""
    return openlineage.run_id(context.namespace, "deployment", id, model.name if model else "", str(version))


def _of_serving(said: Reader, at: datetime, context: Context) -> Iterator[Event]:
    job, id = _deployment(said, context)
    model = _model(said, context)
    told = {"kind": "online", "stage": "full"}
    if environment := vocabulary.environment(said.text("deployment", "environment")):
        told["environment"] = environment
    yield openlineage.of_run(
        Type.RUNNING,
        at=at,
        run=_run(id, model, context),
        job=job,
        inputs=[model] if model else [],
        facets={"assay_deployment": told},
    )


def _of_deletion(said: Reader, at: datetime, context: Context) -> Iterator[Event]:
    job, id = _deployment(said, context)
    # Often it is not told which model it served until now.
    run = _run(id, _model(said, context) or context.served(job), context)
    yield openlineage.of_run(Type.COMPLETE, at=at, run=run, job=job)


def _of_health(type: str, said: Reader, at: datetime, context: Context) -> Event:
    """Red and yellow open the alert of the deployment's health of that kind, and green ends it."""
    job, _ = _deployment(said, context)
    colour = _colour(said.need("event_type"))
    alert = Alert(
        id=f"{job.name}/{type.rpartition('.')[2]}",
        kind=HEALTH[type],
        severity=vocabulary.severity(colour),
        closed_at=at if colour == "green" else None,
    )
    about = _model(said, context) or context.served(job)
    facets = {"assay_monitors": {"monitors": [{"kind": HEALTH[type], "hasLimit": True}]}}
    monitor = context.job(f"{job.name}.monitoring")
    return watches.told([alert], job=monitor, at=at, about=[about] if about else [], facets=facets)


def _of_autopilot(said: Reader, at: datetime, context: Context) -> Iterator[Event]:
    project = said.text("project", "project_id") or said.need("event", "entity_id")
    dataset = said.text("project", "default_dataset_id") or said.text("event", "dataset_id")
    yield openlineage.of_run(
        Type.COMPLETE,
        at=at,
        run=openlineage.run_id(context.namespace, "autopilot", project, at.isoformat()),
        job=context.job(f"project/{project}/autopilot"),
        inputs=[Dataset(context.namespace, f"dataset/{dataset}")] if dataset else [],
    )


_EVENTS: Mapping[str, Callable[[Reader, datetime, Context], Iterator[Event]]] = {
    CREATED: _of_serving,
    REPLACED: _of_serving,
    DELETED: _of_deletion,
    AUTOPILOT: _of_autopilot,
}


def _colour(type: str) -> str:
    found = _COLOUR.search(type)
    return COLOURS.get(found[1], found[1]) if found else ""


def type_of(message: Message) -> str:
    """The event's type; of healths without its colour, which is what is told and not of what kind it is."""
    told = Reader(message.document).need("event_type")
    kind = _COLOUR.sub("", told)
    return kind if kind in HEALTH and kind != told else told


SYSTEM = System(
    slug="datarobot",
    title="DataRobot",
    group=Group.SERVING,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.TOKEN_HEADER, Scheme.BEARER, Scheme.SECRET_PATH),
    handled={
        CREATED: "a deployment and the model that it serves",
        REPLACED: "the model that a deployment serves from now on",
        DELETED: "the end of a deployment",
        **dict.fromkeys(HEALTH, "an alert about the deployment while it is red or yellow, and its end"),
        AUTOPILOT: "a run that trained the models of a project, and its dataset",
    },
    ignored={
        "misc.webhook_connection_test": "DataRobot's test of the address",
        "misc.webhook_resend": "asks to be sent again",
        DEPLOYMENTS + "model_replacement_started": "the end of the replacement tells what is served",
        DEPLOYMENTS + "model_replacement_failed": "the deployment serves what it served before",
        "project.created": "nothing was made in it yet",
        "project.deleted": "what was made in it stays known",
        "project.shared": "who may see a project is not kept",
        "dataset.shared": "who may see a dataset is not kept",
    },
    brings=frozenset({Fact.DEPLOYMENT, Fact.MODEL_VERSION, Fact.ALERT, Fact.JOB, Fact.RUN, Fact.DATASET}),
    setup=(
        "Add a notification channel of the type web hook at `{url}`, with a custom header that holds the connection's "
        "secret, and a policy that sends it the events of deployments. JSON and forms are both read.\n\n"
        "A model is called by its name and version in DataRobot's registry where the notification holds them, else by "
        "its id, which names one version."
    ),
    type_of=type_of,
    translate=translate,
)
