"""GitHub's deliveries become runs, deployments, and what is known of commits."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from governance.errors import Invalid
from integrations.openlineage import Event
from integrations.systems import github
from integrations.systems.base import Context, Message, Refused
from integrations.systems.github_deliveries import GithubOptions
from tests.integrations import polled, replaying

CONTEXT = Context(namespace="github://github.com")
SHA = "3f1c9e0a5b7d42e8861f0c4d2b9a7e6513c8d0f4"
HEAD = "7a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e2f4a6b"


def told(name: str) -> list[Event]:
    return replaying.told(github.SYSTEM, f"{name}.json", context=CONTEXT)


def commit_of(event: Event) -> tuple[str, str]:
    code = event["job"]["facets"]["sourceCodeLocation"]
    return code["repoUrl"], code["version"]


def test_a_run_of_a_workflow_is_a_run_of_its_attempt_with_its_commit() -> None:
    start, end = told("workflow_run_second_attempt_failed")

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T08:10:00+00:00")
    assert (end["eventType"], end["eventTime"]) == ("FAIL", "2026-03-02T08:25:30+00:00")
    assert (end["job"]["namespace"], end["job"]["name"]) == ("github://github.com", "acme/loans/Train")
    assert commit_of(end) == ("https://github.com/acme/loans", SHA)
    assert end["job"]["facets"]["sourceCodeLocation"]["path"] == ".github/workflows/train.yml"
    assert replaying.facets(end, "run", "facets", "assay_run") == {
        "trigger": "ci",
        "actor": {"name": "acme-lead", "kind": "person"},
    }
    (scheduled,) = told("workflow_run_scheduled_begins")
    assert scheduled["run"]["runId"] != start["run"]["runId"]
    assert replaying.facets(scheduled, "run", "facets", "assay_run") == {
        "trigger": "schedule",
        "actor": {"name": "acme-deployer[bot]", "kind": "service"},
    }


def test_a_job_stands_below_the_same_attempt_of_its_workflow() -> None:
    above = told("workflow_run_second_attempt_failed")[0]
    _, end = told("workflow_job_passed")
    (waiting,) = told("workflow_job_waits")

    assert (end["eventType"], end["job"]["name"]) == ("COMPLETE", "acme/loans/Train.fit")
    assert end["run"]["facets"]["parent"]["run"]["runId"] == above["run"]["runId"]
    assert end["run"]["facets"]["parent"]["job"]["name"] == above["job"]["name"]
    assert waiting["eventType"] == "OTHER"


def test_a_check_by_the_name_of_a_category_is_a_test_of_its_commit() -> None:
    _, end = told("check_run_of_a_category_failed")

    assert (end["eventType"], end["job"]["name"], commit_of(end)[1]) == ("FAIL", "acme/loans/checks/app.unit", SHA)
    (result,) = end["run"]["facets"]["assay_testResults"]["results"]
    assert (result["category"], result["outcome"], result["executor"]) == ("app.unit", "failed", "automated")


def test_a_deployment_is_live_when_it_succeeds_and_over_when_it_is_replaced() -> None:
    (created,) = told("deployment_of_a_model_version")
    (live,) = told("deployment_is_live")
    (replaced,) = told("deployment_of_a_tag_is_replaced")

    assert created["inputs"] == []
    assert created["run"]["runId"] == live["run"]["runId"] != replaced["run"]["runId"]
    assert (live["eventType"], live["job"]["name"]) == ("RUNNING", "acme/loans/deployments/production")
    assert live["job"]["facets"]["jobType"]["processingType"] == "SERVICE"
    (model,) = live["inputs"]
    assert (model["namespace"], model["name"]) == ("github://github.com", "loans")
    assert model["facets"]["version"]["datasetVersion"] == "7"
    assert replaying.facets(live, "run", "facets", "assay_deployment") == {
        "environment": "production",
        "kind": "online",
        "stage": "canary",
    }
    assert (replaced["eventType"], replaced["inputs"]) == ("COMPLETE", [])
    assert "not-carried" not in str(live)


def test_a_deployment_that_waits_for_us_is_a_question() -> None:
    message = replaying.message(replaying.FIXTURES / "github" / "deployment_waits_for_a_verdict.json")
    (question,) = github.questions(replaying.typed(github.SYSTEM, message), CONTEXT)

    assert question.callback.endswith("/actions/runs/90300/deployment_protection_rule")
    assert (question.model, question.version, question.stage, question.commit) == ("loans", "7", "production", SHA)
    assert question.about["environment_name"] == "prod"


def test_commits_on_the_default_branch_are_told_with_their_authors() -> None:
    first, second = told("push_to_the_default_branch")

    assert commit_of(second) == ("https://github.com/acme/loans", SHA)
    assert replaying.facets(second, "run", "facets", "assay_commit") == {
        "onDefaultBranch": True,
        "author": "acme-author",
        "mergedAt": "2026-03-02T08:00:00+00:00",
    }
    assert "author" not in first["run"]["facets"]["assay_commit"]
    assert "example.org" not in str(first)


def test_an_approval_and_the_merge_are_of_one_run_which_ends_with_the_merged_commit() -> None:
    (approved,) = told("pull_request_was_approved")
    (merged,) = told("pull_request_was_merged")

    assert approved["run"]["runId"] == merged["run"]["runId"]
    assert (commit_of(approved)[1], commit_of(merged)[1]) == (HEAD, SHA)
    assert approved["eventTime"] < merged["eventTime"]
    assert approved["run"]["facets"]["assay_commit"]["reviewers"] == ["acme-lead"]
    assert replaying.facets(merged, "run", "facets", "assay_commit") == {
        "onDefaultBranch": True,
        "author": "acme-author",
        "mergedAt": "2026-03-02T07:59:00+00:00",
    }


def test_a_release_is_of_its_commit() -> None:
    (release,) = told("release_of_a_commit")

    assert commit_of(release)[1] == SHA
    assert release["job"]["facets"]["sourceCodeLocation"]["tag"] == "v1.4.0"


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("ping", "ping"),
        ("push_to_a_branch", "push.other"),
        ("pull_request_was_opened", "pull_request"),
    ],
)
def test_what_brings_nothing_is_known_as_such(name: str, type: str) -> None:
    message = replaying.message(replaying.FIXTURES / "github" / f"{name}.json")

    assert replaying.typed(github.SYSTEM, message).type == type
    assert type in github.SYSTEM.ignored


def test_a_delivery_is_known_again_by_its_id_and_refused_without_its_event() -> None:
    message = replaying.message(replaying.FIXTURES / "github" / "ping.json")

    assert github.key_of(message) == "72d3162e-cc78-11e3-81ab-70696e670000"
    with pytest.raises(Invalid, match="X-GitHub-Event"):
        github.type_of(Message(received_at=message.received_at, document=message.document))


HOOK = "repos/acme/loans/hooks/42"


def delivery(number: int, status: int, guid: str) -> dict[str, Any]:
    """As GitHub lists one."""
    return {"id": number, "guid": guid, "status": "OK", "status_code": status, "event": "release", "redelivery": False}


def test_what_could_not_be_delivered_is_fetched_once() -> None:
    release = replaying.message(replaying.FIXTURES / "github" / "release_of_a_commit.json")
    listed = [
        delivery(2**62 + 5, 502, "tried twice"),
        delivery(2**62 + 4, 202, "taken in the end"),
        delivery(2**62 + 3, 0, "taken in the end"),
        delivery(2**62 + 2, 502, "tried twice"),
        delivery(2**62 + 1, 202, "taken"),
    ]
    kept = {
        "request": {
            "headers": {"X-GitHub-Event": "release", "X-GitHub-Delivery": "tried twice", "X-Hub-Signature-256": "s"},
            "payload": release.document,
        }
    }
    answers: dict[str, polled.Answer] = {
        f"/{HOOK}/deliveries": lambda asked: [listed],
        f"/{HOOK}/deliveries/{2**62 + 2}": lambda asked: kept,
    }
    context = Context(namespace="github://github.com", options=GithubOptions(hooks=(HOOK,)))
    with polled.serving(answers) as server:
        client = polled.Http(f"{server.address}/")
        [page] = github.SYSTEM.poll(client, context, {}, replaying.RECEIVED_AT)  # type: ignore[misc]
        [lost] = page.messages
        listed.insert(0, delivery(2**62 + 6, 202, "later"))
        [next_page] = github.SYSTEM.poll(client, context, page.cursor, replaying.RECEIVED_AT)  # type: ignore[misc]

        assert list(next_page.messages) == []
    assert lost.headers == {"x-github-event": "release", "x-github-delivery": "tried twice"}
    found, sent = (replaying.typed(github.SYSTEM, one) for one in (lost, release))
    assert github.SYSTEM.events(found, CONTEXT) == github.SYSTEM.events(sent, CONTEXT)


def test_what_github_keeps_no_more_holds_up_nothing_else() -> None:
    class Kept(polled.Http):
        def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
            if path.endswith("/deliveries"):
                return [delivery(7, 502, "lost")]
            raise Refused("", "The answer is 404.")

    context = Context(namespace="github://github.com", options=GithubOptions(hooks=(HOOK,)))
    [page] = github.SYSTEM.poll(Kept(""), context, {}, replaying.RECEIVED_AT)  # type: ignore[misc]

    [message] = page.messages
    assert message.headers == {"file": f"{HOOK}/deliveries/7"}
    with pytest.raises(Refused):
        github.type_of(message)


@pytest.mark.parametrize(
    "hook", ["", "hooks/1", "repos/acme/loans/hooks/x", "repos/acme/../hooks/1", "orgs/a/b/hooks/1", "orgs/a/hooks/1?"]
)
def test_a_hook_is_named_by_its_path_alone(hook: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"hooks": [hook]}, GithubOptions)
