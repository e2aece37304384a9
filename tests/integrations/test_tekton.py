"""Runs of tasks and pipelines, with what they read and wrote by digest."""

from integrations.openlineage import Event
from integrations.systems import tekton
from integrations.systems.base import Context
from tests.integrations import replaying

NAMESPACE = "tekton://cluster"
PIPELINE_RUN = "cccc0000-0000-4000-8000-000000000001"


def told(name: str) -> list[Event]:
    return replaying.told(tekton.SYSTEM, name, context=Context(namespace=NAMESPACE))


def datasets(event: Event, side: str) -> list[tuple[str, str, str]]:
    return [(one["namespace"], one["name"], one["facets"]["version"]["datasetVersion"]) for one in event[side]]


def test_a_task_stands_below_its_pipeline_and_tells_what_it_read_and_wrote() -> None:
    start, end = told("taskrun_successful.json")

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T08:00:01+00:00")
    assert (end["eventType"], end["eventTime"]) == ("COMPLETE", "2026-03-02T08:20:00+00:00")
    assert end["job"]["name"] == "ci/build.fit"
    assert end["run"]["facets"]["parent"]["run"]["runId"] == PIPELINE_RUN
    assert end["run"]["facets"]["parent"]["job"]["name"] == "ci/build"
    assert datasets(end, "inputs") == [("s3://lake", "loans/train.parquet", "sha256:b35c")]
    assert datasets(end, "outputs") == [
        ("uri", "pkg:generic/loans", "sha256:df85"),
        ("uri", "registry.example/loans", "sha256:ee"),
        ("gs://bank", "card.md", "sha256:cc"),
        (NAMESPACE, "loans", "9"),
    ]
    assert replaying.facets(end, "run", "facets", "assay_environment") == {"image": "registry.example/fit@sha256:ab"}
    assert replaying.facets(end, "run", "facets", "assay_trainingParameters") == {"parameters": {"eta": "0.1"}}
    code = replaying.facets(end, "job", "facets", "sourceCodeLocation")
    # The commit of what was built, and not that of the task's own definition.
    assert (code["repoUrl"], code["version"][:4]) == ("https://git.example/bank/loans", "4f2c")


def test_a_pipeline_of_the_version_before_is_read_by_its_own_names() -> None:
    _, end = told("pipelinerun_failed_v1beta1.json")

    assert (end["eventType"], end["job"]["name"], end["run"]["runId"]) == ("FAIL", "ci/build", PIPELINE_RUN)
    assert datasets(end, "outputs") == [("s3://bank", "models/9", "sha256:aa")]
    assert end["run"]["facets"]["errorMessage"]["message"] == "Failed"
    assert "token=abc" not in str(end)
    assert replaying.facets(end, "run", "facets", "assay_run") == {"trigger": "event"}
    code = replaying.facets(end, "job", "facets", "sourceCodeLocation")
    assert (code["repoUrl"], code["version"][:4]) == ("https://git.example/bank/pipelines", "2222")


def test_a_run_whose_end_is_unknown_still_runs() -> None:
    start, event = told("taskrun_running.json")

    assert (start["eventType"], event["eventType"], event["job"]["name"]) == ("START", "RUNNING", "ci/curl-run")


def test_a_cancelled_run_was_given_up() -> None:
    (event,) = told("customrun_cancelled.json")

    assert (event["eventType"], event["job"]["name"]) == ("ABORT", "ci/wait")


def test_a_state_has_one_key_however_it_is_told() -> None:
    folder = replaying.FIXTURES / "tekton"

    assert tekton.key_of(replaying.message(folder / "taskrun_successful.json")).endswith("000002 77")
