"""What Jenkins' Notification plugin sends becomes runs with commit, tests and artifacts."""

from datetime import datetime

from integrations.openlineage import Event
from integrations.systems import jenkins
from integrations.systems.base import Context, KnowsNothing
from tests.integrations import replaying

CONTEXT = Context(namespace="jenkins://jenkins.example", options=jenkins.JenkinsOptions(test_category="app.unit"))
SHA = "3f1c9e0a5b7d42e8861f0c4d2b9a7e6513c8d0f4"


class KnowsModel(KnowsNothing):
    def artifact(self, uri: str) -> tuple[str, str, str] | None:
        return ("mlflow://ml.example", "loans", "7") if uri == "s3://models/loans/48/model.onnx" else None


def told(name: str, context: Context = CONTEXT) -> list[Event]:
    return replaying.told(jenkins.SYSTEM, f"{name}.json", context=context)


def test_a_build_is_one_run_from_waiting_to_its_end() -> None:
    (waits,) = told("build_waits")
    (began,) = told("build_began")
    start, end = told("build_completed")

    assert {event["run"]["runId"] for event in (waits, began, start, end)} == {end["run"]["runId"]}
    assert (waits["eventType"], began) == ("OTHER", start)
    assert (end["eventType"], end["eventTime"]) == ("FAIL", "2026-03-02T08:01:01+00:00")
    assert (end["job"]["namespace"], end["job"]["name"]) == ("jenkins://jenkins.example", "risk/loans")
    code = replaying.facets(end, "job", "facets", "sourceCodeLocation")
    assert (code["repoUrl"], code["version"], code["branch"]) == ("https://github.com/acme/loans", SHA, "main")
    (result,) = end["run"]["facets"]["assay_testResults"]["results"]
    assert (result["category"], result["outcome"]) == ("app.unit", "failed")
    assert "not-carried" not in str(end)


def test_artifacts_of_both_shapes_are_what_the_build_wrote() -> None:
    new = told("build_completed")[-1]["outputs"]
    old = told("build_finalized_of_an_old_plugin")[-1]["outputs"]

    assert [(one["name"], one["facets"]["version"]["datasetVersion"]) for one in new] == [
        ("risk/loans/model.onnx", "48")
    ]
    assert [one["name"] for one in old] == ["loans/model.onnx", "loans/log.txt"]


def test_an_artifact_that_the_graph_knows_is_the_model_version() -> None:
    context = Context(namespace="jenkins://jenkins.example", options=jenkins.JenkinsOptions(), known=KnowsModel())
    (model,) = told("build_completed", context)[-1]["outputs"]

    assert (model["namespace"], model["name"]) == ("mlflow://ml.example", "loans")
    assert model["facets"]["version"]["datasetVersion"] == "7"


def test_a_payload_without_any_time_is_told_as_it_came() -> None:
    (end,) = told("build_finalized_of_an_old_plugin")

    assert end["eventType"] == "COMPLETE"
    assert datetime.fromisoformat(end["eventTime"]) == replaying.RECEIVED_AT
    assert "sourceCodeLocation" not in end["job"]["facets"]
