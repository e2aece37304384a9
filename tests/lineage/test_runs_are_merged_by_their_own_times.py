"""What a run is does not depend on which of its events came first."""

from typing import Any
from uuid import UUID

import pytest

from lineage.models import Run, RunIO
from tests.lineage import growing

pytestmark = pytest.mark.django_db
RUN = "0190a0b0-0000-7000-8000-000000000001"


def event(event_type: str | None, minute: int, **changes: Any) -> dict[str, Any]:
    document = {
        "eventTime": f"2026-03-01T10:{minute:02}:00Z",
        "producer": "urn:assay:test",
        "run": {"runId": RUN},
        "job": {"namespace": "jobs", "name": "train"},
    }
    return document | ({"eventType": event_type} if event_type else {}) | changes


def grow(*documents: dict[str, Any]) -> Run:
    """One event, one batch: the worst order for merging."""
    for document in documents:
        growing.append([document])
        growing.project()
    return Run.objects.get(uuid=UUID(RUN))


def test_a_late_start_does_not_reopen_a_finished_run() -> None:
    run = grow(event("COMPLETE", 5), event("START", 1))

    assert run.state == "completed"
    assert run.started_at is not None
    assert run.started_at.minute == 1
    assert run.ended_at is not None
    assert run.ended_at.minute == 5


def test_of_several_starts_the_earliest_counts() -> None:
    run = grow(event("START", 3), event("START", 1), event("START", 2))

    assert run.started_at is not None
    assert run.started_at.minute == 1
    assert run.state == "running"


def test_of_two_terminal_events_the_later_by_its_own_time_holds() -> None:
    run = grow(event("FAIL", 7), event("COMPLETE", 5))

    assert run.state == "failed"


@pytest.mark.parametrize("event_type", ["RUNNING", "OTHER", None])
def test_nothing_takes_a_terminal_state_back(event_type: str | None) -> None:
    run = grow(event("COMPLETE", 5), event(event_type, 9))

    assert run.state == "completed"
    assert run.last_event_at.minute == 9


def test_a_run_without_any_telling_event_is_unknown() -> None:
    assert grow(event(None, 1)).state == "unknown"


def test_missing_and_empty_lists_remove_nothing() -> None:
    grow(
        event("START", 1, inputs=[{"namespace": "n", "name": "a"}]),
        event("COMPLETE", 2, inputs=[], outputs=[{"namespace": "n", "name": "b"}]),
        event("OTHER", 3, outputs=None),
    )

    assert sorted(RunIO.objects.values_list("direction", "asset__name")) == [("input", "a"), ("output", "b")]


def test_an_id_that_is_no_uuid_is_kept_as_text() -> None:
    growing.append([event("START", 1, run={"runId": "manual__2026-03-01T10:00:00+00:00"})])
    growing.project()

    assert Run.objects.get().external_id == "manual__2026-03-01T10:00:00+00:00"


def test_the_commit_comes_from_whichever_event_named_it_last() -> None:
    def job(sha: str) -> dict[str, Any]:
        location = {"type": "git", "url": "https://git.example/r", "repoUrl": "https://git.example/r", "version": sha}
        return {"namespace": "jobs", "name": "train", "facets": {"sourceCodeLocation": location}}

    run = grow(event("COMPLETE", 5), event("START", 2, job=job("newer")), event("START", 1, job=job("older")))

    assert run.commit is not None
    assert run.commit.key == "newer"
    assert run.commit.asset.kind == "repository"
