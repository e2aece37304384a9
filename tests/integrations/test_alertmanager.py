"""Alertmanager's groups become alerts about model versions, each told once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from governance.errors import Invalid
from integrations.openlineage import Event
from integrations.systems import alertmanager
from integrations.systems.alerting import AlertOptions, Labels
from integrations.systems.base import Context, Message
from tests.integrations import replaying
from tests.integrations.recorded import Answers

CONTEXT = Context(namespace="alertmanager://monitoring", options=AlertOptions())


def told(name: str) -> list[Event]:
    return replaying.told(alertmanager.SYSTEM, f"{name}.json", context=CONTEXT)


def alert_of(event: Event) -> dict[str, Any]:
    (alert,) = event["run"]["facets"]["assay_alerts"]["alerts"]
    return dict(alert)


def test_each_alert_of_a_group_is_told_by_its_own_state_and_only_if_it_is_about_a_model() -> None:
    fires, began, ended = told("group_fires_with_a_resolved_member")

    assert (fires["eventType"], fires["eventTime"]) == ("START", "2026-03-05T10:00:00.250000+00:00")
    assert fires["job"]["name"] == "ScoreDriftHigh"
    (model,) = fires["inputs"]
    assert (model["name"], model["facets"]["version"]["datasetVersion"]) == ("loans", "7")
    assert alert_of(fires) == {
        "id": "aaaa0000bbbb1111@2026-03-05T10:00:00.250000+00:00",
        "openedAt": "2026-03-05T10:00:00.250000+00:00",
        "kind": "input_data",
        "severity": "critical",
    }
    assert replaying.facets(fires, "run", "facets", "assay_monitors") == {
        "monitors": [{"kind": "input_data", "hasLimit": True, "hasRecipient": True}]
    }
    assert fires["run"]["facets"]["assay_run"]["environment"] == "production"
    assert (began["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert alert_of(ended)["closedAt"] == "2026-03-05T09:30:00+00:00"
    assert alert_of(ended)["kind"] == "service_health"
    assert "not-carried" not in str(fires)


def test_what_is_told_again_is_the_same_event_and_the_end_is_of_the_same_run() -> None:
    fires = told("group_fires_with_a_resolved_member")[0]
    again, ended = told("group_is_resolved")
    (polled,) = told("api_v2_alerts__open")
    *_, gone = told("gone__since_the_last_look")

    assert fires == again == polled
    assert {one["run"]["runId"] for one in (fires, ended, gone)} == {fires["run"]["runId"]}
    assert (gone["eventType"], alert_of(gone)["closedAt"]) == ("COMPLETE", "2026-03-05T11:00:30+00:00")


def test_a_group_that_is_sent_again_has_the_same_key_until_something_changes() -> None:
    fires = replaying.message(replaying.FIXTURES / "alertmanager" / "group_fires_with_a_resolved_member.json")
    resolved = replaying.message(replaying.FIXTURES / "alertmanager" / "group_is_resolved.json")
    turned = {**fires.document, "alerts": fires.document["alerts"][::-1], "groupKey": "other"}

    assert alertmanager.key_of(fires) == alertmanager.key_of(Message(received_at=fires.received_at, document=turned))
    assert alertmanager.key_of(fires) != alertmanager.key_of(resolved)


def test_labels_and_what_has_none_can_be_named_in_the_options() -> None:
    document = {
        "version": "4",
        "alerts": [{"status": "firing", "startsAt": "2026-03-05T10:00:00Z", "labels": {"ml_model": "loans"}}],
    }
    options = AlertOptions(labels=Labels(model="ml_model"), version="7", environment="staging")
    message = Message(received_at=replaying.RECEIVED_AT, document=document, type="webhook")
    (event,) = alertmanager.SYSTEM.events(message, Context(namespace="alertmanager://m", options=options))

    assert event["inputs"][0]["facets"]["version"]["datasetVersion"] == "7"
    assert event["run"]["facets"]["assay_run"]["environment"] == "staging"
    assert "assay_monitors" not in event["run"]["facets"]
    assert alertmanager.SYSTEM.events(message, CONTEXT) == []


@pytest.mark.parametrize(
    "document", [{"version": "3", "alerts": []}, {"version": "4"}, {"version": "4", "alerts": [], "orgId": 1}, [], None]
)
def test_another_form_is_refused_with_what_to_do(document: Any) -> None:
    with pytest.raises(Invalid, match=r"payload|Grafana"):
        alertmanager.type_of(Message(received_at=replaying.RECEIVED_AT, document=document))


def test_what_was_open_at_the_last_look_and_is_not_any_more_is_closed() -> None:
    first, second = datetime(2026, 3, 5, 10, 1, tzinfo=UTC), datetime(2026, 3, 5, 11, tzinfo=UTC)
    found = replaying.message(replaying.FIXTURES / "alertmanager" / "api_v2_alerts__open.json").document
    (page,) = alertmanager.poll(Answers({"api/v2/alerts": found}), CONTEXT, {}, first)
    (after,) = alertmanager.poll(Answers({"api/v2/alerts": []}), CONTEXT, page.cursor, second)
    (same,) = alertmanager.poll(Answers({"api/v2/alerts": found}), CONTEXT, page.cursor, second)

    assert [one.type for one in page.messages] == ["api_v2_alerts"]
    assert [one.type for one in after.messages] == ["api_v2_alerts", "gone"]
    closed = alertmanager.SYSTEM.events(list(after.messages)[1], CONTEXT)[-1]
    assert (closed["eventType"], closed["eventTime"]) == ("COMPLETE", "2026-03-05T11:00:00+00:00")
    assert closed["run"]["runId"] == told("api_v2_alerts__open")[0]["run"]["runId"]
    assert after.cursor == {"open": []}
    assert [one.type for one in same.messages] == ["api_v2_alerts"]
