"""What an operator did to the log and the graph stands in the audit log."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from governance.actions import Action
from governance.models import AuditEntry
from lineage.models import Event, Outbox
from tests.lineage import growing, sent


def entries(action: Action) -> list[dict[str, Any]]:
    found = AuditEntry.objects.filter(action=action).order_by("id")
    assert all(entry.actor is None for entry in found)
    return [entry.detail for entry in found]


@pytest.fixture
def file(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(sent.body(event) for event in sent.several(3)))
    return path


@pytest.mark.django_db
def test_an_import_tells_what_it_took_from_which_file(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"\n{}\n")

    with pytest.raises(CommandError, match="1 refused"):
        call_command("import_events", str(file), "--no-progress")

    (detail,) = entries(Action.EVENTS_IMPORTED)
    assert detail == {"file": str(file), "from_byte": 0, "new": 3, "known": 0, "refused": 1}


@pytest.mark.django_db
def test_an_import_of_what_is_known_changes_nothing_and_tells_nothing(file: Path) -> None:
    for _ in range(2):
        call_command("import_events", str(file), "--no-progress")

    assert len(entries(Action.EVENTS_IMPORTED)) == 1


@pytest.mark.django_db
def test_an_import_that_breaks_off_tells_what_it_took(file: Path, settings: Settings) -> None:
    """It breaks off after the first chunk, where a folder stands in the way of the bookmark."""
    bookmarks = settings.DATA_DIR / "imports"
    (bookmarks / f"{hashlib.sha256(bytes(file)).hexdigest()[:32]}.{os.getpid()}").mkdir(parents=True)

    with pytest.raises(CommandError, match="Is a directory"):
        call_command("import_events", str(file), "--no-progress")

    assert Event.objects.count() == 3
    assert [detail["new"] for detail in entries(Action.EVENTS_IMPORTED)] == [3]


@pytest.mark.django_db
def test_a_name_of_a_file_that_is_no_text_is_told_as_far_as_it_goes(file: Path) -> None:
    odd = file.with_name(b"odd-\xff.jsonl".decode(errors="surrogateescape"))
    file.rename(odd)

    call_command("import_events", str(odd), "--no-progress")

    (detail,) = entries(Action.EVENTS_IMPORTED)
    assert detail["file"].endswith("odd-\ufffd.jsonl")


@pytest.mark.django_db
def test_a_replay_tells_how_many(file: Path) -> None:
    event = Event.objects.create(digest=b"\1" * 32, kind="run", event_time="2026-03-01T10:00:00Z", body=b"{}")
    Outbox.objects.create(event=event)
    growing.project()

    call_command("replay_dead_letters")
    Outbox.objects.all().delete()
    call_command("replay_dead_letters")

    assert entries(Action.DEAD_LETTERS_REPLAYED) == [{"events": 1}]


def test_a_rebuild_tells_of_how_many(committed_db: object, file: Path) -> None:
    call_command("import_events", str(file), "--no-progress")

    call_command("rebuild_graph", "--no-progress")

    assert entries(Action.GRAPH_REBUILT) == [{"events": 3}]
