"""Answers of Prometheus become KPIs of model versions; what is no number, too old or too few is unknown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from governance.errors import Invalid
from integrations.openlineage import Event
from integrations.systems import prometheus
from integrations.systems.base import Context, Message, Refused
from integrations.systems.prometheus import KpiRule, PrometheusOptions
from tests.integrations import replaying
from tests.integrations.recorded import Answers

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
RULE = KpiRule(kpi="auc", query="model_auc")


def connection(*rules: KpiRule, alerts: bool = False) -> Context:
    return Context(namespace="prometheus://monitoring", options=PrometheusOptions(rules=rules, alerts=alerts))


def vector(*found: tuple[Mapping[str, str], str], at: float = AT.timestamp()) -> dict[str, Any]:
    result = [{"metric": dict(labels), "value": [at, value]} for labels, value in found]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def measured(answer: Any, rule: KpiRule = RULE, **beside: Any) -> list[Event]:
    document = {"rule": msgspec.to_builtins(rule), "answer": answer, **beside}
    message = Message(received_at=AT, document=document, type="query")
    return prometheus.SYSTEM.events(message, connection(rule))


def values(events: list[Event]) -> list[float | None]:
    return [event["dataset"]["facets"]["assay_modelMetrics"]["metrics"][0]["value"] for event in events]


ONE = {"model": "loans", "version": "7"}
TWO = {"model": "loans", "version": "7", "instance": "b"}


def test_values_are_joined_by_version_and_segment_and_unknown_where_they_are_not_certain() -> None:
    events = replaying.told(prometheus.SYSTEM, "query__auc_by_region.json", context=connection())
    found = {
        one["segment"]: one for event in events for one in event["dataset"]["facets"]["assay_modelMetrics"]["metrics"]
    }

    assert {event["dataset"]["facets"]["version"]["datasetVersion"] for event in events} == {"7"}
    assert found["north"] == {
        "name": "auc",
        "value": 0.92,
        "measuredAt": "2026-11-01T11:53:20+00:00",
        "segment": "north",
        "sampleSize": 1000,
    }
    # NaN, below the smallest number of samples, and measured six days ago.
    assert {segment: one["value"] for segment, one in found.items() if segment != "north"} == {
        "south": None,
        "east": None,
        "west": None,
    }


def test_nothing_found_is_no_value() -> None:
    assert measured(vector()) == []


@pytest.mark.parametrize("word", ["NaN", "+Inf", "-Inf", "", "many"])
def test_what_is_no_number_is_unknown_and_never_a_value(word: str) -> None:
    assert values(measured(vector((ONE, word)))) == [None]
    assert values(measured(vector((ONE, "1"), (TWO, word)), msgspec.structs.replace(RULE, aggregation="mean"))) == [
        None
    ]


@pytest.mark.parametrize(
    ("aggregation", "value"), [("only", None), ("mean", 2.0), ("min", 1.0), ("max", 3.0), ("sum", 4.0)]
)
def test_several_series_are_one_value_only_if_it_is_said_how(aggregation: Any, value: float | None) -> None:
    rule = msgspec.structs.replace(RULE, aggregation=aggregation)

    assert values(measured(vector((ONE, "1"), (TWO, "3")), rule)) == [value]


def test_a_value_that_is_too_old_or_of_too_few_samples_is_unknown() -> None:
    assert values(measured(vector((ONE, "1"), at=AT.timestamp() - 3_700))) == [None]
    rule = msgspec.structs.replace(RULE, samples="n", min_samples=10)
    assert values(measured(vector((ONE, "1")), rule, samples=vector((ONE, "10")))) == [1.0]
    assert values(measured(vector((ONE, "1")), rule, samples=vector((ONE, "9")))) == [None]
    assert values(measured(vector((ONE, "1")), rule, samples=vector())) == [None]
    timed = msgspec.structs.replace(RULE, measured_at="t")
    assert values(measured(vector((ONE, "1")), timed, times=vector())) == [None]


def test_a_range_tells_each_of_its_values_at_its_time() -> None:
    result = [{"metric": ONE, "values": [[AT.timestamp() - 86_400, "0.5"], [AT.timestamp(), "0.6"]]}]
    events = measured({"status": "success", "data": {"resultType": "matrix", "result": result}})

    assert values(events) == [0.5, 0.6]
    assert [event["eventTime"] for event in events] == ["2026-10-31T12:00:00+00:00", "2026-11-01T12:00:00+00:00"]


def test_a_scalar_is_of_the_version_that_the_rule_names() -> None:
    scalar = {"status": "success", "data": {"resultType": "scalar", "result": [AT.timestamp(), "0.7"]}}
    rule = KpiRule(kpi="auc", query="scalar(x)", model="loans", version="7")

    assert values(measured(scalar, rule)) == [0.7]
    with pytest.raises(Refused, match="label"):
        measured(scalar)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error", "errorType": "bad_data", "error": "parse error"},
        {"status": "success", "data": {"resultType": "string", "result": [1, "x"]}},
        {"status": "success"},
        [],
        None,
    ],
)
def test_an_answer_without_numbers_is_refused(answer: Any) -> None:
    with pytest.raises(Refused):
        measured(answer)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"kpi": "auc", "query": ""}, "query"),
        ({"kpi": "auc", "query": "x", "model_label": ""}, "which model"),
        ({"kpi": "auc", "query": "x", "min_samples": 5}, "min_samples"),
        ({"kpi": "auc", "query": "x", "aggregation": "median"}, "aggregation"),
        ({"kpi": "auc", "query": "x", "windows": 1}, "windows"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_saved(rule: dict[str, Any], field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({"rules": [rule]}, PrometheusOptions)


def test_alerts_that_fire_and_rules_that_watch_are_told() -> None:
    context = connection()
    (fires,) = replaying.told(prometheus.SYSTEM, "alerts__one_fires.json", context=context)
    (watches,) = replaying.told(prometheus.SYSTEM, "rules__one_watches.json", context=context)

    assert (fires["eventType"], fires["job"]["name"]) == ("START", "ScoreDriftHigh")
    assert fires["run"]["facets"]["assay_alerts"]["alerts"][0]["severity"] == "critical"
    assert (watches["eventType"], watches["eventTime"]) == ("OTHER", "2026-03-05T00:00:00+00:00")
    assert replaying.facets(watches, "run", "facets", "assay_monitors") == {
        "monitors": [{"kind": "input_data", "hasLimit": True, "hasRecipient": True}]
    }


def test_every_rule_is_asked_and_a_refused_one_stops_no_other() -> None:
    rules = (
        KpiRule(kpi="auc", query="auc", samples="n", min_samples=1),
        KpiRule(kpi="bad", query="bad{"),
        KpiRule(kpi="f1", query="f1"),
    )
    client = Answers(
        {
            "auc": vector((ONE, "0.9")),
            "n": vector((ONE, "5")),
            "f1": vector((ONE, "0.8")),
            "api/v1/rules": {"status": "success", "data": {"groups": []}},
        }
    )
    context = connection(*rules, alerts=True)
    messages = [one for page in prometheus.poll(client, context, {}, AT) for one in page.messages]

    assert [one.type for one in messages] == ["query", "query", "query", "rules"]
    assert values(prometheus.SYSTEM.events(messages[0], context)) == [0.9]
    assert values(prometheus.SYSTEM.events(messages[2], context)) == [0.8]
    with pytest.raises(Invalid, match="answers 400"):
        prometheus.SYSTEM.events(messages[1], context)
