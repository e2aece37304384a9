"""Taking deliveries in: each is stored once, in one statement, with its place in the queue of the translator."""

import json
import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from governance import database
from governance.errors import Invalid
from integrations import nudging, parsing
from integrations.doors import Door
from integrations.models import Connection, Delivery, DeliveryState, Via
from integrations.systems.base import Message
from integrations.translating import Told
from lineage import eventlog
from lineage.eventlog import Overloaded

logger = logging.getLogger(__name__)

# More than this waiting for the translator, and senders are asked to come again.
MAX_WAITING = 100_000
WAITING_AGE_S = 1.0
# What was polled or imported and waits for a name is looked at again this much later.
KEPT_AFTER = timedelta(minutes=1)
# Requests to models come one by one and are told together: how long the first of them waits for more.
GATHER_FOR = timedelta(seconds=10)
# Why a delivery was not believed is written down once a minute, however many come.
UNTRUSTED_STEP_S = 60.0

_STORE = """
INSERT INTO integrations_delivery (connection_id, key, type, headers, body, received_at, state, due_at, error)
VALUES (%b::bigint, %b::text, %b::text, %b::jsonb, %b::bytea, %b::timestamptz, %b::text, %b::timestamptz, %b::text)
ON CONFLICT (connection_id, key) DO NOTHING RETURNING id
"""
_WAITING = "SELECT count(*) FROM (SELECT 1 FROM integrations_delivery WHERE due_at <= now() LIMIT %s) AS waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a delivery: its number, None when it was known already, and its state."""

    delivery: int | None
    state: DeliveryState
    error: str = ""


def take(door: Door, *, headers: dict[str, str], body: bytes, document: Any, now: datetime) -> Taken:
    """Store a believed delivery. `document` is what `parsing` made of the body; None when it is no JSON."""
    system = door.system
    message = Message(received_at=now, document=document, body=body, headers=headers)
    state, error, key = DeliveryState.RECEIVED, "", ""
    try:
        message = replace(message, type=parsing.storable(system.type_of(message)))
        key = system.key_of(message)
        if message.type in system.ignored:
            state = DeliveryState.IGNORED
        elif message.type not in system.handled:
            state = DeliveryState.UNKNOWN
    except Invalid as refusal:
        state, error = DeliveryState.REFUSED, parsing.storable(refusal.message)
    except Exception:
        # What a delivery says is never lost by a mistake in the system's module: the translator meets it again.
        logger.exception("The module of %s could not tell the type of a delivery.", system.slug)
    is_due = state is DeliveryState.RECEIVED
    is_gathered = message.type in system.gathered
    delivery = _execute(
        (
            door.connection_id,
            parsing.key(key, body, document),
            message.type,
            Jsonb(headers),
            # What was asked of a model, and answered, is about people. It is not needed, and so not kept.
            b"" if is_gathered else body,
            now,
            state.value,
            (now + GATHER_FOR if is_gathered else now) if is_due else None,
            error,
        )
    )
    if delivery is not None and is_due and not is_gathered:
        nudging.translator()
    if delivery is not None and message.type in system.nudges:
        _poll_soon(door)
    return Taken(delivery=delivery, state=state, error=error)


def _poll_soon(door: Door) -> None:
    """Have the connection polled at the next look, unless it is not polled at all."""
    polled = Connection.objects.filter(pk=door.connection_id, is_active=True, poll_interval_s__isnull=False)
    polled.update(poll_at=timezone.now())


def _execute(parameters: tuple[Any, ...]) -> int | None:
    """The id of the new row. A connection that the server has ended meanwhile is made anew, once."""
    try:
        return _execute_once(parameters)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        database.renew_pool()
        return _execute_once(parameters)


def _execute_once(parameters: tuple[Any, ...]) -> int | None:
    # psycopg's own cursor: Django's puts parameters into the text of the statement.
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(_STORE, parameters, prepare=True).fetchone()
    return None if row is None else int(row[0])


class _Waiting:
    """Whether too many deliveries wait, looked up at most once a second in each process."""

    def __init__(self) -> None:
        self._is_exceeded = False
        self._looked_at = -WAITING_AGE_S

    def is_exceeded(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at >= WAITING_AGE_S:
            self._looked_at = now
            with connection.cursor() as cursor:
                cursor.execute(_WAITING, [MAX_WAITING + 1])
                self._is_exceeded = cursor.fetchone()[0] > MAX_WAITING
        return self._is_exceeded


_waiting = _Waiting()


def refuse_overload() -> None:
    """Raise Overloaded while too many deliveries wait to be translated, or events for the graph."""
    eventlog.refuse_overload()
    if _waiting.is_exceeded():
        raise Overloaded("Too many deliveries wait to be translated; send this again a little later.")


class _Untrusted:
    """Writes down why deliveries were not believed, for those who set the connection up."""

    def __init__(self) -> None:
        self._noted: dict[int, float] = {}

    def note(self, door: Door, message: str) -> None:
        now = time.monotonic()
        if now - self._noted.get(door.connection_id, -UNTRUSTED_STEP_S) < UNTRUSTED_STEP_S:
            return
        self._noted[door.connection_id] = now
        Connection.objects.filter(pk=door.connection_id).update(
            last_untrusted_at=timezone.now(), last_untrusted=parsing.storable(message)[:2_000]
        )


_untrusted = _Untrusted()
note_untrusted = _untrusted.note


def keep(connection: Connection, message: Message, told: Told, *, via: Via) -> None:
    """Keep a message that was polled or imported and waits for something, to be translated again. In a transaction."""
    body = message.body or json.dumps(message.document).encode()
    key = parsing.key("", body + message.type.encode("utf-8", "replace"), None)
    now = timezone.now()
    Delivery.objects.bulk_create(
        [
            Delivery(
                connection=connection,
                key=f"{via.value}:{key}",
                via=via.value,
                type=parsing.storable(message.type),
                headers=parsing.kept(message.headers),
                body=body,
                received_at=now,
                state=told.state.value,
                attempts=1,
                translated_at=now,
                events=len(told.events),
                error=told.error[:2_000],
                unresolved=told.unresolved or None,
                due_at=now + KEPT_AFTER,
            )
        ],
        ignore_conflicts=True,
    )
