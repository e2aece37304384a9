"""A workflow is a run, its working steps are runs below it, and a step that somebody resumed is an approval."""

import pytest

from integrations.openlineage import Event
from integrations.systems import argo_workflows
from integrations.systems.base import Context, Refused
from tests.integrations import replaying

NAMESPACE = "argo://cluster"
UID = "bbbb0000-0000-4000-8000-000000000001"


def told(name: str) -> list[Event]:
    return replaying.told(argo_workflows.SYSTEM, name, context=Context(namespace=NAMESPACE))


def step(events: list[Event], job: str) -> Event:
    """The last word on a step."""
    return next(event for event in reversed(events) if event["job"]["name"] == f"bank/train-nightly{job}")


def test_a_workflow_of_a_schedule_is_a_run_of_its_name() -> None:
    start, end = told("workflow_succeeded.json")[:2]

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T08:00:00+00:00")
    assert (end["eventType"], end["eventTime"]) == ("COMPLETE", "2026-03-02T09:00:00+00:00")
    assert (end["job"]["name"], end["run"]["runId"]) == ("bank/train-nightly", UID)
    assert replaying.facets(end, "run", "facets", "assay_run") == {"trigger": "schedule"}
    assert replaying.facets(end, "run", "facets", "assay_trainingParameters") == {"parameters": {"day": "2026-03-01"}}
    assert (end["outputs"][0]["name"], end["outputs"][0]["facets"]["version"]["datasetVersion"]) == ("loans", "9")


def test_a_step_that_did_work_tells_its_files_its_image_and_its_commit() -> None:
    events = told("workflow_succeeded.json")
    fit = step(events, ".fit")

    assert (fit["eventType"], fit["eventTime"]) == ("COMPLETE", "2026-03-02T08:30:00+00:00")
    assert [(one["namespace"], one["name"]) for one in fit["inputs"]] == [("s3://lake", "loans/train.parquet")]
    assert [(one["namespace"], one["name"]) for one in fit["outputs"]] == [("gs://bank", "models/loans/9")]
    assert replaying.facets(fit, "run", "facets", "assay_environment") == {"image": "registry.example/fit@sha256:ab"}
    assert fit["run"]["facets"]["parent"]["run"]["runId"] == UID
    assert replaying.facets(fit, "job", "facets", "sourceCodeLocation")["version"].startswith("4f2c9d1e")
    assert step(events, ".notify")["eventType"] == "FAIL"
    assert {event["job"]["name"] for event in events} == {
        "bank/train-nightly",
        "bank/train-nightly.fit",
        "bank/train-nightly.look",
        "bank/train-nightly.notify",
    }


def test_a_step_that_waits_until_somebody_resumes_it_is_an_approval() -> None:
    look = step(told("workflow_succeeded.json"), ".look")

    assert replaying.facets(look, "run", "facets", "assay_promotion") == {
        "id": "train-x1-2",
        "stage": "staging",
        "state": "passed",
        "decidedAt": "2026-03-02T08:50:00+00:00",
        "decidedBy": "person",
    }
    assert look["inputs"][0]["facets"]["version"]["datasetVersion"] == "9"


def test_many_nodes_come_compressed() -> None:
    assert told("workflow_with_compressed_nodes.json") == told("workflow_succeeded.json")


@pytest.mark.parametrize("packed", ["%", "AAAA", "H4sIAAAAAAAC/8tIzcnJBwCGphA2BQAAAA=="])
def test_nodes_that_cannot_be_unpacked_are_refused(packed: str) -> None:
    message = replaying.message(replaying.FIXTURES / "argo_workflows" / "workflow_with_compressed_nodes.json")
    message.document["status"]["compressedNodes"] = packed

    with pytest.raises(Refused, match="compressedNodes"):
        argo_workflows.SYSTEM.events(message, Context(namespace=NAMESPACE))


def test_a_generated_name_is_left_out_of_the_jobs_name() -> None:
    start, event = told("workflow_running.json")

    assert (start["eventType"], event["eventType"]) == ("START", "RUNNING")
    assert event["job"]["name"] == "bank/hello"


def test_an_exit_handler_tells_the_end_of_the_same_run() -> None:
    _, end = told("exit_hook.json")

    assert (end["eventType"], end["run"]["runId"], end["job"]["name"]) == ("FAIL", UID, "bank/train-nightly")
    assert end["eventTime"] == replaying.RECEIVED_AT.isoformat()
