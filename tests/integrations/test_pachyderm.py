"""Pachyderm's jobs and commits, spelt either way, become runs and versions of data."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.systems import pachyderm
from integrations.systems.base import Context, Refused
from tests.integrations import polled, replaying

CONTEXT = Context(namespace="pachyderm://data.example")
NOW = datetime(2026, 3, 3, tzinfo=UTC)
ID = "fd9454d06d8e4fa38a75c8cd20b39538"


def test_a_job_says_what_it_read_however_deep_its_inputs_are() -> None:
    start, end = replaying.told(pachyderm.SYSTEM, "job_of_the_gateway.json", context=CONTEXT)

    assert (start["eventTime"], end["eventTime"]) == ("2026-03-02T08:00:01+00:00", "2026-03-02T08:01:00+00:00")
    assert (end["eventType"], end["job"]["name"]) == ("COMPLETE", "churn/train")
    # The specification of a pipeline is no data.
    assert [one["name"] for one in end["inputs"]] == ["churn/accounts@master", "churn/clicks@live"]
    [written] = end["outputs"]
    assert (written["name"], written["facets"]["version"]["datasetVersion"]) == ("churn/train@master", ID)
    assert replaying.facets(end, "run", "facets", "assay_environment") == {"image": "registry.example/train:4"}


def test_a_job_that_failed_wrote_nothing() -> None:
    _, end = replaying.told(pachyderm.SYSTEM, "job_failed.json", context=CONTEXT)

    assert (end["eventType"], end["outputs"]) == ("FAIL", [])


def test_a_commit_is_a_version_and_an_alias_is_none() -> None:
    [event] = replaying.told(pachyderm.SYSTEM, "commit.json", context=CONTEXT)

    assert event["dataset"]["name"] == "accounts@master"
    assert replaying.told(pachyderm.SYSTEM, "commit_alias.json", context=CONTEXT) == []


def test_what_pachctl_prints_is_read_one_document_after_another(tmp_path: Path) -> None:
    folder = replaying.FIXTURES / "pachyderm"
    text = (folder / "job_failed.json").read_text() + "\n" + (folder / "commit.json").read_text()
    path = tmp_path / "printed"
    path.write_text(text)

    assert pachyderm.SYSTEM.read_files is not None
    assert [message.type for message in pachyderm.SYSTEM.read_files(path, NOW)] == ["job", "commit"]
    path.write_text(text + "{")
    with pytest.raises(Refused):
        list(pachyderm.SYSTEM.read_files(path, NOW))


def poll(client: polled.Http, cursor: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    found: list[str] = []
    for page in pachyderm.poll(client, CONTEXT, cursor, NOW):
        found += [f"{one.type} {one.document[one.type]['id']}" for one in page.messages]
        cursor = json.loads(json.dumps(page.cursor))
    return found, dict(cursor)


def test_a_poll_goes_back_to_the_oldest_job_that_was_not_over() -> None:
    def job(number: int, state: str = "JOB_SUCCESS") -> dict[str, Any]:
        made = {"pipeline": {"name": "train"}, "id": str(number)}
        return {"job": made, "state": state, "created": f"2026-03-02T0{number}:00:00Z"}

    jobs = [job(3), job(2, "JOB_RUNNING"), job(1)]
    repo = {"name": "accounts", "type": "user"}
    commit = {
        "commit": {"repo": repo, "id": "c1"},
        "started": "2026-03-02T01:00:00Z",
        "finished": "2026-03-02T01:00:01Z",
    }
    answers: dict[str, polled.Answer] = {
        "/api/pps_v2.API/ListJob": lambda asked: jobs,
        "/api/pfs_v2.API/ListRepo": lambda asked: [{"repo": repo}],
        "/api/pfs_v2.API/ListCommit": lambda asked: [{"result": commit}] if asked == {"repo": repo} else [],
    }
    with polled.serving(answers) as client:
        first, cursor = poll(client, {})
        assert first == ["job 3", "job 2", "job 1", "commit c1"]
        jobs[1]["state"] = "JOB_SUCCESS"
        again, cursor = poll(client, cursor)
        assert again == ["job 3", "job 2", "commit c1"]
        last, _ = poll(client, cursor)
        assert last == ["job 3", "commit c1"]
