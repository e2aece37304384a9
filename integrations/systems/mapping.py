"""Mappings that users write: from a document of any form to facts of ours. Pure.

A mapping is a list of rules. Each takes items of the document, and says of each what kind of fact it is and where its
fields stand, as JMESPath or as a JSON Pointer. A text of its own stands in quotes: `'loans'`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Type
from integrations.systems import alerting, codehosts, expressions, vocabulary
from integrations.systems.base import Context, Message, Options, Refused
from integrations.systems.reading import Reader

MAX_RULES = 50
MAX_FACTS = 10_000

Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=expressions.MAX_CHARS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of fact: the fields it cannot do without, and those that it may have."""

    needs: tuple[str, ...]
    may_have: tuple[str, ...]
    meaning: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "kpi": Kind(
            needs=("model", "version", "kpi", "value"),
            may_have=("time", "segment", "samples"),
            meaning="a value of a KPI of a model version; a value that is no number is unknown",
        ),
        "alert": Kind(
            needs=("model", "name", "id", "opened"),
            may_have=("version", "closed", "severity", "kind", "environment"),
            meaning="an alert about a model, open until it has a time in `closed`",
        ),
        "test": Kind(
            needs=("model", "version", "category", "passed"),
            may_have=("name", "time"),
            meaning="the result of a test of a model version",
        ),
        "run": Kind(
            needs=("job", "id", "state"),
            may_have=("time", "repository", "commit", "model", "version", "reads_model", "reads_version"),
            meaning="a run of a job: what it came to, its commit, and the model versions it wrote and read",
        ),
        "deployment": Kind(
            needs=("service", "id", "model", "version"),
            may_have=("state", "time", "environment", "kind", "stage", "repository", "commit"),
            meaning="a model version in service, until another takes its place or `state` is over",
        ),
        "model_version": Kind(
            needs=("model", "version"),
            may_have=("time",),
            meaning="that a version of a model exists",
        ),
        "dataset": Kind(
            needs=("namespace", "name"),
            may_have=("version", "time"),
            meaning="that a dataset, or a version of it, exists",
        ),
    }
)
FactKind = Literal["kpi", "alert", "test", "run", "deployment", "model_version", "dataset"]


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One rule. `items`: where the items stand, one or a list of them; the whole document by default.

    `when`: is worked out of each item, and only what it is true of counts. `fields`: of each item.
    """

    fact: FactKind
    fields: dict[str, Expression]
    items: Expression = "@"
    when: str = ""

    def __post_init__(self) -> None:
        kind = KINDS[self.fact]
        if lacking := [name for name in kind.needs if name not in self.fields]:
            raise ValueError(f"a fact of the kind {self.fact} needs the fields {', '.join(lacking)}")
        if strange := sorted(set(self.fields) - {*kind.needs, *kind.may_have}):
            known = ", ".join((*kind.needs, *kind.may_have))
            raise ValueError(f"{strange[0]} is no field of the kind {self.fact}, which has {known}")
        placed = [("items", self.items), *([("when", self.when)] if self.when else [])]
        placed += [(f"fields.{name}", text) for name, text in self.fields.items()]
        for place, expression in placed:
            try:
                expressions.check(expression)
            except ValueError as error:
                raise ValueError(f"{place} {error}") from None


class MappingOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`mapping`: the rules. Every one that fits counts."""

    mapping: Annotated[list[Rule], msgspec.Meta(max_length=MAX_RULES)] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and where: in a rule of the mapping, or in the item that it was tried on."""

    place: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a mapping makes of a sample. With problems it would make nothing."""

    events: Sequence[Event]
    problems: Sequence[Problem]


def try_mapping(mapping: Any, sample: Any, *, namespace: str, at: datetime) -> Tried:
    """What a mapping, as the user wrote it, makes of a sample document that came `at`. Every problem is told."""
    listed = mapping if isinstance(mapping, list) else None
    if listed is None:
        return Tried(events=(), problems=(Problem(place="mapping", message="Is not a list of rules."),))
    rules: list[tuple[int, Rule]] = []
    problems: list[Problem] = []
    for place, one in enumerate(listed[:MAX_RULES]):
        try:
            rules.append((place, msgspec.convert(one, Rule)))
        except msgspec.ValidationError as error:
            problem, _, where = str(error).partition(" - at `")
            path = where.rstrip("`").removeprefix("$")
            problems.append(Problem(place=f"mapping[{place}]{path}", message=f"{problem}."))
    if len(listed) > MAX_RULES:
        problems.append(Problem(place="mapping", message=f"Holds more than {MAX_RULES} rules."))
    context = Context(namespace=namespace, options=MappingOptions(mapping=[rule for _, rule in rules]))
    events: list[Event] = []
    for place, rule in rules:
        try:
            events += _events(rule, place, sample, context, at)
        except Refused as error:
            problems.append(Problem(place=next(iter(error.fields), f"mapping[{place}]"), message=error.message))
    return Tried(events=events, problems=problems)


def translate(document: Any, message: Message, context: Context) -> Iterator[Event]:
    """The facts of a document by the mapping of the connection. Raises Refused."""
    rules = context.options.mapping if isinstance(context.options, MappingOptions) else []
    if not rules:
        raise Refused("mapping", "The connection has no mapping yet. Write one, and try it on this delivery.")
    for place, rule in enumerate(rules):
        yield from _events(rule, place, document, context, message.received_at)


def _events(rule: Rule, place: int, document: Any, context: Context, at: datetime) -> Iterator[Event]:
    where = f"mapping[{place}]"
    found = expressions.value(rule.items, document, place=f"{where}.items")
    items = found if isinstance(found, list) else [] if found is None else [found]
    if len(items) > MAX_FACTS:
        raise Refused(f"{where}.items", f"gives more than {MAX_FACTS:,} items.")
    for number, item in enumerate(items):
        if rule.when and not expressions.value(rule.when, item, place=f"{where}.when"):
            continue
        values = {
            name: expressions.value(expression, item, place=f"{where}.fields.{name}")
            for name, expression in rule.fields.items()
        }
        yield from _FACTS[rule.fact](_Item(Reader(values), where, number), context, at)


@dataclass(frozen=True, slots=True)
class _Item:
    """The fields of one item, with the place to name when one is not what it must be."""

    said: Reader
    where: str
    number: int

    def need(self, name: str) -> str:
        if text := self.said.text(name):
            return text
        raise self.refused(name, "gives no text")

    def time(self, name: str, otherwise: datetime) -> datetime:
        """When the field gives nothing, the other time; when it gives what is no time, that is a mistake."""
        if self.said.at(name).value in (None, ""):
            return otherwise
        return self.need_time(name)

    def need_time(self, name: str) -> datetime:
        if (found := self.said.time(name)) is not None:
            return found
        raise self.refused(name, "gives no time")

    def refused(self, name: str, problem: str) -> Refused:
        return Refused(f"{self.where}.fields.{name}", f"{problem} in item {self.number}.")


def _model(item: _Item, context: Context, model: str = "model", version: str = "version") -> Dataset:
    return context.model(item.need(model), item.need(version))


def _kpi(item: _Item, context: Context, at: datetime) -> Iterator[Event]:
    if item.said.at("value").value is None:
        raise item.refused("value", "gives nothing")
    measured = item.time("time", at)
    metric: dict[str, Any] = {
        "name": item.need("kpi")[:200],
        "value": item.said.number("value"),
        "measuredAt": measured.isoformat(),
    }
    if segment := item.said.text("segment"):
        metric["segment"] = segment[:200]
    if (samples := item.said.count("samples")) is not None:
        metric["sampleSize"] = samples
    model = _model(item, context).saying(assay_modelMetrics={"metrics": [metric]})
    yield openlineage.of_dataset(model, at=measured)


def _alert(item: _Item, context: Context, at: datetime) -> Iterator[Event]:
    said = item.said
    alert = alerting.Alert(
        fingerprint=item.need("id"),
        name=item.need("name"),
        model=item.need("model"),
        version=said.text("version"),
        kind=said.text("kind"),
        severity=vocabulary.severity(said.text("severity")),
        environment=vocabulary.environment(said.text("environment")),
        opened=item.need_time("opened"),
        closed=item.need_time("closed") if said.text("closed") else None,
    )
    yield from alerting.events(alert, context)


def _test(item: _Item, context: Context, at: datetime) -> Iterator[Event]:
    passed = item.said.flag("passed")
    if passed is None:
        raise item.refused("passed", "gives neither true nor false")
    category = item.need("category")[:200]
    result = codehosts.test_result(category, item.said.text("name") or category, passed=passed)
    performed = item.time("time", at)
    told = {"results": [result], "performedAt": performed.isoformat()}
    yield openlineage.of_dataset(_model(item, context).saying(assay_testResults=told), at=performed)


def _run(item: _Item, context: Context, at: datetime) -> Iterator[Event]:
    said, state = item.said, item.need("state").lower()
    type = vocabulary.end(state) or {"started": Type.START, "running": Type.RUNNING}.get(state, Type.OTHER)
    job = context.job(item.need("job")).built_from(said.text("repository"), codehosts.sha(said.text("commit")))
    yield openlineage.of_run(
        type,
        at=item.time("time", at),
        run=openlineage.run_id(context.namespace, item.need("id")),
        job=job,
        inputs=[_model(item, context, "reads_model", "reads_version")] if said.at("reads_model") else [],
        outputs=[_model(item, context)] if said.at("model") else [],
    )


def _deployment(item: _Item, context: Context, at: datetime) -> Iterator[Event]:
    said = item.said
    over = vocabulary.end(said.text("state")) or (Type.COMPLETE if said.text("state").lower() == "over" else None)
    live = said.text("state").lower() in ("", "live", "running", "success", "succeeded", "ready")
    service = item.need("service")
    yield codehosts.deployed(
        context.job(service).built_from(said.text("repository"), codehosts.sha(said.text("commit"))),
        run=openlineage.run_id(context.namespace, "deployment", service, item.need("id")),
        at=item.time("time", at),
        state=Type.RUNNING if live else over or Type.OTHER,
        environment=vocabulary.environment(said.text("environment")),
        model=_model(item, context),
        said=said,
    )


def _model_version(item: _Item, context: Context, at: datetime) -> Iterator[Event]:
    yield openlineage.of_dataset(_model(item, context), at=item.time("time", at))


def _dataset(item: _Item, context: Context, at: datetime) -> Iterator[Event]:
    dataset = Dataset(item.need("namespace"), item.need("name")).at(item.said.text("version"))
    yield openlineage.of_dataset(dataset, at=item.time("time", at))


_FACTS: Mapping[str, Callable[[_Item, Context, datetime], Iterator[Event]]] = MappingProxyType(
    {
        "kpi": _kpi,
        "alert": _alert,
        "test": _test,
        "run": _run,
        "deployment": _deployment,
        "model_version": _model_version,
        "dataset": _dataset,
    }
)
