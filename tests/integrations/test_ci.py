"""The call of any CI system: runs, reviews, tests and deployments in our own words, and every mistake named."""

from typing import Any

import pytest

from governance.errors import Invalid
from integrations.openlineage import Event
from integrations.systems import ci
from integrations.systems.base import Context, Message
from tests.integrations import replaying

CONTEXT = Context(namespace="ci://bamboo.example")


def told(name: str) -> list[Event]:
    return replaying.told(ci.SYSTEM, f"{name}.json", context=CONTEXT)


def test_a_step_is_a_run_with_its_commit_review_and_tests() -> None:
    start, end, _ = told("deployed_a_model_version")

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T08:00:00+00:00")
    assert (end["eventType"], end["job"]["name"]) == ("COMPLETE", "Loans - Train.deploy")
    code = replaying.facets(end, "job", "facets", "sourceCodeLocation")
    assert (code["repoUrl"], code["version"]) == (
        "https://github.com/acme/loans",
        "3f1c9e0a5b7d42e8861f0c4d2b9a7e6513c8d0f4",
    )
    assert end["run"]["facets"]["parent"]["job"]["name"] == "Loans - Train"
    assert replaying.facets(end, "run", "facets", "assay_run") == {"trigger": "schedule"}
    assert replaying.facets(end, "run", "facets", "assay_commit") == {
        "onDefaultBranch": True,
        "author": "acme-author",
        "reviewers": ["acme-lead"],
        "mergedAt": "2026-03-02T07:59:00+00:00",
    }
    results = end["run"]["facets"]["assay_testResults"]["results"]
    assert [(one["category"], one["outcome"], one["blocking"]) for one in results] == [
        ("app.unit", "passed", True),
        ("security", "failed", False),
    ]


def test_a_deployment_is_live_until_a_later_call_says_that_it_is_over() -> None:
    *_, live = told("deployed_a_model_version")
    _, over = told("deployment_is_over")

    assert (live["eventType"], over["eventType"]) == ("RUNNING", "COMPLETE")
    assert live["run"]["runId"] == over["run"]["runId"]
    assert live["job"]["facets"]["jobType"]["processingType"] == "SERVICE"
    assert live["inputs"][0]["facets"]["version"]["datasetVersion"] == "7"
    assert replaying.facets(live, "run", "facets", "assay_deployment") == {
        "environment": "production",
        "kind": "online",
        "stage": "full",
    }


def test_a_run_that_waits_or_began_is_told_too() -> None:
    (waits,) = told("waits")
    (began,) = told("began")

    assert (waits["eventType"], began["eventType"]) == ("OTHER", "START")
    assert waits["run"]["runId"] == began["run"]["runId"]
    assert began["eventTime"] == "2026-03-10T08:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": None}, "id"),
        ({"state": "won"}, "state"),
        ({"commit": {"repository": "r", "sha": "abc"}}, "commit.sha"),
        ({"tests": [{"category": "x"}]}, "tests[0]"),
        ({"deployment": {"environment": "production", "state": "gone"}}, "deployment.state"),
        ({"at": "yesterday"}, "at"),
        ({"commits": []}, ""),
    ],
)
def test_a_mistake_in_a_call_is_named(changes: dict[str, Any], field: str) -> None:
    call = {"id": "1", "pipeline": "p", "state": "passed"} | changes
    message = Message(received_at=replaying.RECEIVED_AT, document=call, type="run")

    with pytest.raises(Invalid) as caught:
        ci.SYSTEM.events(message, CONTEXT)

    assert field in (next(iter(caught.value.fields), ""), caught.value.message)
