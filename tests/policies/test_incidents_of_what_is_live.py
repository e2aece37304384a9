"""What is live without a verdict, or while an alert stands, is an incident until that has passed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.errors import Conflict, Denied, Invalid
from governance.models import AuditEntry, TeamRole
from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from lineage import identity
from policies import incidents
from policies.incidentmodels import Incident
from policies.incidents import Ending, Kind
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.django_db
NOW = datetime.now(tz=UTC).replace(microsecond=0)
SERVER = Job("k8s://prod", "serving/credit").as_service("KSERVE")


def served(
    version: str, *, model: str = "credit", event: Type = Type.RUNNING, at: datetime = NOW, **facets: Any
) -> Event:
    served = Dataset(stories.REGISTRY, model).as_model(version)
    run = openlineage.run_id("revision", model, version)
    return openlineage.of_run(event, at=at, run=run, job=SERVER, inputs=[served], facets=facets)


def alert(version: str, *, closed_at: datetime | None = None) -> Event:
    said = {"id": "f1", "severity": "critical", "kind": "model_quality", "openedAt": NOW.isoformat()}
    if closed_at:
        said["closedAt"] = closed_at.isoformat()
    return openlineage.of_run(
        Type.OTHER,
        at=closed_at or NOW,
        run=openlineage.run_id("alert", "f1"),
        job=Job("alertmanager://prod", "AucIsLow"),
        inputs=[Dataset(stories.REGISTRY, "credit").as_model(version)],
        facets={"assay_alerts": {"alerts": [said]}},
    )


def standing() -> list[tuple[str, str]]:
    return list(Incident.objects.filter(closed_at=None).order_by("kind", "version").values_list("kind", "version"))


def guard(approvals: int = 0) -> None:
    stories.publish(
        f"policy: credit\napplies: {{stage: production}}\nrules:\n  - check: kpi\n    metric: auc\n"
        f"    minimum: 0.8\napprovals: {{count: {approvals}}}\n"
    )


def test_what_is_live_without_a_verdict_is_an_incident_until_one_lets_it_in() -> None:
    guard()
    stories.grow(stories.trained("1"), served("1"))
    incidents.watch()
    incidents.watch()

    (incident,) = Incident.objects.all()
    assert (incident.kind, incident.version, incident.stage, incident.severity) == (
        Kind.UNAPPROVED,
        "1",
        "production",
        "critical",
    )
    assert "serving/credit" in incident.headline

    requester = factories.member(factories.team("credit"), "requester")
    assert stories.judge(stories.ask(requester)).state == "passed"
    incidents.watch()
    incident.refresh_from_db()
    assert incident.closed_as == Ending.APPROVED
    actions = AuditEntry.objects.filter(subject=f"incident:{incident.uuid}").values_list("action", flat=True)
    assert sorted(actions) == ["incident.closed", "incident.opened"]


def test_a_version_that_was_taken_down_or_replaced_is_none() -> None:
    guard()
    stories.grow(stories.trained("1"), stories.trained("2"), served("1"))
    incidents.watch()
    assert standing() == [("unapproved", "1")]

    stories.grow(served("2", at=NOW + timedelta(seconds=1)))
    incidents.watch()
    assert standing() == [("unapproved", "2")]
    assert Incident.objects.get(version="1").closed_as == Ending.GONE

    stories.grow(served("2", event=Type.COMPLETE, at=NOW + timedelta(seconds=2)))
    incidents.watch()
    assert standing() == []


def test_the_watch_asks_no_more_often_the_more_models_are_live(
    django_assert_num_queries: Callable[..., AbstractContextManager[CaptureQueriesContext]],
) -> None:
    guard()
    stories.grow(served("1"))
    incidents.watch()
    with CaptureQueriesContext(connection) as of_one:
        incidents.watch()

    stories.grow(*(served("1", model=f"credit {number}") for number in range(5)))
    incidents.watch()
    with django_assert_num_queries(len(of_one)):
        incidents.watch()
    assert len(standing()) == 6


def test_where_no_policy_judges_nothing_is_asked() -> None:
    stories.publish("policy: other\napplies: {stage: staging}\nrules:\n  - check: lineage-complete\n")
    stories.grow(stories.trained("1"), served("1"))
    incidents.watch()

    assert standing() == []


def test_a_blocked_version_that_is_live_is_an_incident() -> None:
    guard()
    stories.grow(stories.trained("1", auc=0.5), served("1"))
    requester = factories.member(factories.team("credit"), "requester")
    assert stories.judge(stories.ask(requester)).state == "blocked"
    incidents.watch()

    assert standing() == [("unapproved", "1")]


def test_another_environment_is_another_stage() -> None:
    guard()
    stories.grow(stories.trained("1"), served("1", assay_deployment={"environment": "staging"}))
    incidents.watch()

    assert standing() == []


def test_an_alert_about_what_is_live_is_an_incident_until_it_is_taken_back() -> None:
    stories.grow(stories.trained("1"), served("1"), alert("1"), alert("2"))
    incidents.watch()
    (incident,) = Incident.objects.all()
    assert (incident.kind, incident.severity, incident.detail["alert"]) == (Kind.ALERT, "critical", "f1")
    assert incident.model_version == identity.version(stories.model(), "1")

    stories.grow(alert("1", closed_at=NOW + timedelta(minutes=1)))
    incidents.watch()
    incident.refresh_from_db()
    assert incident.closed_as == Ending.RESOLVED


def test_a_person_closes_one_with_a_reason_and_it_stays_closed() -> None:
    guard()
    stories.grow(stories.trained("1"), served("1"))
    incidents.watch()
    incident = Incident.objects.get()
    team = factories.team("credit")
    stories.owned(team)
    approver = factories.member(team, "approver", role=TeamRole.APPROVER)

    with pytest.raises(Denied):
        incidents.dismiss(actor=factories.member(team, "member"), incident=incident, reason="It is a test.")
    with pytest.raises(Invalid) as refused:
        incidents.dismiss(actor=approver, incident=incident, reason=" ")
    assert set(refused.value.fields) == {"reason"}
    incidents.dismiss(actor=approver, incident=incident, reason="It is a test.")
    with pytest.raises(Conflict):
        incidents.dismiss(actor=approver, incident=incident, reason="Again.")
    incidents.watch()

    incident.refresh_from_db()
    assert (incident.closed_as, incident.closed_by, incident.reason) == (Ending.DISMISSED, approver, "It is a test.")
    assert standing() == []
