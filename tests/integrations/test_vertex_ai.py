"""Log entries of Vertex AI, pushed by Pub/Sub or as they are."""

from typing import Any

import pytest

from integrations import openlineage
from integrations.openlineage import Event
from integrations.systems import vertex_ai
from integrations.systems.base import Context, KnowsNothing
from tests.integrations import replaying

NAMESPACE = "vertexai://bank/europe-west3"
RUN = openlineage.run_id(NAMESPACE, "pipelineJob", "train-loans-20260302095900")


class Knows(KnowsNothing):
    def served(self, namespace: str, name: str) -> tuple[str, str, str] | None:
        return (NAMESPACE, "loans", "9") if name == "endpoint/555" else None


def told(name: str, **options: Any) -> list[Event]:
    context = Context(namespace=NAMESPACE, known=Knows(), options=vertex_ai.VertexOptions(**options))
    return replaying.told(vertex_ai.SYSTEM, name, context=context)


def test_a_pipeline_out_of_the_envelope_is_a_run_of_its_name() -> None:
    (event,) = told("pipeline_succeeded.json")

    assert (event["eventType"], event["job"]["name"], event["run"]["runId"]) == (
        "COMPLETE",
        "pipeline/train-loans",
        RUN,
    )


def test_a_task_stands_below_its_pipeline() -> None:
    (event,) = told("task_failed.json")

    assert (event["eventType"], event["job"]["name"]) == ("FAIL", "pipeline/train-loans.fit")
    assert event["run"]["facets"]["parent"]["run"]["runId"] == RUN


def test_a_created_pipeline_job_starts_the_same_run_with_its_parameters() -> None:
    (event,) = told("create_pipeline_job.json")

    assert (event["eventType"], event["run"]["runId"]) == ("START", RUN)
    parameters = replaying.facets(event, "run", "facets", "assay_trainingParameters")["parameters"]
    assert parameters == {"eta": 0.1, "depth": 6}
    assert replaying.facets(event, "run", "facets", "assay_run") == {"trigger": "schedule"}
    assert "somebody" not in str(event)


def test_an_uploaded_model_is_a_version_by_its_name_also_known_by_its_number() -> None:
    (event,) = told("upload_done.json")

    facets = event["dataset"]["facets"]
    assert (event["dataset"]["name"], facets["version"]["datasetVersion"]) == ("loans", "9")
    assert facets["assay_modelFiles"]["places"] == [{"namespace": "gs://bank", "name": "models/loans/9"}]
    assert facets["symlinks"]["identifiers"][0]["name"] == "123"


@pytest.mark.parametrize("name", ["upload_begun.json", "deploy_failed.json"])
def test_what_is_only_begun_or_failed_brings_nothing(name: str) -> None:
    assert told(name) == []


def test_a_deployed_model_is_a_run_of_its_endpoint_until_it_is_undeployed() -> None:
    (begun,), (ended,) = told("deploy.json"), told("undeploy.json")

    assert (begun["eventType"], begun["job"]["name"]) == ("RUNNING", "endpoint/555")
    assert replaying.facets(begun, "run", "facets", "assay_deployment") == {
        "kind": "online",
        "stage": "canary",
        "traffic": 0.1,
    }
    assert (begun["inputs"][0]["name"], begun["inputs"][0]["facets"]["version"]["datasetVersion"]) == ("123", "9")
    assert (ended["eventType"], ended["run"]["runId"]) == ("COMPLETE", begun["run"]["runId"])


def test_anomalies_are_alerts_about_what_the_endpoint_serves() -> None:
    (event,) = told("anomalies.json")

    age, income = event["run"]["facets"]["assay_alerts"]["alerts"]
    assert age == {
        "id": "668/RAW_FEATURE_SKEW/age",
        "kind": "skew",
        "severity": "warning",
        "measured": 0.9,
        "limit": 0.7,
        "about": "age",
    }
    assert income["about"] == "income"
    assert event["inputs"][0]["facets"]["version"]["datasetVersion"] == "9"


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("get_model.json", vertex_ai.READ),
        ("another_service.json", vertex_ai.OTHER),
        ("no_json.json", vertex_ai.NOTHING_READABLE),
    ],
)
def test_other_entries_are_passed_over_by_their_reason(name: str, type: str) -> None:
    message = replaying.message(replaying.FIXTURES / "vertex_ai" / name)

    assert vertex_ai.type_of(message) == type
    assert type in vertex_ai.SYSTEM.ignored
