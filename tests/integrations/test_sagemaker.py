"""What SageMaker tells by EventBridge, in answers and in files."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from integrations import openlineage
from integrations.notices import Claim
from integrations.openlineage import Event
from integrations.systems import sagemaker
from integrations.systems.base import Context, KnowsNothing, Message, Refused
from tests.integrations import replaying

NAMESPACE = "sagemaker://eu-central-1/111122223333"
ARN = "arn:aws:sagemaker:eu-central-1:111122223333:"
EXECUTION = openlineage.run_id(NAMESPACE, f"{ARN}pipeline/train-loans/execution/ab12")


class Knows(KnowsNothing):
    def served(self, namespace: str, name: str) -> tuple[str, str, str] | None:
        return (NAMESPACE, "loans", "9") if name == "endpoint/loans" else None


def context(**options: Any) -> Context:
    return Context(namespace=NAMESPACE, known=Knows(), options=sagemaker.SagemakerOptions(**options))


def told(name: str, **options: Any) -> list[Event]:
    return replaying.told(sagemaker.SYSTEM, name, context=context(**options))


def names(event: Event, side: str) -> list[tuple[str, str]]:
    return [(one["namespace"], one["name"]) for one in event[side]]


@pytest.mark.parametrize("name", ["model_package_approved.json", "topic_model_package_approved.json"])
def test_an_approved_package_tells_its_maker_its_files_and_its_approval(name: str) -> None:
    made, approved = told(name)

    assert (made["eventType"], made["job"]["name"], made["run"]["runId"]) == (
        "OTHER",
        "pipeline/train-loans",
        EXECUTION,
    )
    assert replaying.facets(made, "job", "facets", "sourceCodeLocation")["version"].startswith("4f2c9d1e")
    (model,) = made["outputs"]
    assert (model["namespace"], model["name"]) == (NAMESPACE, "loans")
    assert model["facets"]["version"]["datasetVersion"] == "9"
    assert model["facets"]["assay_modelFiles"]["places"] == [
        {"namespace": "s3://bank", "name": "models/9/model.tar.gz"}
    ]
    assert replaying.facets(approved, "run", "facets", "assay_promotion") == {
        "id": f"{ARN}model-package/loans/9",
        "stage": "production",
        "state": "passed",
        "decidedAt": "2026-03-02T10:00:00+00:00",
        "decidedBy": "person",
    }
    assert names(approved, "inputs") == [(NAMESPACE, "loans")]


def test_an_approved_package_is_claimed_to_be_live_and_a_pending_one_is_not() -> None:
    folder = replaying.FIXTURES / "sagemaker"

    def claimed(name: str) -> list[Claim]:
        message = replaying.typed(sagemaker.SYSTEM, replaying.message(folder / name))
        return list(sagemaker.claims(message, context()))

    (claim,) = claimed("model_package_approved.json")
    assert (claim.model, claim.version, claim.stage) == ("loans", "9", "production")
    assert claimed("queue_model_package_pending.json") == []
    assert claimed("pipeline_succeeded.json") == []


def test_a_pending_package_out_of_a_queue_is_a_version_without_a_verdict() -> None:
    (event,) = told("queue_model_package_pending.json")

    assert event["dataset"]["facets"]["version"]["datasetVersion"] == "9"


def test_a_described_package_tells_its_rejection() -> None:
    _, verdict = told("describe_model_package.json")

    assert replaying.facets(verdict, "run", "facets", "assay_promotion")["state"] == "blocked"
    assert verdict["eventTime"] == "2026-03-03T10:00:00.052000+00:00"


def test_a_described_card_is_read_in_the_sections_of_a_model_card() -> None:
    (event,) = told("describe_model_card.json")

    assert (event["dataset"]["name"], event["dataset"]["facets"]["version"]["datasetVersion"]) == ("loans", "9")
    assert replaying.facets(event, "dataset", "facets", "assay_modelCard") == {
        "intendedUse": "Ranks applications.",
        "factors": "Age of the data.",
        "ethicalConsiderations": "Not for the under-aged.",
    }
    metrics = replaying.facets(event, "dataset", "facets", "assay_modelMetrics")["metrics"]
    assert metrics == [{"name": "auc", "value": 0.91}]


def test_an_execution_of_a_pipeline_is_a_run() -> None:
    start, end = told("pipeline_succeeded.json")

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T08:00:00+00:00")
    assert (end["eventType"], end["eventTime"], end["run"]["runId"]) == (
        "COMPLETE",
        "2026-03-02T09:59:00+00:00",
        EXECUTION,
    )


def test_a_step_stands_below_its_execution_and_above_the_job_that_it_started() -> None:
    child, start, end = told("step_training.json")

    assert (end["eventType"], end["job"]["name"]) == ("FAIL", "pipeline/train-loans.Fit")
    assert end["run"]["facets"]["parent"]["run"]["runId"] == EXECUTION
    assert child["job"]["name"] == "training-job/Fit"
    assert child["run"]["facets"]["parent"]["run"]["runId"] == start["run"]["runId"] == end["run"]["runId"]


def test_a_step_that_registered_a_package_made_it() -> None:
    *_, end = told("step_register.json")

    assert names(end, "outputs") == [(NAMESPACE, "loans")]
    assert end["outputs"][0]["facets"]["version"]["datasetVersion"] == "9"


def test_a_training_job_tells_parameters_image_and_files_with_times_in_milliseconds() -> None:
    start, end = told("training_job_completed.json")

    assert end["job"]["name"] == "training-job/fit"
    assert (start["eventTime"], end["eventTime"]) == ("2026-03-02T08:11:00+00:00", "2026-03-02T08:50:00+00:00")
    assert replaying.facets(end, "run", "facets", "assay_trainingParameters") == {"parameters": {"eta": "0.1"}}
    assert replaying.facets(end, "run", "facets", "assay_environment") == {"image": "img@sha256:ab"}
    assert names(end, "inputs") == [("s3://lake", "loans/train")]
    assert names(end, "outputs") == [("s3://bank", "out/model.tar.gz")]


@pytest.mark.parametrize(
    ("name", "state", "inputs", "outputs"),
    [
        ("processing_job_failed.json", "FAIL", [("s3://lake", "raw")], []),
        ("transform_job_completed.json", "COMPLETE", [("s3://lake", "today")], [("s3://lake", "scores")]),
        ("tuning_job_stopped.json", "ABORT", [], []),
    ],
)
def test_other_jobs_are_runs_with_what_they_read_and_wrote(
    name: str, state: str, inputs: list[Any], outputs: list[Any]
) -> None:
    *_, end = told(name)

    assert (end["eventType"], names(end, "inputs"), names(end, "outputs")) == (state, inputs, outputs)


def test_a_search_tells_its_trials() -> None:
    *_, end = told("tuning_job_stopped.json")

    assert replaying.facets(end, "run", "facets", "assay_run") == {"trials": 8}


def test_an_endpoint_serves_what_its_tags_say() -> None:
    (event,) = told("endpoint_in_service.json")

    assert (event["eventType"], event["job"]["name"]) == ("RUNNING", "endpoint/loans")
    assert replaying.facets(event, "job", "facets", "jobType")["processingType"] == "SERVICE"
    assert replaying.facets(event, "run", "facets", "assay_deployment") == {
        "kind": "online",
        "stage": "full",
        "environment": "production",
    }
    assert event["inputs"][0]["facets"]["version"]["datasetVersion"] == "9"


def test_a_feature_group_is_a_dataset_with_its_features() -> None:
    (event,) = told("feature_group_created.json")

    facets = event["dataset"]["facets"]
    assert event["dataset"]["name"] == "feature-group/applicants"
    assert facets["datasetType"]["datasetType"] == "FEATURE_VIEW"
    assert facets["schema"]["fields"] == [{"name": "age", "type": "Integral"}]
    assert facets["symlinks"]["identifiers"][0]["name"] == "features/applicants"


def test_violations_are_failed_tests_and_alerts_about_what_the_endpoint_serves() -> None:
    (event,) = told("constraint_violations__of_bias.json", endpoint="loans")

    assert event["job"]["name"] == "endpoint/loans.monitor"
    assert names(event, "inputs") == [(NAMESPACE, "loans")]
    bias, data, quality = event["run"]["facets"]["assay_alerts"]["alerts"]
    assert bias == {
        "id": "endpoint/loans/bias_drift_check DPPL age=40",
        "kind": "bias",
        "severity": "warning",
        "measured": -0.08,
        "about": "age=40",
    }
    assert (data["kind"], data["measured"], data["limit"]) == ("input_data", 0.97, 1.0)
    assert quality["kind"] == "model_quality"
    results = event["run"]["facets"]["assay_testResults"]["results"]
    assert [(one["category"], one["outcome"]) for one in results] == [
        ("fairness", "failed"),
        ("data-quality", "failed"),
        ("model-quality", "failed"),
    ]


def test_files_of_monitors_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    folder = replaying.FIXTURES / "sagemaker"
    for name in ("constraint_violations__of_bias.json", "describe_model_package.json", "pipeline_succeeded.json"):
        shutil.copy(folder / name, tmp_path)

    found = [message.type for message in sagemaker.read_files(tmp_path, replaying.RECEIVED_AT)]

    assert found == [sagemaker.VIOLATIONS, sagemaker.DESCRIBED_PACKAGE, sagemaker.PIPELINE]


def test_a_card_whose_content_is_no_json_is_refused() -> None:
    message = Message(
        received_at=replaying.RECEIVED_AT,
        document={"ModelCardName": "a", "Content": "{"},
        type=sagemaker.DESCRIBED_CARD,
    )

    with pytest.raises(Refused, match="Content"):
        sagemaker.SYSTEM.events(message, context())
