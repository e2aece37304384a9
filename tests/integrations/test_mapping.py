"""A mapping that a user wrote makes facts, or says which rule and which field does not work."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Invalid
from integrations.openlineage import Event
from integrations.systems import cloudevents, documents, expressions, mapping
from integrations.systems.base import Context, Refused
from lineage import events as log
from tests.integrations import replaying

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
KPI: dict[str, Any] = {
    "fact": "kpi",
    "fields": {"model": "model", "version": "version", "kpi": "'auc'", "value": "auc"},
}


def tried(rules: Any, sample: Any) -> mapping.Tried:
    return mapping.try_mapping(rules, sample, namespace="json://test", at=AT)


def metrics(events: list[Event]) -> list[dict[str, Any]]:
    return [one for event in events for one in event["dataset"]["facets"]["assay_modelMetrics"]["metrics"]]


def test_a_document_becomes_a_kpi_an_alert_and_a_deployment() -> None:
    kpi, opened, closed, live = replaying.told(documents.SYSTEM, "scores_incidents_and_what_is_live.json")

    assert metrics([kpi]) == [
        {"name": "auc", "value": 0.91, "measuredAt": "2026-03-02T08:00:00+00:00", "sampleSize": 1200}
    ]
    assert kpi["dataset"]["facets"]["version"]["datasetVersion"] == "7"
    assert (opened["eventType"], closed["eventType"]) == ("START", "COMPLETE")
    assert closed["run"]["facets"]["assay_alerts"]["alerts"][0]["severity"] == "critical"
    assert (live["eventType"], live["job"]["name"]) == ("RUNNING", "scoring")
    assert live["run"]["facets"]["assay_deployment"]["environment"] == "production"
    assert "not-carried" not in str([kpi, opened, closed, live])


def test_cloudevents_of_every_form_are_read_alike() -> None:
    (structured,) = replaying.told(cloudevents.SYSTEM, "structured.json")
    (binary,) = replaying.told(cloudevents.SYSTEM, "binary.json")
    first, unknown = replaying.told(cloudevents.SYSTEM, "batch.json")

    assert structured == binary == first
    assert metrics([first])[0]["value"] == 0.91
    assert (metrics([unknown])[0]["name"], metrics([unknown])[0]["value"]) == ("f1", None)
    message = replaying.message(replaying.FIXTURES / "cloudevents" / "structured.json")
    assert cloudevents.SYSTEM.key_of(message) == "/monitor e-1 org.example.kpi"


def every_kind() -> list[dict[str, Any]]:
    fields = {
        "model": "'loans'", "version": "'7'", "kpi": "'auc'", "value": "`0.9`", "time": "t", "segment": "'all'",
        "samples": "`5`", "name": "'n'", "id": "'i'", "opened": "t", "closed": "t", "severity": "'high'",
        "kind": "'batch'", "environment": "'prod'", "category": "'security'", "passed": "`true`", "job": "'j'",
        "state": "'success'", "repository": "'git@x.example:a/b.git'", "commit": f"'{'a' * 40}'",
        "reads_model": "'base'", "reads_version": "'1'", "service": "'s'", "stage": "'full'", "namespace": "'s3://b'",
    }  # fmt: skip
    return [
        {"fact": name, "fields": {one: fields[one] for one in (*kind.needs, *kind.may_have)}}
        for name, kind in mapping.KINDS.items()
    ]


@pytest.mark.parametrize("rule", every_kind(), ids=lambda rule: str(rule["fact"]))
def test_every_kind_with_all_of_its_fields_is_an_event_that_the_log_takes(rule: dict[str, Any]) -> None:
    found = tried([rule], {"t": "2026-03-05T10:00:00Z"})

    assert (list(found.problems), len(found.events) > 0) == ([], True)
    for event in found.events:
        assert log.read(json.dumps(event).encode()).warnings == ()


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        ({"fact": "kpi", "fields": {"model": "m"}}, "mapping[0]", "needs the fields version, kpi, value"),
        ({**KPI, "fact": "prediction"}, "mapping[0].fact", "prediction"),
        ({**KPI, "fields": {**KPI["fields"], "price": "x"}}, "mapping[0]", "price is no field"),
        ({**KPI, "fields": {**KPI["fields"], "value": "a["}}, "mapping[0]", "fields.value"),
        ({**KPI, "when": "foo(@)"}, "mapping[0]", "when calls foo()"),
        ({**KPI, "items": "to_string(@)"}, "mapping[0]", "items calls to_string()"),
        ({**KPI, "items": "(" * 400 + "a" + ")" * 90}, "mapping[0]", "items"),
        ({**KPI, "items": "a" * 501}, "mapping[0].items", "500"),
        ({**KPI, "extra": 1}, "mapping[0]", "extra"),
        ("kpi", "mapping[0]", "str"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_place(rule: Any, place: str, words: str) -> None:
    (problem,) = tried([rule], {}).problems

    assert problem.place == place
    assert words in problem.message
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"mapping": [rule]}, mapping.MappingOptions)


@pytest.mark.parametrize(
    ("sample", "place"),
    [
        ({"version": "7", "auc": 1}, "mapping[0].fields.model"),
        ({"model": "loans", "version": {}, "auc": 1}, "mapping[0].fields.version"),
        ({"model": "loans", "version": "7"}, "mapping[0].fields.value"),
    ],
)
def test_a_sample_without_what_must_be_there_is_refused_with_the_field(sample: Any, place: str) -> None:
    found = tried([KPI], sample)

    assert (list(found.events), [problem.place for problem in found.problems]) == ([], [place])


def test_a_value_that_is_no_number_is_unknown_and_never_a_value() -> None:
    for value in ("NaN", "n/a", True, [1], float("inf")):
        (metric,) = metrics(list(tried([KPI], {"model": "m", "version": 7, "auc": value}).events))
        assert metric["value"] is None


def test_all_problems_of_a_mapping_are_told_at_once_and_what_works_is_shown() -> None:
    found = tried([{"fact": "kpi", "fields": {}}, KPI, {**KPI, "when": "["}], {"model": "m", "version": 7, "auc": 1})

    assert [problem.place for problem in found.problems] == ["mapping[0]", "mapping[2]"]
    assert metrics(list(found.events))[0]["value"] == 1.0
    assert tried({}, {}).problems[0].place == "mapping"
    assert tried([KPI] * 51, {"model": "m", "version": 7, "auc": 1}).problems[0].message.startswith("Holds more")


def test_a_connection_without_a_mapping_says_what_to_do() -> None:
    message = replaying.typed(
        documents.SYSTEM, replaying.message(replaying.FIXTURES / "json" / "scores_incidents_and_what_is_live.json")
    )

    with pytest.raises(Invalid, match="Write one"):
        documents.SYSTEM.events(message, Context(namespace="json://x", options=mapping.MappingOptions()))


def test_pointers_and_paths_find_the_same() -> None:
    document = {"a/b": {"~c": [1, {"d": "x"}]}}

    assert expressions.value("/a~1b/~0c/1/d", document, place="x") == "x"
    assert expressions.value('"a/b"."~c"[1].d', document, place="x") == "x"
    for absent in ("/a~1b/~0c/7", "/a~1b/~0c/-1", "/nothing/0", "nothing[0].x"):
        assert expressions.value(absent, document, place="x") is None


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@,@][]"] * 60),
        "a[].[b,b,b][] | " + "|".join(["[@,@,@,@][]"] * 35),
        "join('xxxxxxxxxx', a[].b)",
    ],
)
def test_an_expression_that_grows_without_end_is_stopped(expression: str) -> None:
    document = {"a": [{"b": "y" * 1_000}] * 2_000}

    with pytest.raises(Refused):
        expressions.value(expression, document, place="mapping[0].items")


@settings(deadline=None)
@given(
    expression=st.text(alphabet="abm[]{}()@*.|&!`'\"0123<>=:,- /~\\", max_size=30),
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abm"), below, max_size=3),
        max_leaves=8,
    ),
)
def test_whatever_is_written_is_read_or_refused(expression: str, document: Any) -> None:
    found = tried([{**KPI, "items": expression or "@"}, {**KPI, "when": expression}], document)

    assert all(problem.place.startswith("mapping[") for problem in found.problems)
