"""Asking systems that do not push, and those that push and lose: page by page, each stored before the next is asked.

A poll goes on where the last one stopped, whatever stopped it: the cursor is saved in the transaction that appends the
page's events. What a page tells twice is stored once.
"""

import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.errors import DomainError
from integrations import edge, intake, parsing, systems
from integrations.locks import only_one
from integrations.models import Connection, DeliveryState, Reading, Via
from integrations.systems.base import Client, Message
from integrations.translating import Told, Translator

logger = logging.getLogger(__name__)

# A poll that finds more than it can take in this time goes on with the next one, so that others have their turn.
LONGEST_S = 240.0
# Failing polls are tried less and less often.
LONGEST_BACK_OFF = timedelta(hours=1)
JITTER = 0.1
# Of one page so many messages are stored in one transaction.
CHUNK = 500
MAX_ERRORS = 20
KEPT_READINGS = timedelta(days=30)


@dataclass(slots=True)
class Progress:
    """A reading as it goes."""

    reading: Reading
    translator: Translator

    def take(self, messages: Sequence[Message], cursor: Mapping[str, Any] | None) -> None:
        """Store what these messages become, and the cursor behind them, in one transaction."""
        chunks = [messages[start : start + CHUNK] for start in range(0, len(messages), CHUNK)] or [()]
        for place, chunk in enumerate(chunks):
            self._store(chunk, cursor if place == len(chunks) - 1 else None)

    @transaction.atomic
    def _store(self, messages: Sequence[Message], cursor: Mapping[str, Any] | None) -> None:
        connection, reading = self.translator.connection, self.reading
        told = [self.translator.tell(message) for message in messages]
        reading.new += self.translator.append(told)
        reading.messages += len(told)
        reading.events += sum(len(one.events) for one in told)
        for message, one in zip(messages, told, strict=True):
            self._note(message, one)
        if cursor is not None:
            reading.cursor = dict(cursor)
            if reading.via == Via.POLL:
                Connection.objects.filter(pk=connection.pk).update(poll_cursor=dict(cursor))
        reading.save(update_fields=["messages", "events", "new", "refused", "errors", "cursor"])

    def _note(self, message: Message, told: Told) -> None:
        """Count what was refused, and keep what waits for a name as a delivery, to be translated again."""
        if told.state in {DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.UNKNOWN}:
            self.reading.refused += 1
            if len(self.reading.errors) < MAX_ERRORS:
                where = message.headers.get("file", "")
                error = told.error or f"The type {message.type[:100]!r} is unknown."
                self.reading.errors.append({"where": parsing.storable(where), "error": error})
        if told.unresolved or told.state is DeliveryState.FAILED:
            intake.keep(self.translator.connection, message, told, via=Via(self.reading.via))


def due(now: datetime) -> list[int]:
    """The connections that are to be polled now."""
    found = Connection.objects.filter(is_active=True, poll_at__lte=now, poll_interval_s__isnull=False)
    return list(found.order_by("poll_at").values_list("pk", flat=True))


def poll(pk: int, *, client: Client | None = None) -> Reading | None:
    """Poll one connection from where it stands; None when that is not due, or another is at it."""
    with only_one(f"poll {pk}") as is_mine:
        connection = Connection.objects.select_related("user").filter(pk=pk, is_active=True).first()
        if not is_mine or connection is None or connection.poll_at is None or connection.poll_at > timezone.now():
            return None
        system = systems.BY_SLUG.get(connection.system)
        if system is None or system.poll is None:
            return None
        reading = Reading.objects.create(connection=connection, via=Via.POLL, cursor=connection.poll_cursor)
        return _run(connection, Progress(reading=reading, translator=Translator(connection)), client)


def _run(connection: Connection, progress: Progress, client: Client | None) -> Reading:
    """Take page after page until there are none, time is up, or something fails; then say when the next poll is."""
    reading = progress.reading
    is_over = False
    try:
        if client is None:
            with edge.of(connection) as made:
                is_over = _pages(connection, progress, made)
        else:
            is_over = _pages(connection, progress, client)
    except DomainError as error:
        reading.error = parsing.storable(error.message)[:2_000]
    except Exception as error:
        # A mistake in one system's module must not end the polls of others; it is shown with the reading.
        logger.exception("The poll of %s failed.", connection.slug)
        reading.error = f"{type(error).__name__} in the module of {connection.system}."
    reading.ended_at = timezone.now()
    reading.save(update_fields=["ended_at", "error"])
    _plan(connection, reading, is_over=is_over)
    return reading


def _pages(connection: Connection, progress: Progress, client: Client) -> bool:
    """Whether there was no more to find."""
    system = progress.translator.system
    assert system.poll is not None  # noqa: S101 - `poll` looked
    begun = time.monotonic()
    for page in system.poll(client, progress.translator.context, connection.poll_cursor, timezone.now()):
        # The messages may be asked for one by one, which no transaction should wait for.
        progress.take(list(page.messages), page.cursor)
        if time.monotonic() - begun > LONGEST_S or not _is_wanted(connection):
            return False
    return True


def _is_wanted(connection: Connection) -> bool:
    """Whether it is neither paused nor retired meanwhile."""
    return Connection.objects.filter(pk=connection.pk, is_active=True).exists()


def _plan(connection: Connection, reading: Reading, *, is_over: bool) -> None:
    """When the next poll is, and how the connection is doing."""
    now = timezone.now()
    interval = timedelta(seconds=connection.poll_interval_s or 0)
    changes: dict[str, Any] = {"poll_failures": 0, "last_success_at": now}
    if reading.error:
        failures = connection.poll_failures + 1
        interval = min(interval * 2 ** min(failures, 16), max(interval, LONGEST_BACK_OFF))
        changes = {"poll_failures": failures, "last_failure_at": now, "last_error": reading.error}
    elif not is_over:
        interval = timedelta(0)
    elif reading.errors:
        changes |= {"last_failure_at": now, "last_error": reading.errors[-1]["error"]}
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
    live = Connection.objects.filter(pk=connection.pk, is_active=True, poll_interval_s__isnull=False)
    # Whoever moved it meanwhile has news, of which this poll may have seen nothing.
    live.filter(poll_at=connection.poll_at).update(poll_at=now + interval * spread)
    Connection.objects.filter(pk=connection.pk).update(**changes)
