"""Polls go on where they stopped, store page by page, and fail without losing what was found."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance.models import AuditEntry, Team
from integrations import polling, systems
from integrations.edge import Unreachable
from integrations.models import Connection, Delivery, Reading
from integrations.systems import circleci
from integrations.systems.base import Client, Context, Mechanism, Message, Page, Refused, System
from integrations.translating import Told, Translator
from lineage.models import Event as LogEvent
from tests.integrations import answering, connecting, replaying
from tests.integrations.answering import Asked, Reply, said

pytestmark = pytest.mark.django_db
ENDED = replaying.message(replaying.FIXTURES / "circleci" / "workflow_failed.json").document


def poll(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
    """Pages 0 to 2 of what the server has, from the page behind the cursor."""
    for number in range(int(cursor.get("page", -1)) + 1, 3):
        found = client.get("runs", {"page": number})
        yield Page(messages=[Message(received_at=now, document=one) for one in found], cursor={"page": number})


def read_files(path: Path, received_at: datetime) -> Iterator[Message]:
    """A message of each line of a file; a line that says `end` ends it."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line == "end":
            raise Refused("", f"Line {number} cannot be read.")
        document = ENDED | {"workflow": {**ENDED["workflow"], "id": line}}
        yield Message(received_at=received_at, document=document, headers={"file": path.name})


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    made = replace(circleci.SYSTEM, poll=poll, read_files=read_files, mechanisms=(Mechanism.POLL, Mechanism.IMPORT))
    monkeypatch.setattr(systems, "BY_SLUG", {"circleci": made})
    return made


def polled(team: Team, address: str) -> Connection:
    return connecting.connection(
        team, scheme=None, secrets=(), address=address, poll_interval_s=60, poll_at=timezone.now() - timedelta(hours=1)
    )


def page(number: int) -> list[dict[str, Any]]:
    return [ENDED | {"workflow": {**ENDED["workflow"], "id": f"run-{number}-{place}"}} for place in range(2)]


def test_a_poll_stores_page_by_page_and_goes_on_after_a_failure(team: Team, system: System, settings: Any) -> None:
    settings.OUTGOING_NETWORKS = [ip_network("127.0.0.1")]
    away = {2}

    def answer(asked: Asked) -> Reply:
        number = int(asked.path.rpartition("=")[2])
        return said({"error": "away"}, 404) if number in away else said(page(number))

    with answering.serving(answer) as server:
        connection = polled(team, server.address)
        assert polling.due(timezone.now()) == [connection.pk]

        first = polling.poll(connection.pk)

        assert first is not None
        assert (first.messages, first.new, "404" in first.error) == (4, 8, True)
        connection.refresh_from_db()
        assert (connection.poll_cursor, connection.poll_failures) == ({"page": 1}, 1)
        assert connection.poll_at is not None
        assert connection.poll_at > timezone.now() + timedelta(seconds=100)
        assert polling.poll(connection.pk) is None  # It is not due.
        away.clear()
        Connection.objects.update(poll_at=timezone.now())

        second = polling.poll(connection.pk)

    assert second is not None
    assert (second.messages, second.error) == (2, "")
    connection.refresh_from_db()
    assert (connection.poll_failures, connection.poll_cursor) == (0, {"page": 2})
    assert LogEvent.objects.count() == 12
    assert {event.sender for event in LogEvent.objects.all()} == {connection.user}


class Away:
    """A client of a system that is not there, or answers with what lacks everything."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def post(self, path: str, document: Any) -> Any:
        raise NotImplementedError

    def lines(self, path: str, document: Any) -> Iterator[Any]:
        raise NotImplementedError


def test_what_is_refused_is_told_with_the_reading(team: Team, system: System) -> None:
    connection = polled(team, "https://ci.example")

    reading = polling.poll(connection.pk, client=Away([{"type": "workflow-completed"}, ENDED]))

    assert reading is not None
    assert (reading.messages, reading.refused) == (6, 3)
    assert "project.id" in reading.errors[0]["error"]
    assert not Delivery.objects.exists()


def test_failing_polls_are_tried_less_and_less_often(team: Team, system: System) -> None:
    connection = polled(team, "https://ci.example")
    waits = []
    for _ in range(3):
        reading = polling.poll(connection.pk, client=Away(Unreachable("It is away.")))
        assert reading is not None
        assert reading.error == "It is away."
        connection.refresh_from_db()
        assert connection.poll_at is not None
        waits.append(connection.poll_at - timezone.now())
        Connection.objects.update(poll_at=timezone.now())

    assert waits == sorted(waits)
    assert waits[-1] > timedelta(minutes=5)


def test_news_that_comes_while_a_poll_runs_is_asked_for_right_after_it(team: Team, system: System) -> None:
    connection = polled(team, "https://ci.example")

    class Telling(Away):
        def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
            """As a message that there is news does it."""
            Connection.objects.filter(pk=connection.pk).update(poll_at=timezone.now())
            return super().get(path, params)

    assert polling.poll(connection.pk, client=Telling([])) is not None
    assert polling.due(timezone.now()) == [connection.pk]

    assert polling.poll(connection.pk, client=Away([])) is not None
    assert polling.due(timezone.now()) == []


def test_an_import_goes_on_where_it_was_interrupted(
    team: Team, system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.importing.CHUNK", 2)
    connection = connecting.connection(team, scheme=None, secrets=())
    file = tmp_path / "runs.txt"
    file.write_text("a\nb\nc\nd\ne\n")
    taken: list[int] = []
    real = polling.Progress.take

    def interrupted(self: polling.Progress, messages: Any, cursor: Any) -> None:
        taken.append(len(messages))
        if len(taken) == 2:
            raise KeyboardInterrupt
        real(self, messages, cursor)

    monkeypatch.setattr(polling.Progress, "take", interrupted)
    with pytest.raises(CommandError, match="goes on from here"):
        call_command("import_from", "circleci", str(file), "--no-progress")
    assert Reading.objects.get().messages == 2

    call_command("import_from", "circleci", str(file), "--no-progress")

    reading = Reading.objects.get()
    assert (reading.messages, reading.new, taken) == (5, 10, [2, 2, 2, 1])
    assert reading.ended_at is not None
    (entry,) = AuditEntry.objects.filter(action="system.imported")
    assert (entry.subject, entry.detail["new"]) == (f"connection:{connection.slug}", 10)


def test_a_file_that_cannot_be_read_is_told_and_what_came_before_is_kept(
    team: Team, system: System, tmp_path: Path
) -> None:
    connecting.connection(team, scheme=None, secrets=())
    file = tmp_path / "runs.txt"
    file.write_text("a\nend\n")

    with pytest.raises(CommandError, match="Line 2"):
        call_command("import_from", "circleci", str(file), "--no-progress")
    with pytest.raises(CommandError, match="is not there"):
        call_command("import_from", "circleci", str(tmp_path / "none"), "--no-progress")
    with pytest.raises(CommandError, match="no system"):
        call_command("import_from", "circles", str(file), "--no-progress")

    assert "Line 2" in Reading.objects.get().error


def test_what_the_import_before_took_is_not_translated_again(
    team: Team, system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connecting.connection(team, scheme=None, secrets=())
    file = tmp_path / "runs.txt"
    told: list[str] = []
    real = Translator.tell

    def tell(self: Translator, message: Message) -> Told:
        told.append(message.document["workflow"]["id"])
        return real(self, message)

    def take(text: str, *more: str) -> list[str]:
        """What is translated when a file of these lines is imported."""
        file.write_text(text)
        told.clear()
        call_command("import_from", "circleci", str(file), "--no-progress", *more)
        return list(told)

    monkeypatch.setattr(Translator, "tell", tell)

    assert take("a\nb\n") == ["a", "b"]
    assert take("a\nb\n") == []
    assert take("a\nc\nb\n") == ["c"]
    last = Reading.objects.latest("id")
    assert (last.messages, last.cursor["unchanged"], last.new) == (3, 2, 2)
    Connection.objects.update(last_success_at=None)
    assert take("a\nc\nb\n") == []
    connection.refresh_from_db()
    assert connection.last_success_at is not None
    assert take("a\nc\nb\n", "--from-start") == ["a", "c", "b"]
    Connection.objects.update(options={"registry": "mlflow://ml.example"})
    assert take("a\nc\nb\n") == ["a", "c", "b"]
    assert LogEvent.objects.count() == 6


def test_what_was_refused_is_read_again(
    team: Team, system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting.connection(team, scheme=None, secrets=())
    file = tmp_path / "runs.txt"
    file.write_text("a\n\n")

    for _ in range(2):
        with pytest.raises(CommandError, match="1 refused"):
            call_command("import_from", "circleci", str(file), "--no-progress")

    assert Reading.objects.latest("id").cursor["unchanged"] == 1
