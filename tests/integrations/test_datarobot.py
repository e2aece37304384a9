"""DataRobot's notifications become deployments, and alerts by their colours."""

import pytest

from integrations.openlineage import Event
from integrations.systems import datarobot
from integrations.systems.base import Context, KnowsNothing, Message, Refused
from tests.integrations import replaying

NAMESPACE = "datarobot://app"


class Knows(KnowsNothing):
    def served(self, namespace: str, name: str) -> tuple[str, str, str] | None:
        return (NAMESPACE, "loans", "9") if name == "deployment/65d0" else None


def told(name: str) -> Event:
    (event,) = replaying.told(datarobot.SYSTEM, name, context=Context(namespace=NAMESPACE, known=Knows()))
    return event


def model(event: Event) -> tuple[str, str]:
    (found,) = event["inputs"]
    return found["name"], found["facets"]["version"]["datasetVersion"]


def test_a_deployment_serves_its_registered_model_until_it_is_deleted() -> None:
    begun, ended = told("created.json"), told("deleted.json")

    assert (begun["eventType"], begun["job"]["name"], begun["eventTime"]) == (
        "RUNNING",
        "deployment/65d0",
        "2026-03-02T10:00:00+00:00",
    )
    assert model(begun) == ("loans", "9")
    assert replaying.facets(begun, "run", "facets", "assay_deployment")["environment"] == "production"
    assert (ended["eventType"], ended["run"]["runId"]) == ("COMPLETE", begun["run"]["runId"])
    assert "somebody" not in str(begun)


def test_a_deletion_that_names_no_model_ends_what_the_deployment_is_known_to_serve() -> None:
    message = replaying.typed(datarobot.SYSTEM, replaying.message(replaying.FIXTURES / "datarobot" / "deleted.json"))
    message.document["deployment"] = {"deployment_id": "65d0"}

    (ended,) = datarobot.SYSTEM.events(message, Context(namespace=NAMESPACE, known=Knows()))

    assert ended["run"]["runId"] == told("created.json")["run"]["runId"]


def test_a_model_without_a_name_in_the_registry_is_called_by_its_id() -> None:
    event = told("replaced_by_id.json")

    assert (event["eventType"], model(event)) == ("RUNNING", ("88bb", "1"))
    assert event["run"]["runId"] != told("created.json")["run"]["runId"]


@pytest.mark.parametrize(
    ("name", "kind", "severity", "is_open"),
    [
        ("service_red.json", "service_health", "critical", True),
        ("drift_yellow.json", "input_data", "warning", True),
        ("accuracy_green.json", "model_quality", "info", False),
        ("fairness_failing.json", "bias", "critical", True),
        ("custom_green.json", "business_outcome", "info", False),
    ],
)
def test_a_colour_opens_or_ends_the_alert_of_a_health(name: str, kind: str, severity: str, is_open: bool) -> None:
    event = told(name)

    (alert,) = event["run"]["facets"]["assay_alerts"]["alerts"]
    assert (alert["kind"], alert["severity"], "closedAt" not in alert) == (kind, severity, is_open)
    assert alert["id"].startswith("deployment/65d0/")
    assert model(event) == ("loans", "9")


def test_autopilot_is_a_run_on_the_projects_dataset() -> None:
    event = told("autopilot.json")

    assert (event["job"]["name"], event["inputs"][0]["name"]) == ("project/p1/autopilot", "dataset/d1")


def test_a_notification_of_no_deployment_is_refused() -> None:
    document = {"event_type": datarobot.DELETED, "timestamp": 1772445600}
    message = Message(received_at=replaying.RECEIVED_AT, document=document, type=datarobot.DELETED)

    with pytest.raises(Refused, match="deployment_id"):
        datarobot.SYSTEM.events(message, Context(namespace=NAMESPACE))
