"""One bad event does not stop the others, is shown with its reason, and can be replayed."""

from io import StringIO

import pytest
from django.core.management import call_command

from lineage import eventlog, events, projection, selectors
from lineage.models import Asset, Event, Outbox
from tests.lineage import growing

pytestmark = pytest.mark.django_db


def dataset_event(name: str) -> dict[str, object]:
    return {
        "eventTime": "2026-03-01T10:00:00Z",
        "producer": "urn:assay:test",
        "dataset": {"namespace": "n", "name": name},
    }


def unreadable_event() -> None:
    """A row that no receiver would write: what a bug or another program may leave in the log."""
    event = Event.objects.create(
        digest=b"\1" * 32, kind="run", event_time="2026-03-01T10:00:00Z", body=b'{"run": {}, "job": {}}'
    )
    Outbox.objects.create(event=event)


def test_the_events_around_it_reach_the_graph() -> None:
    growing.append([dataset_event("before")])
    unreadable_event()
    growing.append([dataset_event("after")])

    growing.project()

    assert sorted(Asset.objects.values_list("name", flat=True)) == ["after", "before"]
    assert projection.backlog() == 0
    letter = selectors.dead_letters().get()
    assert "KeyError" in letter.error


def test_a_replay_says_how_many_are_left() -> None:
    unreadable_event()
    growing.project()
    out = StringIO()

    call_command("replay_dead_letters", stdout=out)

    assert "1 dead letters replayed, 1 left." in out.getvalue()


def test_a_dead_letter_can_be_listed() -> None:
    unreadable_event()
    growing.project()
    out = StringIO()

    call_command("replay_dead_letters", "--list", stdout=out)

    assert "KeyError" in out.getvalue()


def test_a_stored_event_is_read_as_it_was_received() -> None:
    body = b'{ "eventTime": "2026-03-01T10:00:00Z", "producer": "p", "dataset": {"namespace": "n", "name": "x"} }'
    eventlog.append([events.read(body)], sender=None)

    assert bytes(Event.objects.get().body) == body
