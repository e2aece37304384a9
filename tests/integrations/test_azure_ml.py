"""Events of Azure Machine Learning, in both of Event Grid's forms."""

import pytest

from integrations import openlineage
from integrations.openlineage import Event
from integrations.systems import azure_ml
from integrations.systems.base import Context
from tests.integrations import replaying

NAMESPACE = "azureml://bank"


def told(name: str) -> list[Event]:
    return replaying.told(azure_ml.SYSTEM, name, context=Context(namespace=NAMESPACE))


def versions(event: Event) -> list[tuple[str, str]]:
    return [(one["name"], one["facets"]["version"]["datasetVersion"]) for one in event["inputs"]]


def test_a_registered_model_is_a_version() -> None:
    (event,) = told("model_registered.json")

    assert (event["dataset"]["name"], event["eventTime"]) == ("loans", "2026-03-02T10:00:00.958410+00:00")
    assert event["dataset"]["facets"]["version"]["datasetVersion"] == "9"


def test_a_deployed_service_serves_every_model_of_its_list() -> None:
    (event,) = told("model_deployed.json")

    assert (event["eventType"], event["job"]["name"]) == ("RUNNING", "endpoint/loans-api")
    assert versions(event) == [("loans", "9"), ("rates", "2")]
    assert replaying.facets(event, "run", "facets", "assay_deployment") == {
        "kind": "online",
        "stage": "ab",
        "environment": "staging",
    }


@pytest.mark.parametrize(
    ("name", "state", "files"),
    [("run_completed.json", "COMPLETE", 1), ("run_failed.json", "FAIL", 0), ("run_queued.json", "START", 0)],
)
def test_a_run_tells_its_state_its_commit_and_its_parent(name: str, state: str, files: int) -> None:
    (event,) = told(name)

    assert (event["eventType"], event["job"]["name"], len(event["outputs"])) == (state, "train-loans", files)
    assert replaying.facets(event, "job", "facets", "sourceCodeLocation")["version"].startswith("4f2c9d1e")
    assert event["run"]["facets"]["parent"]["run"]["runId"] == openlineage.run_id(NAMESPACE, "AutoML")


def test_drift_is_a_failed_check_of_the_newer_dataset_and_an_alert() -> None:
    (event,) = told("drift.json")

    base, target = event["inputs"]
    assert (base["name"], target["name"]) == ("b-1", "t-1")
    assert target["facets"]["dataQualityAssertions"]["assertions"][0]["success"] is False
    (alert,) = event["run"]["facets"]["assay_alerts"]["alerts"]
    assert (alert["id"], alert["measured"]) == ("loans-inputs", 0.83)


def test_a_batch_is_told_event_by_event() -> None:
    registered, deployed = told("batch.json")

    assert registered["dataset"]["name"] == "loans"
    assert deployed["job"]["name"] == "endpoint/loans-api"
