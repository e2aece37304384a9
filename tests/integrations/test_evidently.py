"""Evidently's reports, in all three forms, become metrics, results of tests and alerts of drift."""

import pytest

from integrations.openlineage import Event
from integrations.systems import evidently
from integrations.systems.base import Context, Message, Refused
from integrations.systems.uploads import UploadOptions
from tests.integrations import replaying

CONTEXT = Context(namespace="evidently://jobs", options=UploadOptions())


def told(name: str) -> Event:
    [event] = replaying.told(evidently.SYSTEM, name, context=CONTEXT)
    return event


def measured(event: Event) -> dict[str, float]:
    return {one["name"]: one["value"] for one in event["inputs"][0]["facets"]["assay_modelMetrics"]["metrics"]}


def test_a_report_measures_the_model_and_says_which_tests_it_passed() -> None:
    event = told("report.json")

    model, data = event["inputs"]
    assert (model["namespace"], model["name"]) == ("mlflow://ml.example", "churn")
    assert (data["namespace"], data["name"]) == ("s3://lake", "today")
    assert measured(event) == {
        "roc_auc": 0.88,
        "drifted_columns_count.count": 2.0,
        "drifted_columns_count.share": 0.4,
        "value_drift.age": 0.001,
    }
    results = event["run"]["facets"]["assay_testResults"]["results"]
    assert [(one["category"], one["outcome"], one.get("blocking", True)) for one in results] == [
        ("drift", "failed", True),
        ("model.quality", "passed", True),
        ("data.values", "skipped", True),
        ("model.quality", "failed", False),
    ]
    [alert] = event["run"]["facets"]["assay_alerts"]["alerts"]
    assert (alert["kind"], alert["openedAt"]) == ("input_data", "2026-03-02T08:00:00+00:00")


def test_a_suite_without_drift_ends_the_alert() -> None:
    event = told("legacy_suite.json")

    assert event["eventTime"] == "2026-03-01T08:00:00.500000+00:00"
    assert event["inputs"][0]["name"] == "today"
    [alert] = event["run"]["facets"]["assay_alerts"]["alerts"]
    assert alert["closedAt"] == "2026-03-01T08:00:00.500000+00:00"
    assert "openedAt" not in alert


def test_an_older_report_is_read_for_the_current_data() -> None:
    assert measured(told("legacy_report.json")) == {
        "dataset_drift_metric.share_of_drifted_columns": 0.25,
        "accuracy": 0.9,
        "f1": 0.8,
    }


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"metrics": [{"value": 1}]}, "model"),
        ({"model": {"name": "churn"}, "report": {"metrics": [{"value": 1}]}}, "model.version"),
    ],
)
def test_a_report_of_nothing_is_refused(document: object, field: str) -> None:
    message = replaying.typed(evidently.SYSTEM, Message(received_at=replaying.RECEIVED_AT, document=document))

    with pytest.raises(Refused) as refusal:
        evidently.SYSTEM.events(message, CONTEXT)

    assert list(refusal.value.fields) == [field]
