"""Grafana's alerts become alerts about model versions, with the KPI that raised them."""

from typing import Any

import pytest

from governance.errors import Invalid
from integrations.openlineage import Event
from integrations.systems import grafana
from integrations.systems.base import Context, Message
from tests.integrations import replaying

CONTEXT = Context(namespace="grafana://monitoring", options=grafana.GrafanaOptions())


def told(name: str, context: Context = CONTEXT) -> list[Event]:
    return replaying.told(grafana.SYSTEM, f"{name}.json", context=context)


def metrics_of(event: Event) -> list[dict[str, Any]]:
    return list(event["inputs"][0]["facets"].get("assay_modelMetrics", {"metrics": []})["metrics"])


def test_an_alert_that_fires_brings_the_value_of_its_kpi() -> None:
    (fires,) = told("alert_fires_with_values")

    assert (fires["eventType"], fires["eventTime"]) == ("START", "2026-03-05T09:00:00.157076+00:00")
    assert fires["job"]["name"] == "Accuracy too low"
    assert metrics_of(fires) == [
        {"name": "accuracy", "value": 0.71, "measuredAt": "2026-03-05T09:00:00.157076+00:00"},
    ]
    assert fires["run"]["facets"]["assay_alerts"]["alerts"][0]["kind"] == "model_quality"
    assert "not-carried" not in str(fires)


def test_which_value_is_which_kpi_can_be_named() -> None:
    options = grafana.GrafanaOptions(value="A", values={"B": "reduced"})
    (fires,) = told("alert_fires_with_values", Context(namespace="grafana://monitoring", options=options))

    assert [(one["name"], one["value"]) for one in metrics_of(fires)] == [("accuracy", 0.7), ("reduced", 0.71)]


def test_the_end_is_of_the_same_run_and_tells_no_value() -> None:
    fires = told("alert_fires_with_values")[0]
    began, ended = told("alert_is_resolved")

    assert began["run"]["runId"] == ended["run"]["runId"] == fires["run"]["runId"]
    assert (ended["eventType"], metrics_of(began), metrics_of(ended)) == ("COMPLETE", [], [])


def test_the_test_of_a_contact_point_brings_nothing() -> None:
    message = replaying.message(replaying.FIXTURES / "grafana" / "test_of_the_contact_point.json")

    assert grafana.type_of(message) == "test"
    assert "test" in grafana.SYSTEM.ignored


def test_alertmanagers_form_and_others_are_refused() -> None:
    for document in ({"version": "4", "alerts": []}, {"version": "1", "alerts": []}, {"text": "own template"}):
        with pytest.raises(Invalid, match="payload"):
            grafana.type_of(Message(received_at=replaying.RECEIVED_AT, document=document))
