"""GitLab's deliveries become runs, deployments, and what is known of commits."""

import pytest

from integrations.openlineage import Event
from integrations.systems import gitlab
from integrations.systems.base import Context, Message
from tests.integrations import replaying

CONTEXT = Context(namespace="gitlab://gitlab.example")
SHA = "3f1c9e0a5b7d42e8861f0c4d2b9a7e6513c8d0f4"
HEAD = "7a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e2f4a6b"


def told(name: str) -> list[Event]:
    return replaying.told(gitlab.SYSTEM, f"{name}.json", context=CONTEXT)


def commit_of(event: Event) -> tuple[str, str]:
    code = event["job"]["facets"]["sourceCodeLocation"]
    return code["repoUrl"], code["version"]


def test_a_pipeline_is_a_run_with_its_jobs_below_that_of_another_project() -> None:
    start, end, job_start, job_end = told("pipeline_failed")

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T08:00:00+00:00")
    assert (end["eventType"], end["eventTime"]) == ("FAIL", "2026-03-02T08:30:00+00:00")
    assert (end["job"]["name"], commit_of(end)) == ("risk/loans/pipeline", ("https://gitlab.example/risk/loans", SHA))
    assert end["run"]["facets"]["parent"]["job"]["name"] == "risk/parent/pipeline"
    assert end["run"]["facets"]["assay_run"]["trigger"] == "schedule"
    assert (job_start["job"]["name"], job_end["eventType"]) == ("risk/loans/pipeline.fit", "FAIL")
    assert job_end["run"]["facets"]["parent"]["run"]["runId"] == start["run"]["runId"]
    assert "not-carried" not in str([start, end])


def test_a_job_by_the_name_of_a_category_is_a_test_below_its_pipeline() -> None:
    _, end = told("job_of_a_category_passed")

    assert end["run"]["facets"]["parent"]["run"]["runId"] == told("pipeline_failed")[0]["run"]["runId"]
    (result,) = end["run"]["facets"]["assay_testResults"]["results"]
    assert (result["category"], result["outcome"], commit_of(end)[1]) == ("app.unit", "passed", SHA)


def test_a_deployment_of_a_tag_is_one_of_a_model_version_once_it_succeeds() -> None:
    (begins,) = told("deployment_runs")
    (live,) = told("deployment_of_a_tag")

    assert (begins["eventType"], begins["inputs"]) == ("START", [])
    assert begins["run"]["runId"] == live["run"]["runId"]
    assert (live["eventType"], live["eventTime"]) == ("RUNNING", "2026-03-03T09:00:00+00:00")
    assert (live["job"]["name"], commit_of(live)[1]) == ("risk/loans/deployments/eu", SHA)
    assert live["inputs"][0]["facets"]["version"]["datasetVersion"] == "v7"
    assert live["run"]["facets"]["assay_deployment"]["environment"] == "production"


def test_a_push_tells_commits_and_no_names_of_people() -> None:
    (pushed,) = told("push_to_the_default_branch")

    assert commit_of(pushed) == ("https://gitlab.example/risk/loans", SHA)
    assert pushed["eventTime"] == "2026-03-02T07:30:00+00:00"
    assert replaying.facets(pushed, "run", "facets", "assay_commit") == {"onDefaultBranch": True}
    assert "example.org" not in str(pushed)


def test_approvals_and_merge_are_of_one_run_and_an_approval_of_ones_own_is_none() -> None:
    (approved,) = told("merge_request_was_approved")
    (merged,) = told("merge_request_was_merged")

    assert approved["run"]["runId"] == merged["run"]["runId"]
    assert (commit_of(approved)[1], commit_of(merged)[1]) == (HEAD, SHA)
    assert replaying.facets(approved, "run", "facets", "assay_commit") == {"reviewers": ["risk-lead"]}
    assert replaying.facets(merged, "run", "facets", "assay_commit") == {
        "onDefaultBranch": True,
        "author": "risk-author",
        "reviewers": ["risk-lead"],
        "mergedAt": "2026-03-02T07:59:00+00:00",
    }


def test_a_release_is_of_its_commit() -> None:
    (release,) = told("release_of_a_tag")

    assert (commit_of(release)[1], release["job"]["facets"]["sourceCodeLocation"]["tag"]) == (SHA, "v1.4.0")


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("push_of_the_test", "push.test"),
        ("push_to_a_branch", "push.other"),
        ("merge_request_was_opened", "merge_request"),
    ],
)
def test_what_brings_nothing_is_known_as_such(name: str, type: str) -> None:
    message = replaying.message(replaying.FIXTURES / "gitlab" / f"{name}.json")

    assert gitlab.type_of(message) == type
    assert type in gitlab.SYSTEM.ignored


def test_a_delivery_is_known_again_by_the_best_of_its_ids() -> None:
    at = replaying.RECEIVED_AT
    old = {"x-gitlab-event-uuid": "u"}

    assert gitlab.key_of(Message(received_at=at, headers=old)) == "u"
    assert gitlab.key_of(Message(received_at=at, headers=old | {"webhook-id": "w"})) == "w"
    assert gitlab.key_of(Message(received_at=at, headers=old | {"idempotency-key": "i"})) == "i"
