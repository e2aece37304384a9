"""What CI and monitoring tell stands in the graph: who reviewed a commit, what is live, and which alerts are open."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import alertmanager, github
from integrations.systems.alerting import AlertOptions
from integrations.systems.base import Context, Message, Options, System
from lineage import live
from lineage.models import Run, RunDetail
from tests.integrations import replaying
from tests.policies import stories

pytestmark = pytest.mark.django_db
SHA = "3f1c9e0a5b7d42e8861f0c4d2b9a7e6513c8d0f4"
NOW = datetime.now(tz=UTC).replace(microsecond=0) - timedelta(hours=1)


def told(system: System, name: str, options: Options) -> list[Event]:
    context = Context(namespace=f"{system.slug}://test", options=options)
    return replaying.told(system, f"{name}.json", context=context)


def alerts(status: str, *, closed_at: datetime | None = None) -> list[Event]:
    one: dict[str, Any] = {
        "status": status,
        "labels": {"alertname": "ScoreDriftHigh", "model": "loans", "version": "7", "severity": "critical"},
        "startsAt": NOW.isoformat(),
        "endsAt": closed_at.isoformat() if closed_at else "0001-01-01T00:00:00Z",
        "fingerprint": "aaaa0000bbbb1111",
    }
    document = {"version": "4", "status": status, "alerts": [one]}
    message = Message(received_at=NOW, document=document, type="webhook")
    options = AlertOptions(registry=stories.REGISTRY)
    return alertmanager.SYSTEM.events(message, Context(namespace="alertmanager://test", options=options))


def test_an_approval_counts_for_the_commit_that_the_merge_made() -> None:
    stories.grow(*told(github.SYSTEM, "pull_request_was_merged", Options()))
    stories.grow(*told(github.SYSTEM, "pull_request_was_approved", Options()))

    (run,) = Run.objects.all()
    assert run.commit is not None
    assert run.commit.key == SHA
    found: dict[str, Any] = {}
    for one in RunDetail.objects.filter(run=run.uuid, name="commit").order_by("first_seen_at"):
        found |= one.body
    assert (found["author"], found["reviewers"], found["is_on_default_branch"]) == ("acme-author", ["acme-lead"], True)


def test_a_version_is_live_from_the_success_of_its_deployment_to_its_end() -> None:
    options = Options(registry=stories.REGISTRY)
    stories.grow(*told(github.SYSTEM, "deployment_of_a_model_version", options))
    assert live.versions() == []

    stories.grow(*told(github.SYSTEM, "deployment_is_live", options))
    (one,) = live.versions()
    assert (one.namespace, one.name, one.key, one.stage) == (stories.REGISTRY, "loans", "7", "production")


def test_the_end_of_a_deployment_does_not_hide_the_one_that_took_its_place() -> None:
    options = Options(registry=stories.REGISTRY)
    before = told(github.SYSTEM, "deployment_of_a_tag_is_replaced", options)[0]
    model = Dataset(stories.REGISTRY, "loans").as_model("v6")
    stories.grow(
        openlineage.of_run(
            Type.RUNNING,
            at=datetime(2026, 3, 1, tzinfo=UTC),
            run=before["run"]["runId"],
            job=Job(before["job"]["namespace"], before["job"]["name"]).as_service("CI"),
            inputs=[model],
        )
    )
    assert [one.key for one in live.versions()] == ["v6"]

    stories.grow(*told(github.SYSTEM, "deployment_is_live", options), before)
    assert [one.key for one in live.versions()] == ["7"]


def test_an_alert_stands_from_its_firing_to_its_end_however_often_it_is_told() -> None:
    stories.grow(*alerts("firing"), *alerts("firing"))
    (one,) = live.open_alerts()
    assert (one.job_name, one.severity, one.kind, one.opened_at) == ("ScoreDriftHigh", "critical", "input_data", NOW)

    stories.grow(*alerts("resolved", closed_at=NOW + timedelta(minutes=20)))
    assert live.open_alerts() == []

    stories.grow(*alerts("firing"))
    assert live.open_alerts() == []
