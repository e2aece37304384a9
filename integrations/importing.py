"""Files that a system exported, taken in chunk by chunk. Interrupted, an import goes on where it stopped.

Taking the same file twice changes nothing, since an event is stored once; going on only saves the time. So does leaving
out what the import before took whole: a message that is the same to the byte, read under the same settings, says the
same again.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from governance import audit
from governance.actions import Action
from governance.errors import Invalid
from governance.models import User
from integrations import connections, parsing, systems
from integrations.models import Connection, DeliveryState, Join, JoinState, Reading, Via
from integrations.polling import CHUNK, Progress
from integrations.systems.base import Message, Refused
from integrations.translating import Told, Translator

# Of so many messages an import remembers that it took them. They stand in one row, which is written with each chunk.
MOST_REMEMBERED = 5_000
_ENCODER = msgspec.json.Encoder(order="sorted")


@dataclass
class Import(Progress):
    """An import as it goes. `before`: what the one before took whole; `taken`: what this one did, in its order."""

    before: frozenset[str] = frozenset()
    taken: list[str] = field(default_factory=list)

    def is_unchanged(self, message: Message) -> bool:
        """Whether the import before took it; then it counts as taken by this one."""
        mark = marked(message)
        if not mark or mark not in self.before:
            return False
        self._remember(mark)
        return True

    def _note(self, message: Message, told: Told) -> None:
        super()._note(message, told)
        # What lacks something may lack it no longer when it is read again.
        if told.state in {DeliveryState.TRANSLATED, DeliveryState.IGNORED} and not told.unresolved:
            self._remember(marked(message))

    def _remember(self, mark: str) -> None:
        if mark and len(self.taken) < MOST_REMEMBERED:
            self.taken.append(mark)


def start(*, actor: User | None, connection: Connection, path: Path, from_start: bool = False) -> Reading:
    """The reading of an import of a file or folder: one that was interrupted, or a new one.

    A new one leaves out what the one before took, unless it is to be taken `from_start`. Raises Invalid when the system
    has no files, or when the connection is retired.
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
    cursor: dict[str, Any] = {"size": _size(path), "settings": _settings(connection)}
    if last is not None and not from_start and last.cursor.get("settings") == cursor["settings"]:
        cursor["before"] = last.pk
    return Reading.objects.create(connection=connection, via=Via.IMPORT, source=source, cursor=cursor)


def run(*, actor: User | None, reading: Reading, path: Path) -> Iterator[Reading]:
    """Take the files, and give the reading after each chunk. What was counted then is committed.

    The files cannot be read further when Refused is raised; the reading says so too.
    """
    connection = Connection.objects.select_related("user").get(pk=reading.connection_id)
    system = systems.BY_SLUG[connection.system]
    cursor = reading.cursor
    progress = Import(
        reading=reading, translator=Translator(connection), before=_before(cursor), taken=list(cursor.get("taken", ()))
    )
    unchanged = cursor.get("unchanged", 0)
    messages = _read(connection, path, reading)
    try:
        while chunk := _chunk(messages):
            changed = [message for message in chunk if not progress.is_unchanged(message)]
            unchanged += len(chunk) - len(changed)
            reading.messages += len(chunk) - len(changed)
            come = {"messages": reading.messages + len(changed), "unchanged": unchanged, "taken": progress.taken}
            progress.take(changed, cursor | come)
            yield reading
    except Refused as refusal:
        reading.error = parsing.storable(refusal.message)[:2_000]
        _end(actor, connection, reading)
        raise Refused("", f"{system.title}: {refusal.message}") from None
    _end(actor, connection, reading)


def marked(message: Message) -> str:
    """What tells the message from any other; empty when it holds what JSON cannot."""
    try:
        told = _ENCODER.encode([message.type, dict(message.headers)])
        told += message.body or _ENCODER.encode(message.document)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.EncodeError):
        return ""
    return hashlib.sha256(told).hexdigest()[:32]


def _before(cursor: dict[str, Any]) -> frozenset[str]:
    last = Reading.objects.filter(pk=cursor["before"]).first() if "before" in cursor else None
    return frozenset(last.cursor.get("taken", ())) if last is not None else frozenset()


def _settings(connection: Connection) -> str:
    """A digest of all that decides, beside a message itself, what it says."""
    decided = Join.objects.filter(connection=connection, state__in=[JoinState.CONFIRMED, JoinState.REJECTED])
    joined = sorted(decided.values_list("name", "asset", "state"))
    told = _ENCODER.encode([connection.namespace, connection.options, joined])
    return hashlib.sha256(_code() + told).hexdigest()[:32]


@cache
def _code() -> bytes:
    """The digest of what translates, which may read more of the same message after an update."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


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
    is_known = reading.events or reading.cursor.get("unchanged")
    changes: dict[str, Any] = {"last_success_at": reading.ended_at} if is_known else {}
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
