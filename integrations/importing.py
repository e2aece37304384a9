"""Files that a system exported, taken in chunk by chunk. Interrupted, an import goes on where it stopped.

Taking the same file twice changes nothing, since an event is stored once; going on only saves the time.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance import audit
from governance.actions import Action
from governance.errors import Invalid
from governance.models import User
from integrations import connections, parsing, systems
from integrations.models import Connection, Reading, Via
from integrations.polling import CHUNK, Progress
from integrations.systems.base import Message, Refused
from integrations.translating import Translator


def start(*, actor: User | None, connection: Connection, path: Path, from_start: bool = False) -> Reading:
    """The reading of an import of a file or folder: one that was interrupted, or a new one.

    Raises Invalid when the system has no files, or when the connection is retired.
    """
    system = systems.BY_SLUG[connection.system]
    if system.read_files is None:
        raise Invalid(f"{system.title} has no files to import.", fields={"system": "Has no files to import."})
    if connection.retired_at is not None:
        raise Invalid(f"The connection {connection.slug} is retired.", fields={"connection": "Retired."})
    source = parsing.storable(str(path.resolve()))
    of_source = Reading.objects.filter(connection=connection, via=Via.IMPORT, source=source).order_by("-id")
    last = of_source.first()
    if last is not None and last.ended_at is None and not from_start and last.cursor.get("size") == _size(path):
        return last
    return Reading.objects.create(connection=connection, via=Via.IMPORT, source=source, cursor={"size": _size(path)})


def run(*, actor: User | None, reading: Reading, path: Path) -> Iterator[Reading]:
    """Take the files, and give the reading after each chunk. What was counted then is committed.

    The files cannot be read further when Refused is raised; the reading says so too.
    """
    connection = Connection.objects.select_related("user").get(pk=reading.connection_id)
    system = systems.BY_SLUG[connection.system]
    progress = Progress(reading=reading, translator=Translator(connection))
    messages = _read(connection, path, reading)
    size = reading.cursor.get("size")
    try:
        while chunk := _chunk(messages):
            progress.take(chunk, {"size": size, "messages": reading.messages + len(chunk)})
            yield reading
    except Refused as refusal:
        reading.error = parsing.storable(refusal.message)[:2_000]
        _end(actor, connection, reading)
        raise Refused("", f"{system.title}: {refusal.message}") from None
    _end(actor, connection, reading)


def _chunk(messages: Iterator[Message]) -> list[Message]:
    """The next messages that are stored together. One alone may hold a part of a store, which is much already."""
    chunk: list[Message] = []
    weight = 0
    for message in messages:
        chunk.append(message)
        weight += _weight(message)
        if weight >= CHUNK:
            break
    return chunk


def _weight(message: Message) -> int:
    """One, and each member of the longest list that it holds."""
    members = message.document.values() if isinstance(message.document, dict) else [message.document]
    return 1 + max((len(one) for one in members if isinstance(one, list)), default=0)


def _read(connection: Connection, path: Path, reading: Reading) -> Iterator[Message]:
    """The messages that are not taken yet. All get the time at which the import began, so going on changes none."""
    system = systems.BY_SLUG[connection.system]
    assert system.read_files is not None  # noqa: S101 - `start` looked
    return islice(system.read_files(path, reading.started_at), reading.messages, None)


@transaction.atomic
def _end(actor: User | None, connection: Connection, reading: Reading) -> None:
    reading.ended_at = timezone.now()
    reading.save(update_fields=["ended_at", "error"])
    changes: dict[str, Any] = {"last_success_at": reading.ended_at} if reading.events else {}
    if said := reading.error or next((one["error"] for one in reading.errors), ""):
        changes |= {"last_failure_at": reading.ended_at, "last_error": said}
    if changes:
        Connection.objects.filter(pk=connection.pk).update(**changes)
    audit.record(
        actor=actor,
        action=Action.SYSTEM_IMPORTED,
        subject=connections.subject(connection),
        detail={
            "source": reading.source,
            "messages": reading.messages,
            "events": reading.events,
            "new": reading.new,
            "refused": reading.refused,
            "error": reading.error,
        },
    )


def _size(path: Path) -> int:
    """Of the file, or of all files of the folder: when it differs, what was read before is not what lies there now."""
    if path.is_file():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
