"""Which model version a deployment serves, and which alerts stand, when senders tell revisions and states."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import watches
from integrations.systems.watches import Alert
from lineage import live
from tests.policies import stories

pytestmark = pytest.mark.django_db
NOW = datetime.now(tz=UTC).replace(microsecond=0) - timedelta(hours=2)
SERVER = Job("kserve://prod", "bank/loans").as_service("KSERVE")
WATCH = Job("seldon://prod", "bank/loans.KSDrift")


def model(version: str) -> Dataset:
    return Dataset(stories.REGISTRY, "loans").as_model(version)


def revision(version: str, type: Type, minute: int, **facets: Any) -> Event:
    run = openlineage.run_id("revision", version)
    at = NOW + timedelta(minutes=minute)
    inputs = [model(version)] if type is not Type.START else []
    return openlineage.of_run(type, at=at, run=run, job=SERVER, inputs=inputs, facets=facets)


def drift(minute: int, *, is_found: bool) -> Event:
    at = NOW + timedelta(minutes=minute)
    found = Alert(id="loans/age", kind="drift", severity="warning", closed_at=None if is_found else at)
    return watches.told([found], job=WATCH, at=at, about=[model("1")])


def test_a_canary_that_is_taken_back_gives_way_to_the_revision_before() -> None:
    stories.grow(revision("1", Type.RUNNING, 0), revision("2", Type.START, 1))
    assert [one.key for one in live.versions()] == ["1"]

    stories.grow(revision("1", Type.RUNNING, 2), revision("2", Type.RUNNING, 2))
    assert [one.key for one in live.versions()] == ["2"]

    stories.grow(revision("1", Type.RUNNING, 3), revision("2", Type.ABORT, 3))
    assert [one.key for one in live.versions()] == ["1"]


def test_an_alert_stands_while_the_newest_word_on_it_is_bad() -> None:
    stories.grow(drift(0, is_found=False))
    assert live.open_alerts() == []

    stories.grow(drift(1, is_found=True), drift(2, is_found=True))
    assert [(one.id, one.opened_at) for one in live.open_alerts()] == [("loans/age", NOW + timedelta(minutes=1))]

    stories.grow(drift(3, is_found=False))
    assert live.open_alerts() == []

    stories.grow(drift(4, is_found=True))
    assert [one.id for one in live.open_alerts()] == ["loans/age"]
