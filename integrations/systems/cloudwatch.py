"""CloudWatch alarms, by EventBridge or by SNS: alerts about what an endpoint serves, or about a named model."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from integrations.openlineage import Dataset, Event, Job
from integrations.systems import envelopes, vocabulary, watches
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Options, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.watches import Alert

CHANGE, NOTIFICATION = "CloudWatch Alarm State Change", "alarm notification"
OPEN, CLOSED = "ALARM", "OK"
# Names of dimensions that say whom a metric is about; those of SageMaker, and those of one's own metrics.
ENDPOINT, MODEL, VERSION = ("EndpointName", "Endpoint"), ("model", "Model", "ModelName"), ("version", "Version")
# What SageMaker's own metrics look at, by words in their names.
SERVICE_WORDS = ("latency", "error", "invocation", "utilization", "5xx", "4xx")


class CloudwatchOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`endpoints`: the namespace of the SageMaker connection that tells of the endpoints. `model`, `version`: of alarms
    whose dimensions name neither an endpoint nor a model. `severity`: of all alarms, which have none."""

    endpoints: str = ""
    model: str = ""
    version: str = ""
    severity: str = "warning"


def translate(message: Message, context: Context) -> Iterator[Event]:
    """An alarm is open while its newest state is ALARM. Without data it is neither opened nor closed."""
    said = envelopes.of_queue(message)
    if message.type == CHANGE:
        detail = said.at("detail")
        name, state = detail.need("alarmName"), detail.need("state", "value")
        at = detail.time("state", "timestamp") or said.time("time") or message.received_at
        metrics = [one.at("metricStat", "metric") for one in detail.items("configuration", "metrics")]
        dimensions = {key: one.text() for metric in metrics for key, one in metric.entries("dimensions")}
        metric = next((one.text("name") for one in metrics if one.text("name")), "")
        numbers = _numbers(detail.at("state", "reasonData"))
    else:
        name, state = said.need("AlarmName"), said.need("NewStateValue")
        at = said.time("StateChangeTime") or message.received_at
        dimensions = {one.text("name"): one.text("value") for one in said.items("Trigger", "Dimensions")}
        metric = said.text("Trigger", "MetricName")
        numbers = (None, said.number("Trigger", "Threshold"))
    if state in {OPEN, CLOSED}:
        yield _event(name, state, at, dimensions, metric, numbers, context)


def _event(
    name: str,
    state: str,
    at: datetime,
    dimensions: dict[str, str],
    metric: str,
    numbers: tuple[float | None, float | None],
    context: Context,
) -> Event:
    is_health = any(word in f"{metric} {name}".lower() for word in SERVICE_WORDS)
    kind = "service_health" if is_health else "model_quality"
    alert = Alert(
        id=name,
        kind=kind,
        severity=vocabulary.severity(getattr(context.options, "severity", "")),
        closed_at=at if state == CLOSED else None,
        measured=numbers[0],
        limit=numbers[1],
        about=metric,
    )
    facets = {"assay_monitors": {"monitors": [{"kind": kind, "hasLimit": True}]}}
    about = _about(dimensions, context)
    return watches.told([alert], job=context.job(name), at=at, about=[about] if about else [], facets=facets)


def _about(dimensions: dict[str, str], context: Context) -> Dataset | None:
    options = context.options
    model = _first(dimensions, MODEL)
    if endpoint := _first(dimensions, ENDPOINT):
        deployment = Job(getattr(options, "endpoints", "") or context.namespace, f"endpoint/{endpoint}")
        if served := context.served(deployment):
            return served
    if model and (version := _first(dimensions, VERSION)):
        return context.model(model, version)
    named = getattr(options, "model", "")
    return context.model(named, getattr(options, "version", "")) if named else (context.model(model) if model else None)


def _first(dimensions: dict[str, str], names: tuple[str, ...]) -> str:
    return next((dimensions[name] for name in names if dimensions.get(name)), "")


def _numbers(reason: Reader) -> tuple[float | None, float | None]:
    """The newest point and the threshold, which are told as JSON in a text."""
    value: Any = reason.value
    data = Reader(envelopes.parsed(value) if isinstance(value, str) else value)
    points = [number for one in data.items("recentDatapoints") if (number := one.number()) is not None]
    return points[-1] if points else None, data.number("threshold")


def type_of(message: Message) -> str:
    said = envelopes.of_queue(message)
    return NOTIFICATION if said.at("AlarmName") and not said.at("detail-type") else said.need("detail-type")


def key_of(message: Message) -> str:
    return envelopes.queue_key(message)


SYSTEM = System(
    slug="cloudwatch",
    title="Amazon CloudWatch",
    group=Group.MONITORING,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.TOKEN_HEADER, Scheme.BASIC, Scheme.SNS),
    options=CloudwatchOptions,
    handled={
        CHANGE: "an alert about the model version that the alarm's endpoint serves, or that its dimensions name",
        NOTIFICATION: "the same, as an alarm's own SNS action tells it",
    },
    ignored={"CloudWatch Alarm Configuration Change": "that an alarm was changed, not how things stand"},
    brings=frozenset({Fact.ALERT}),
    setup=(
        'Make an EventBridge rule with the pattern `{"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm '
        'State Change"]}` and as its target an API destination at `{url}`, with a connection that sends the '
        "connection's secret as an API key in its header. Or subscribe `{url}` to the SNS topic of the alarms' "
        "actions.\n\n"
        "Metrics of one's own say whom they are about by the dimensions `model` and `version`. For those of endpoints, "
        "name the SageMaker connection's namespace in `endpoints`."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
)
