"""An alarm is an alert about what its endpoint serves, or about the model that its dimensions name."""

from typing import Any

import pytest

from integrations.openlineage import Event
from integrations.systems import cloudwatch
from integrations.systems.base import Context, KnowsNothing
from tests.integrations import replaying


class Knows(KnowsNothing):
    def served(self, namespace: str, name: str) -> tuple[str, str, str] | None:
        return ("mlflow://ml", "loans", "9") if (namespace, name) == ("sagemaker://eu", "endpoint/loans") else None


def told(name: str, **options: Any) -> list[Event]:
    context = Context(namespace="cloudwatch://eu", known=Knows(), options=cloudwatch.CloudwatchOptions(**options))
    return replaying.told(cloudwatch.SYSTEM, name, context=context)


def alert(event: Event) -> dict[str, Any]:
    (found,) = event["run"]["facets"]["assay_alerts"]["alerts"]
    return dict(found)


def test_an_alarm_is_an_alert_about_what_the_endpoint_serves() -> None:
    (event,) = told("alarm.json", endpoints="sagemaker://eu", severity="page")

    assert (event["job"]["name"], event["eventTime"]) == ("loans latency", "2026-03-02T10:00:00+00:00")
    assert alert(event) == {
        "id": "loans latency",
        "kind": "service_health",
        "severity": "critical",
        "measured": 240.5,
        "limit": 200.0,
        "about": "ModelLatency",
    }
    assert (event["inputs"][0]["name"], event["inputs"][0]["facets"]["version"]["datasetVersion"]) == ("loans", "9")


def test_the_same_alert_ends_when_all_is_well() -> None:
    (event,) = told("ok.json")

    assert (alert(event)["id"], alert(event)["closedAt"]) == ("loans latency", "2026-03-02T11:00:00+00:00")


def test_without_data_nothing_is_said() -> None:
    assert told("no_data.json") == []


def test_an_alarm_by_a_topic_names_the_model_in_its_dimensions() -> None:
    (event,) = told("by_topic.json")

    assert alert(event)["limit"] == 0.8
    assert (event["inputs"][0]["name"], event["inputs"][0]["facets"]["version"]["datasetVersion"]) == ("loans", "9")


@pytest.mark.parametrize(("options", "named"), [({}, []), ({"model": "rates", "version": "2"}, ["rates"])])
def test_an_alarm_that_names_nobody_is_about_the_model_of_its_connection(
    options: dict[str, str], named: list[str]
) -> None:
    (event,) = told("alarm.json", **options)

    assert [one["name"] for one in event["inputs"]] == named
