"""What Seldon Core deploys, of both generations; its request log, and what its detectors find."""

from typing import Any

import pytest

from integrations import openlineage
from integrations.openlineage import Event
from integrations.systems import seldon
from integrations.systems.base import Context, KnowsNothing, Message, Refused
from tests.integrations import replaying

NAMESPACE = "seldon://cluster"


class Knows(KnowsNothing):
    """Which version two deployments serve."""

    def served(self, namespace: str, name: str) -> tuple[str, str, str] | None:
        versions = {"bank/loans-a": "8", "bank/loans-b": "9", "bank/loans": "7"}
        return ("mlflow://ml", "loans", versions[name]) if name in versions else None


def told(name: str, **options: Any) -> list[Event]:
    context = Context(namespace=NAMESPACE, known=Knows(), options=seldon.SeldonOptions(**options))
    return replaying.told(seldon.SYSTEM, name, context=context)


def deployment(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = replaying.facets(event, "run", "facets", "assay_deployment")
    return found


def versions(event: Event) -> list[str]:
    return [one["facets"]["version"]["datasetVersion"] for one in event["inputs"]]


def test_each_predictor_is_a_run_with_its_part_of_the_traffic() -> None:
    before, main, _, canary, _, shadow = told("v1_canary.json")

    assert [one["eventType"] for one in (before, main, canary, shadow)] == ["COMPLETE", "RUNNING", "RUNNING", "RUNNING"]
    assert {one["job"]["name"] for one in (before, main, canary, shadow)} == {"bank/loans"}
    assert deployment(main) == {"kind": "online", "environment": "production", "stage": "full", "traffic": 0.75}
    assert (deployment(canary)["stage"], deployment(canary)["traffic"]) == ("canary", 0.25)
    assert deployment(shadow)["stage"] == "shadow"
    assert [(one["namespace"], one["name"]) for one in main["inputs"]] == [
        ("gs://bank", "models/loans/7"),
        ("s3://bank", "models/outlier/2"),
    ]


def test_a_model_of_the_second_generation_serves_the_version_on_its_label() -> None:
    (event,) = told("v2_model.json")

    assert (event["eventType"], event["eventTime"]) == ("RUNNING", "2026-03-02T09:04:00+00:00")
    assert (event["inputs"][0]["name"], versions(event)) == ("loans", ["9"])


def test_a_model_that_cannot_load_is_a_failed_run() -> None:
    (event,) = told("v2_model_failed.json")

    assert event["eventType"] == "FAIL"
    assert event["run"]["facets"]["errorMessage"]["message"] == "ModelFailed"


def test_a_pipeline_serves_what_its_steps_serve() -> None:
    (event,) = told("v2_pipeline.json")

    assert event["job"]["name"] == "bank/pipeline/score"
    assert deployment(event)["steps"] == ["prepare", "loans-b"]
    assert versions(event) == ["9"]


def test_an_experiment_splits_traffic_between_versions() -> None:
    (event,) = told("v2_experiment.json")

    assert deployment(event) == {
        "kind": "online",
        "stage": "ab",
        "shares": {"loans-a": 0.75, "loans-b": 0.25},
        "mirror": "loans-c",
    }
    assert versions(event) == ["8", "9"]


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("log_request.json", {"count": 1}),
        ("log_response.json", {"count": 1}),
        ("log_feedback.json", {"count": 0, "feedback": 1}),
    ],
)
def test_a_step_that_comes_alone_is_counted(name: str, samples: dict[str, int]) -> None:
    (event,) = told(name)

    assert replaying.facets(event, "run", "facets", "assay_decisionSamples") == samples
    assert event["run"]["runId"] == openlineage.run_id(NAMESPACE, "bank/loans", "requests", "2026-03-02")


def test_the_steps_of_a_decision_are_joined_by_the_id_of_the_request() -> None:
    folder = replaying.FIXTURES / "seldon"
    steps = [replaying.message(folder / f"log_{one}.json") for one in ("request", "response", "feedback")]
    assert seldon.SYSTEM.gather is not None

    (gathered,) = seldon.SYSTEM.gather(steps)

    assert gathered.type == "decisions"
    assert {key: gathered.document[key] for key in ("service", "count", "answered", "feedback")} == {
        "service": "bank/loans",
        "count": 1,
        "answered": 1,
        "feedback": 1,
    }
    assert gathered.document["latencyMs"]["p50"] == 250.0


def alerts(event: Event) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = event["run"]["facets"]["assay_alerts"]["alerts"]
    return found


def test_drift_is_an_alert_for_the_whole_and_for_each_column_about_the_version_that_is_served() -> None:
    (event,) = told("drift.json", features=("age",))

    whole, age, other = alerts(event)
    assert whole == {"id": "bank/loans.KSDrift", "kind": "drift", "severity": "warning", "limit": 0.025}
    assert (age["id"], age["about"], age["measured"]) == ("bank/loans.KSDrift/age", "age", 1e-9)
    assert (other["about"], other["closedAt"]) == ("feature 1", "2026-03-02T12:00:00+00:00")
    assert "closedAt" not in age
    assert (event["inputs"][0]["name"], versions(event)) == ("loans", ["7"])
    assert event["run"]["facets"]["assay_monitors"]["monitors"] == [{"kind": "input_data", "hasLimit": True}]


def test_a_batch_without_drift_ends_the_alert() -> None:
    (event,) = told("drift_over.json")

    assert [(one["closedAt"], one["measured"]) for one in alerts(event)] == [("2026-03-02T13:00:00+00:00", 0.4)]


def test_a_detector_that_tells_drift_by_column_is_read_by_column() -> None:
    (event,) = told("drift_by_feature.json", features=("age", "income"))

    assert [(one["about"], "closedAt" in one) for one in alerts(event)] == [("age", False), ("income", True)]


def test_outliers_are_told_by_their_share_and_never_by_row() -> None:
    (event,) = told("outlier.json")

    assert [(one["kind"], one["measured"]) for one in alerts(event)] == [("outlier", 0.25)]


def test_a_finding_without_a_result_is_refused() -> None:
    message = Message(received_at=replaying.RECEIVED_AT, document={"data": {}}, type=seldon.DRIFT)

    with pytest.raises(Refused, match="is_drift"):
        seldon.SYSTEM.events(message, Context(namespace=NAMESPACE))
