"""Reports on fairness, explanations, privacy and of other monitors become what the gate can read of a model version."""

from typing import Any

import pytest

from integrations.openlineage import Event
from integrations.systems import BY_SLUG
from integrations.systems.base import Context, Message, Refused
from integrations.systems.uploads import UploadOptions
from tests.integrations import replaying


def told(slug: str, name: str) -> Event:
    context = Context(namespace=f"{slug}://test", options=UploadOptions())
    [event] = replaying.told(BY_SLUG[slug], name, context=context)
    return event


def metrics(event: Event) -> dict[tuple[str, str], float | None]:
    model = event["inputs"][0]
    assert (model["name"], model["facets"]["version"]["datasetVersion"]) == ("churn", "4")
    found = model["facets"]["assay_modelMetrics"]["metrics"]
    return {(one["name"], one.get("segment", "")): one["value"] for one in found}


def test_a_metric_frame_measures_the_model_and_each_group() -> None:
    event = told("fairlearn", "frame.json")

    assert metrics(event) == {
        ("accuracy", ""): 0.9,
        ("accuracy", "F"): 0.85,
        ("accuracy", "M"): 0.95,
        ("accuracy_difference", ""): 0.1,
        ("accuracy_ratio", ""): None,
        ("demographic_parity_difference", ""): 0.02,
        ("equalized_odds_difference", ""): 0.05,
    }
    first = event["inputs"][0]["facets"]["assay_modelMetrics"]["metrics"][0]
    assert first["measuredAt"] == event["eventTime"] == "2026-03-02T08:00:00+00:00"
    assert first["dataset"] == {"namespace": "s3://lake", "name": "holdout", "version": "d2"}


def test_a_table_of_groups_has_all_words_of_a_group() -> None:
    assert metrics(told("fairlearn", "groups.json")) == {
        ("accuracy", "F, young"): 0.85,
        ("recall", "F, young"): None,
        ("accuracy", "M, old"): 0.95,
        ("recall", "M, old"): 0.9,
    }


def test_attributions_are_sizes_and_shares_and_no_row_of_a_person() -> None:
    event = told("shap_values", "explanation.json")

    assert metrics(event) == {
        ("mean_abs_shap", "age"): 1.0,
        ("mean_abs_shap", "amount"): 3.0,
        ("shap_share", "age"): 0.25,
        ("shap_share", "amount"): 0.75,
    }
    assert event["inputs"][0]["facets"]["assay_modelMetrics"]["metrics"][0]["sampleSize"] == 400
    assert "values_first3" not in str(event)
    # Of a class that no feature moves there are no shares.
    assert metrics(told("shap_values", "of_classes.json")) == {
        ("mean_abs_shap", "yes: age"): 1.0,
        ("shap_share", "yes: age"): 1.0,
        ("mean_abs_shap", "no: age"): 0.0,
    }


def test_an_explanation_of_one_answer_is_no_metric_and_holds_no_value_of_a_person() -> None:
    event = told("lime", "explanation.json")

    assert replaying.facets(event, "run", "facets", "lime_explanation") == {"features": 2, "score": 0.45}
    assert "assay_modelMetrics" not in event["inputs"][0]["facets"]
    assert "40.00" not in str(event)


def test_an_approved_attestation_is_a_result_and_a_budget() -> None:
    event = told("privacy", "of_a_model.json")

    assert metrics(event) == {("privacy_epsilon", ""): 1.0, ("privacy_delta", ""): 1e-6}
    [result] = event["inputs"][0]["facets"]["assay_testResults"]["results"]
    assert (result["category"], result["outcome"]) == ("data.privacy", "passed")


def test_what_nobody_approved_is_no_result() -> None:
    event = told("privacy", "of_data_not_approved.json")

    [data] = event["inputs"]
    assert (data["namespace"], data["name"]) == ("s3://lake", "customers")
    assert data["facets"]["assay_testResults"]["results"][0]["outcome"] == "skipped"


def test_an_export_of_a_monitor_brings_values_limits_and_alerts() -> None:
    event = told("monitor_export", "export.json")

    assert metrics(event) == {("psi", "age"): 0.31, ("auc", ""): 0.88, ("psi", "amount"): 0.1}
    assert event["run"]["facets"]["assay_monitors"]["monitors"] == [
        {"kind": "input_data", "hasLimit": True},
        {"kind": "model_quality", "hasLimit": False},
    ]
    opened, closed = event["run"]["facets"]["assay_alerts"]["alerts"]
    assert (opened["id"], opened["severity"], "openedAt" in opened) == ("orbit/psi/age", "critical", True)
    assert (closed["id"], "closedAt" in closed) == ("orbit/psi/amount", True)


@pytest.mark.parametrize(
    ("slug", "document", "field"),
    [
        ("fairlearn", {"overall": {"a": 1}}, "model"),
        ("fairlearn", {"a": 1}, "by_group"),
        ("shap_values", {"mean_abs_shap": [1]}, "mean_abs_shap"),
        ("lime", {"score": 1}, "local_exp"),
        ("privacy", {"method": "dp", "epsilon": 1}, "model"),
        ("privacy", {"model": "m", "version": "1", "report": {"method": "dp"}}, "epsilon"),
        ("privacy", {"model": "m", "version": "1", "report": {"method": "magic"}}, "method"),
        ("privacy", {"model": "m", "version": "1", "report": {"method": "dp", "epsilon": -1}}, "epsilon"),
        ("privacy", {"model": "m", "version": "1", "report": {"method": "dp", "epsilon": 1, "delta": 2}}, "delta"),
        ("privacy", {"model": "m", "report": {"method": "dp", "epsilon": 1}}, "model.version"),
        ("monitor_export", {"model": "m", "version": "1", "report": {"records": [{"value": 1}]}}, "records"),
    ],
)
def test_what_lacks_what_it_needs_is_refused_by_name(slug: str, document: dict[str, Any], field: str) -> None:
    system = BY_SLUG[slug]
    context = Context(namespace=f"{slug}://test", options=UploadOptions())

    with pytest.raises(Refused) as refusal:
        system.events(replaying.typed(system, Message(received_at=replaying.RECEIVED_AT, document=document)), context)

    assert list(refusal.value.fields) == [field]
