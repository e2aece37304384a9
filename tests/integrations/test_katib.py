"""A search of parameters is a run, its trials are runs below it, and what they trained are candidates."""

from typing import Any

from integrations import openlineage
from integrations.openlineage import Event
from integrations.systems import katib
from integrations.systems.base import Context
from tests.integrations import replaying

NAMESPACE = "katib://cluster"
EXPERIMENT = "aaaa0000-0000-4000-8000-000000000001"


def told(name: str) -> list[Event]:
    return replaying.told(katib.SYSTEM, name, context=Context(namespace=NAMESPACE))


def metrics(event: Event) -> Any:
    return event["outputs"][0]["facets"]["assay_modelMetrics"]["metrics"]


def test_an_experiment_that_succeeded_tells_its_objective_its_trials_and_the_best_of_them() -> None:
    start, end = told("experiment_succeeded.json")

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T09:00:05+00:00")
    assert (end["eventType"], end["eventTime"]) == ("COMPLETE", "2026-03-02T09:10:00+00:00")
    assert (end["job"]["name"], end["run"]["runId"]) == ("bank/tune-loans", EXPERIMENT)
    assert replaying.facets(end, "run", "facets", "assay_trainingParameters")["parameters"] == {
        "algorithm": "bayesianoptimization",
        "objective": "auc",
        "direction": "maximize",
        "goal": 0.95,
        "searched": ["eta", "max_depth"],
    }
    assert replaying.facets(end, "run", "facets", "assay_run") == {"trials": 12}
    best = end["outputs"][0]
    assert (best["namespace"], best["name"]) == (NAMESPACE, "bank/tune-loans")
    assert best["facets"]["version"]["datasetVersion"] == "tune-loans-b7"
    # An architecture is told as a metric, too; it is no number.
    assert metrics(end) == [{"name": "auc", "value": 0.93}]


def test_an_experiment_that_runs_has_no_best_trial_yet() -> None:
    _, event = told("experiment_running.json")

    assert (event["eventType"], event["outputs"]) == ("RUNNING", [])


def test_a_trial_stands_below_its_experiment_with_its_parameters_and_what_it_measured() -> None:
    _, end = told("trial_succeeded.json")

    assert (end["job"]["name"], end["eventType"]) == ("bank/tune-loans.trial", "COMPLETE")
    assert end["run"]["facets"]["parent"]["run"]["runId"] == EXPERIMENT
    assert end["run"]["facets"]["parent"]["job"]["name"] == "bank/tune-loans"
    parameters = replaying.facets(end, "run", "facets", "assay_trainingParameters")["parameters"]
    assert parameters == {"eta": "0.1", "max_depth": "6"}
    assert end["outputs"][0]["facets"]["version"]["datasetVersion"] == "tune-loans-b7"
    assert metrics(end) == [{"name": "auc", "value": 0.93}]
    assert replaying.facets(end, "job", "facets", "sourceCodeLocation")["version"].startswith("4f2c9d1e")


def test_a_trial_without_metrics_failed() -> None:
    _, end = told("trial_without_metrics.json")

    assert (end["eventType"], end["outputs"]) == ("FAIL", [])
    assert end["run"]["facets"]["errorMessage"]["message"] == "TrialMetricsUnavailable"


def test_a_list_tells_each_as_if_it_came_alone() -> None:
    assert told("List__of_both.json") == told("experiment_succeeded.json") + told("trial_succeeded.json")


def test_an_experiment_that_is_deleted_before_its_end_was_given_up() -> None:
    message = replaying.message(replaying.FIXTURES / "katib" / "experiment_running.json")
    message.document["type"] = "DELETED"

    *_, end = katib.SYSTEM.events(message, Context(namespace=NAMESPACE))

    assert end["eventType"] == "ABORT"
    assert end["run"]["runId"] == openlineage.run_id(NAMESPACE, EXPERIMENT)
