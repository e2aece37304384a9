"""Bitbucket's deliveries, of the Cloud and of a Data Center, become builds and what is known of commits."""

import pytest

from governance.errors import Invalid
from integrations.openlineage import Event
from integrations.systems import bitbucket
from integrations.systems.base import Context, Message
from tests.integrations import replaying

CLOUD = Context(namespace="bitbucket://bitbucket.org", options=bitbucket.BitbucketOptions())
DATA_CENTER = Context(
    namespace="bitbucket://git.example", options=bitbucket.BitbucketOptions(address="https://git.example/")
)
SHA = "3f1c9e0a5b7d42e8861f0c4d2b9a7e6513c8d0f4"
HEAD = "7a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e2f4a6b"


def told(name: str, context: Context = CLOUD) -> list[Event]:
    return replaying.told(bitbucket.SYSTEM, f"{name}.json", context=context)


def commit_of(event: Event) -> tuple[str, str]:
    code = event["job"]["facets"]["sourceCodeLocation"]
    return code["repoUrl"], code["version"]


def test_a_build_is_a_run_of_its_commit_and_a_test_when_its_key_is_a_category() -> None:
    (began,) = told("build_began")
    start, end = told("build_failed")

    assert began == start
    assert (end["eventType"], end["eventTime"]) == ("FAIL", "2026-03-02T08:04:00+00:00")
    assert (end["job"]["name"], commit_of(end)) == ("acme/loans/unit tests", ("https://bitbucket.org/acme/loans", SHA))
    (result,) = end["run"]["facets"]["assay_testResults"]["results"]
    assert (result["category"], result["outcome"]) == ("app.unit", "failed")


def test_a_push_tells_the_commits_of_the_default_branch_alone() -> None:
    pushed = told("push_to_main")

    assert [commit_of(event)[1] for event in pushed] == [SHA, HEAD]
    assert pushed[0]["run"]["facets"]["assay_commit"]["author"] == "acme-author"
    assert "author" not in pushed[1]["run"]["facets"]["assay_commit"]
    assert "example.org" not in str(pushed)
    other = bitbucket.BitbucketOptions(default_branches=("trunk",))
    assert told("push_to_main", Context(namespace="bitbucket://bitbucket.org", options=other)) == []


def test_approval_and_merge_are_of_one_run() -> None:
    (approved,) = told("pull_request_approved")
    (merged,) = told("pull_request_merged")

    assert approved["run"]["runId"] == merged["run"]["runId"]
    assert (commit_of(approved)[1], commit_of(merged)[1]) == (HEAD, SHA)
    assert replaying.facets(merged, "run", "facets", "assay_commit") == {
        "onDefaultBranch": True,
        "author": "acme-author",
        "reviewers": ["acme-lead"],
        "mergedAt": "2026-03-02T07:59:00+00:00",
    }


def test_a_data_center_names_repositories_by_key_below_its_address() -> None:
    (pushed,) = told("data_center_push", DATA_CENTER)
    (merged,) = told("data_center_merged", DATA_CENTER)

    assert commit_of(pushed) == commit_of(merged) == ("https://git.example/scm/risk/loans", SHA)
    assert pushed["eventTime"] == "2026-03-02T07:59:00+00:00"
    assert merged["run"]["facets"]["assay_commit"]["reviewers"] == ["lead"]
    assert merged["run"]["facets"]["assay_commit"]["author"] == "author"


def test_the_test_of_the_address_brings_nothing() -> None:
    message = replaying.message(replaying.FIXTURES / "bitbucket" / "data_center_ping.json")

    assert bitbucket.type_of(message) in bitbucket.SYSTEM.ignored
    assert bitbucket.key_of(message).startswith("5b0c1a2e-")
    with pytest.raises(Invalid, match="X-Event-Key"):
        bitbucket.type_of(Message(received_at=message.received_at, document={}))
