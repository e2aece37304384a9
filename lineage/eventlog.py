"""The append to the event log: each event once, with its place in the outbox, in one transaction."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from governance import database
from governance.errors import Unavailable
from governance.models import User
from lineage import nudge
from lineage.events import NewEvent, canonical

# One statement is one transaction and one round trip. Rows that conflict are known already and are not queued again.
_STORE = """
WITH stored AS (
    INSERT INTO lineage_event (digest, kind, event_time, run, sender_id, body, masked, warnings)
    {source}
    ON CONFLICT (digest) DO NOTHING RETURNING id, digest
), queued AS (
    INSERT INTO lineage_outbox (event_id) SELECT id FROM stored
)
SELECT digest, id FROM stored
"""
_ONE = _STORE.format(
    source="VALUES (%b::bytea, %b::text, %b::timestamptz, %b::uuid, %b::bigint, %b::bytea, %b::bool, %b::text::jsonb)"
)
# Arrays travel in binary: as text the same insert takes eight times as long.
_MANY = _STORE.format(
    source="""SELECT digest, kind, event_time, run, sender, body, masked, warnings::jsonb
    FROM unnest(%b::bytea[], %b::text[], %b::timestamptz[], %b::uuid[], %b::bigint[], %b::bytea[], %b::bool[],
                %b::text[])
         AS new (digest, kind, event_time, run, sender, body, masked, warnings)"""
)
_BACKLOG_SPAN = """
SELECT coalesce((SELECT max(event_id) FROM lineage_outbox), 0) - coalesce(
    (SELECT event_id FROM lineage_outbox WHERE NOT is_dead ORDER BY event_id LIMIT 1), 0)
"""
_BACKLOG_COUNT = "SELECT count(*) FROM (SELECT 1 FROM lineage_outbox WHERE NOT is_dead LIMIT %s) AS waiting"
BACKLOG_AGE_S = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """An event and who sent it, if that is known."""

    event: NewEvent
    sender: User | None


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one event: its id in the log if it is new, None if the log had it already."""

    event_id: int | None

    @property
    def is_new(self) -> bool:
        return self.event_id is not None


class Overloaded(Unavailable):
    """More events wait for the graph than the service lets wait."""

    code = "overloaded"
    retry_after_s = 10


def append(batch: Sequence[NewEvent], *, sender: User | None) -> list[Appended]:
    """Store the events that the log does not have, each with its outbox row, and say of each whether it is new.

    All in one transaction, or in the caller's. An event that comes twice in the batch is new once.
    """
    return append_of([Sent(event, sender) for event in batch])


def append_of(batch: Sequence[Sent]) -> list[Appended]:
    """`append` for events of several senders."""
    if not batch:
        return []
    if len(batch) == 1:
        ids = _execute(_ONE, _row(batch[0]))
    else:
        # In the order of the digests, so that two senders of the same events wait for each other, not in a deadlock.
        unique = {sent.event.digest: sent for sent in reversed(batch)}
        rows = [_row(unique[digest]) for digest in sorted(unique)]
        ids = _execute(_MANY, [list(column) for column in zip(*rows, strict=True)])
    if ids:
        transaction.on_commit(nudge.projector)
    return [Appended(ids.pop(sent.event.digest, None)) for sent in batch]


def _row(sent: Sent) -> tuple[Any, ...]:
    event = sent.event
    return (
        event.digest,
        event.kind.value,
        event.event_time,
        event.run,
        None if sent.sender is None else sent.sender.pk,
        event.body,
        event.masked,
        canonical(event.warnings).decode() if event.warnings else "[]",
    )


def _execute(statement: str, parameters: Sequence[Any]) -> dict[bytes, int]:
    """The ids of the new rows by digest. A connection that the server has ended meanwhile is made anew, once.

    Trying again is safe, since an event is stored once.
    """
    try:
        return _execute_once(statement, parameters)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        database.renew_pool()
        return _execute_once(statement, parameters)


def _execute_once(statement: str, parameters: Sequence[Any]) -> dict[bytes, int]:
    # psycopg's own cursor: Django's puts parameters into the text of the statement.
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return {bytes(digest): event_id for digest, event_id in cursor}


class _Backlog:
    """Whether too many events wait, looked up at most once a second in each process."""

    def __init__(self) -> None:
        self._is_exceeded = False
        self._looked_at = -BACKLOG_AGE_S

    def is_exceeded(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at >= BACKLOG_AGE_S:
            self._looked_at = now
            self._is_exceeded = _exceeds(settings.LINEAGE_MAX_BACKLOG)
        return self._is_exceeded


def _exceeds(limit: int) -> bool:
    with connection.cursor() as cursor:
        # The span of ids is at least the number of rows and costs nothing; only a wide one is worth counting.
        cursor.execute(_BACKLOG_SPAN)
        if cursor.fetchone()[0] < limit:
            return False
        cursor.execute(_BACKLOG_COUNT, [limit + 1])
        return bool(cursor.fetchone()[0] > limit)


_backlog = _Backlog()


def refuse_overload() -> None:
    """Raise Overloaded while more than LINEAGE_MAX_BACKLOG events are stored and not yet in the graph."""
    if _backlog.is_exceeded():
        raise Overloaded("Too many events wait for the graph; send this again a little later.")
