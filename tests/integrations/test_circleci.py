"""CircleCI's deliveries become runs with their commit."""

from integrations.systems import circleci
from tests.integrations import replaying


def test_a_workflow_that_failed_is_a_failed_run_of_its_commit() -> None:
    start, end = replaying.told(circleci.SYSTEM, "workflow_failed.json")

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T08:00:00+00:00")
    assert (end["eventType"], end["eventTime"]) == ("FAIL", "2026-03-02T08:15:30+00:00")
    assert start["run"]["runId"] == end["run"]["runId"] == "5b2f6b1c-0f1a-4a41-8f6e-b4b7c2a30002"
    assert end["job"]["name"] == "github/acme/loans/train"
    code = replaying.facets(end, "job", "facets", "sourceCodeLocation")
    assert (code["repoUrl"], code["version"]) == ("https://github.com/acme/loans", "4f2c9d1e")
    assert replaying.facets(end, "run", "facets", "assay_run") == {"trigger": "ci"}


def test_a_job_stands_below_its_workflow_and_finds_its_commit_in_the_trigger() -> None:
    _, end = replaying.told(circleci.SYSTEM, "job_by_app.json")

    assert end["job"]["name"] == "circleci/3f0f/9a/train.fit"
    assert end["run"]["facets"]["parent"]["run"]["runId"] == "5b2f6b1c-0f1a-4a41-8f6e-b4b7c2a30002"
    assert replaying.facets(end, "job", "facets", "sourceCodeLocation")["version"] == "9e107d9d"
