"""Prometheus and what answers like it (Mimir, Thanos, VictoriaMetrics): KPIs by PromQL, and alerts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Annotated, Any, Literal

import msgspec

from integrations import openlineage
from integrations.openlineage import Event, Type
from integrations.systems import alerting
from integrations.systems.alerting import AlertOptions
from integrations.systems.base import Client, Context, Fact, Group, Mechanism, Message, Page, Refused, System, Tested
from integrations.systems.reading import Reader

Query = Annotated[str, msgspec.Meta(min_length=1, max_length=5_000)]
Label = Annotated[str, msgspec.Meta(max_length=200)]
MAX_RULES = 500
MAX_SAMPLES = 50_000


class KpiRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How one KPI is measured.

    `query`: PromQL whose series are values of the KPI. `model_label`, `version_label`, `segment_label`: which labels
    say of what; `model` and `version` where the series have no such label. `aggregation`: what becomes of several
    series of one version and segment; `only` takes none of them for granted. `samples`: PromQL for the number of
    samples behind each value, and `min_samples` how many there must be. `measured_at`: PromQL for the time of the
    measurement, in seconds since 1970, if that is not now. `max_age_s`: older ones are unknown, except those of a
    range, which is asked for because it is past.
    """

    kpi: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    query: Query
    model_label: Label = "model"
    version_label: Label = "version"
    segment_label: Label = ""
    model: Label = ""
    version: Label = ""
    aggregation: Literal["only", "mean", "min", "max", "sum"] = "only"
    samples: str = ""
    min_samples: Annotated[int, msgspec.Meta(ge=0)] = 0
    measured_at: str = ""
    max_age_s: Annotated[int, msgspec.Meta(gt=0)] = 3_600

    def __post_init__(self) -> None:
        if not (self.model or self.model_label) or not (self.version or self.version_label):
            raise ValueError("says neither by label nor itself of which model and version its values are")
        if self.min_samples and not self.samples:
            raise ValueError("has min_samples, but no query in samples to count them")


class PrometheusOptions(AlertOptions, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`rules`: the KPIs that are measured at every look. `alerts`: whether alerts are read too, and what watches.

    Leave `alerts` off where an Alertmanager tells them already.
    """

    rules: Annotated[tuple[KpiRule, ...], msgspec.Meta(max_length=MAX_RULES)] = ()
    alerts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of an answer: its labels, and its values in their order. None stands for no number."""

    labels: Reader
    values: tuple[tuple[datetime, float | None], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What a value is of."""

    model: str
    version: str
    segment: str


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    match message.type:
        case "query":
            yield from _measured(said, context, message.received_at)
        case "alerts":
            yield from _alerts(_data(said).at("alerts"), context)
        case "rules":
            yield from _rules(_data(said), context)


def _data(said: Reader) -> Reader:
    """What stands in an answer that worked. Raises Refused with Prometheus' own kind of error."""
    if said.text("status") == "success":
        return said.at("data")
    raise Refused(said.at("error").path, f"Prometheus answers {said.text('errorType') or 'nothing that it should'}.")


def series(said: Reader) -> Iterator[Series]:
    """The series of an answer of any type that holds numbers. Raises Refused."""
    data = _data(said)
    kind, result = data.text("resultType"), data.at("result")
    if kind == "scalar":
        yield Series(labels=Reader({}), values=tuple(_samples([result])))
        return
    if kind not in ("vector", "matrix"):
        raise Refused(data.at("resultType").path, f"is {kind or 'missing'}, which holds no numbers.")
    count = 0
    for one in result.items():
        samples = [one.at("value")] if kind == "vector" else list(one.items("values"))
        count += len(samples)
        if count > MAX_SAMPLES:
            raise Refused(result.path, f"holds more than {MAX_SAMPLES:,} values: ask for fewer series.")
        yield Series(labels=one.at("metric"), values=tuple(_samples(samples)))


def _samples(told: list[Reader]) -> Iterator[tuple[datetime, float | None]]:
    """Prometheus writes numbers as text, also NaN and +Inf, which are none."""
    for one in told:
        at = one.time(0)
        if at is not None:
            yield at, one.number(1)


def _measured(said: Reader, context: Context, received_at: datetime) -> Iterator[Event]:
    """What the query of a rule found. Nothing is no value, and of what cannot be known the value is unknown."""
    rule, answer = _rule(said, context)
    samples = _by_place(said.at("samples"), rule) if said.at("samples") else {}
    times = _by_place(said.at("times"), rule) if said.at("times") else {}
    is_range = _data(answer).text("resultType") == "matrix"
    max_age = timedelta(seconds=rule.max_age_s)
    found: dict[Place, dict[datetime, list[float | None]]] = {}
    for one in series(answer):
        place = _place(one, rule)
        if place is None:
            raise Refused("rule.model_label", f"The series of {rule.kpi} lack a label for model or version.")
        for at, value in one.values:
            found.setdefault(place, {}).setdefault(at, []).append(value)
    for place, by_time in sorted(found.items(), key=lambda item: (item[0].model, item[0].version, item[0].segment)):
        for at, values in sorted(by_time.items()):
            measured = _time_of(times.get(place)) if rule.measured_at else at
            is_old = measured is None or (not is_range and received_at - measured > max_age)
            metric = _metric(rule, place, values, samples.get(place), measured or at, is_old=is_old)
            model = context.model(place.model, place.version).saying(assay_modelMetrics={"metrics": [metric]})
            yield openlineage.of_dataset(model, at=at)


def _metric(
    rule: KpiRule, place: Place, values: list[float | None], samples: float | None, measured: datetime, *, is_old: bool
) -> dict[str, Any]:
    value = _joined(values, rule.aggregation)
    is_thin = bool(rule.min_samples) and (samples is None or samples < rule.min_samples)
    metric: dict[str, Any] = {
        "name": rule.kpi,
        "value": None if is_old or is_thin else value,
        "measuredAt": measured.isoformat(),
    }
    if place.segment:
        metric["segment"] = place.segment[:200]
    if samples is not None and samples >= 0:
        metric["sampleSize"] = int(samples)
    return metric


def _joined(values: list[float | None], aggregation: str) -> float | None:
    """One value of several. One that is unknown makes all unknown."""
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not known:
        return None
    match aggregation:
        case "mean":
            return fmean(known)
        case "min":
            return min(known)
        case "max":
            return max(known)
        case "sum":
            return _finite(sum(known))
    return known[0] if len(known) == 1 else None


def _finite(value: float) -> float | None:
    return value if abs(value) != float("inf") else None


def _by_place(said: Reader, rule: KpiRule) -> dict[Place, float | None]:
    """The newest value of each place, from the query beside that of the KPI. Several are one sum, as of counts."""
    found: dict[Place, float | None] = {}
    for one in series(said):
        place = _place(one, rule)
        if place is not None and one.values:
            newest, before = one.values[-1][1], found.get(place, 0.0)
            found[place] = None if newest is None or before is None else _finite(before + newest)
    return found


def _time_of(seconds: float | None) -> datetime | None:
    return Reader(seconds).time() if seconds else None


def _place(one: Series, rule: KpiRule) -> Place | None:
    model = (one.labels.text(rule.model_label) if rule.model_label else "") or rule.model
    version = (one.labels.text(rule.version_label) if rule.version_label else "") or rule.version
    segment = one.labels.text(rule.segment_label) if rule.segment_label else ""
    return Place(model, version, segment) if model and version else None


def _rule(said: Reader, context: Context) -> tuple[KpiRule, Reader]:
    """The rule that was asked for, as it was then; a bare answer is one to the only rule that there is."""
    if said.at("rule"):
        if refused := said.text("refused"):
            raise Refused("rule.query", refused)
        try:
            return msgspec.convert(said.at("rule").value, KpiRule), said.at("answer")
        except msgspec.ValidationError as error:
            raise Refused("rule", f"{error}.") from None
    rules = _options(context).rules
    if len(rules) != 1:
        raise Refused("rule", "It is not said to which of the connection's rules this answers.")
    return rules[0], said


def _options(context: Context) -> PrometheusOptions:
    return context.options if isinstance(context.options, PrometheusOptions) else PrometheusOptions()


def _alerts(listed: Reader, context: Context) -> Iterator[Event]:
    """Only what fires: what is pending may still not."""
    for one in listed.items():
        if one.text("state") != "firing":
            continue
        alert = alerting.read(one, context, opened=one.need_time("activeAt"), closed=None)
        if alert is not None:
            yield from alerting.events(alert, context)


def _rules(data: Reader, context: Context) -> Iterator[Event]:
    """What watches models: alerting rules whose labels name one, told once a day; and what fires of all of them."""
    for group in data.items("groups"):
        for rule in group.items("rules"):
            if rule.text("type") != "alerting":
                continue
            yield from _alerts(rule.at("alerts"), context)
            at = rule.time("lastEvaluation")
            watched = alerting.read(rule, context, opened=at, closed=None) if at is not None else None
            if at is None or watched is None or rule.text("health") != "ok":
                continue
            name = rule.need("name")
            kind = watched.kind or alerting.kind_of(name)
            if not kind:
                continue
            day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            monitor = {"kind": kind, "hasLimit": True, "hasRecipient": bool(watched.severity)}
            yield openlineage.of_run(
                Type.OTHER,
                at=day,
                run=openlineage.run_id(context.namespace, "rule", group.text("file"), group.text("name"), name),
                job=context.job(name),
                inputs=[context.model(watched.model, watched.version)],
                facets={"assay_monitors": {"monitors": [monitor]}},
            )


def poll(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
    """Every rule's query as of now. A rule that is refused is told as such, and stops no other."""
    options = _options(context)
    for rule in options.rules:
        yield Page(messages=[_asked(client, rule, now)], cursor={"at": now.isoformat()})
    if options.alerts:
        found = client.get("api/v1/rules", {"type": "alert"})
        yield Page(messages=[Message(received_at=now, document=found, type="rules")], cursor={"at": now.isoformat()})


def _asked(client: Client, rule: KpiRule, now: datetime) -> Message:
    document: dict[str, Any] = {"rule": msgspec.to_builtins(rule)}
    try:
        for name, query in (("answer", rule.query), ("samples", rule.samples), ("times", rule.measured_at)):
            if query:
                document[name] = client.get("api/v1/query", {"query": query, "time": f"{now.timestamp():.3f}"})
    except Refused as error:
        document["refused"] = error.message
    return Message(received_at=now, document=document, type="query")


SYSTEM = System(
    slug="prometheus",
    title="Prometheus",
    group=Group.MONITORING,
    mechanisms=(Mechanism.POLL,),
    tested=Tested.REAL,
    options=PrometheusOptions,
    handled={
        "query": "values of a KPI by model version and segment; unknown when they are no number, too old or too few",
        "alerts": "alerts about models that fire",
        "rules": "alerting rules that watch a model, and what fires of them",
    },
    brings=frozenset({Fact.KPI, Fact.ALERT}),
    setup=(
        "Set the address of the server, whose `api/v1/query` is asked, with a bearer token or a user if it wants one. "
        "Write a rule for each KPI: its PromQL, which labels say model and version, what becomes of several series, "
        "how many samples there must be, and how old a value may be. `alerts` reads alerting rules as well; leave it "
        "off where an Alertmanager tells its alerts."
    ),
    translate=translate,
    poll=poll,
)
