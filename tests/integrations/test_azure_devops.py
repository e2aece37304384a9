"""Azure DevOps' service hooks become runs, approvals, and what is known of commits."""

from integrations.openlineage import Event
from integrations.systems import azure_devops
from integrations.systems.base import Context
from tests.integrations import replaying

CONTEXT = Context(
    namespace="azure-devops://dev.azure.com/acme",
    options=azure_devops.AzureDevOpsOptions(projects={"be9b3917-87e6-42a4-a549-2bc06a7a878f": "risk"}),
)
SHA = "3f1c9e0a5b7d42e8861f0c4d2b9a7e6513c8d0f4"


def told(name: str) -> list[Event]:
    return replaying.told(azure_devops.SYSTEM, f"{name}.json", context=CONTEXT)


def commit_of(event: Event) -> tuple[str, str]:
    code = event["job"]["facets"]["sourceCodeLocation"]
    return code["repoUrl"], code["version"]


def test_a_build_and_the_run_that_made_it_are_one_run() -> None:
    start, end = told("build_failed")
    _, run_end = told("run_failed")

    assert (end["eventType"], end["job"]["name"], commit_of(end)) == (
        "FAIL",
        "risk/Train",
        ("https://github.com/acme/loans", SHA),
    )
    assert start["eventTime"] == "2026-03-02T08:00:00.100000+00:00"
    assert end["run"]["facets"]["assay_run"]["trigger"] == "schedule"
    assert (run_end["run"]["runId"], run_end["job"]["name"]) == (end["run"]["runId"], "risk/Train")


def test_stages_and_jobs_stand_below_their_run() -> None:
    (stage,) = told("stage_is_under_way")
    _, job_end = told("job_failed")
    above = told("run_failed")[0]["run"]["runId"]

    assert (stage["eventType"], stage["job"]["name"]) == ("RUNNING", "risk/Train.deploy")
    assert (job_end["eventType"], job_end["job"]["name"]) == ("FAIL", "risk/Train.train.fit")
    assert commit_of(job_end) == ("https://dev.azure.com/acme/risk/_git/loans", SHA)
    assert stage["run"]["facets"]["parent"]["run"]["runId"] == above
    assert job_end["run"]["facets"]["parent"]["run"]["runId"] == above
    assert "example.org" not in str(job_end)


def test_an_approval_is_a_verdict_of_a_person() -> None:
    (waiting,) = told("approval_is_waited_for")
    (given,) = told("approval_was_given")

    assert (waiting["eventType"], "assay_promotion" in waiting["run"]["facets"]) == ("RUNNING", False)
    assert waiting["run"]["runId"] == given["run"]["runId"]
    assert (given["eventType"], given["job"]["name"]) == ("COMPLETE", "risk/approvals/prod")
    assert replaying.facets(given, "run", "facets", "assay_promotion") == {
        "id": "0f027b05-0942-4a35-9218-26fa07d8760b",
        "stage": "production",
        "state": "passed",
        "decidedAt": "2026-03-02T09:00:00+00:00",
        "decidedBy": "person",
        "approvedBy": ["approver-2"],
    }
    assert "not-carried" not in str(given)


def test_pushes_and_merges_tell_commits_of_the_default_branch() -> None:
    (pushed,) = told("push_to_main")
    (merged,) = told("pull_request_merged")

    assert commit_of(pushed) == commit_of(merged) == ("https://dev.azure.com/acme/risk/_git/loans", SHA)
    assert replaying.facets(merged, "run", "facets", "assay_commit") == {
        "onDefaultBranch": True,
        "author": "author-1",
        "reviewers": ["lead-2"],
        "mergedAt": "2026-03-02T07:58:00+00:00",
    }


def test_tests_of_the_address_and_other_branches_bring_nothing() -> None:
    for name, type in (("test_of_the_address", "test"), ("push_to_a_branch", "git.push.other")):
        message = replaying.message(replaying.FIXTURES / "azure_devops" / f"{name}.json")
        assert azure_devops.type_of(message) == type
        assert type in azure_devops.SYSTEM.ignored
    assert azure_devops.key_of(message) == "4ec3b1a2-0000-4000-8000-000000000009/31"
