"""From deliveries to events: what waits is translated and appended to the log, in one transaction with its state.

The row is the queue. A delivery that names a model or file that the graph does not know is told all the same, and
translated again now and then for some days, since what it names may be registered a little later.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.db.models import QuerySet
from django.utils import timezone

from governance.errors import Invalid
from governance.middleware import is_transient
from integrations import composing, connections, joins, systems
from integrations.known import Graph
from integrations.models import Connection, Delivery, DeliveryState
from integrations.notices import Claim, Question
from integrations.openlineage import Event
from integrations.parsing import document_of, storable
from integrations.systems.base import Context, Message, System
from lineage import eventlog, events
from lineage.eventlog import Sent
from lineage.events import NewEvent

logger = logging.getLogger(__name__)

BATCH = 100
MAX_ERROR_CHARS = 2_000
# How long after its receipt a delivery is translated again because it names what the graph does not know.
LOOK_AGAIN_FOR = timedelta(days=3)
LOOK_AGAIN_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
LOOK_AGAIN_AT_LEAST = timedelta(hours=6)
# A fault of ours may be gone after the next release, and people can redeliver then.
MAX_ATTEMPTS = 6
MAX_UNRESOLVED = 50
_ENCODER = msgspec.json.Encoder()

_SAVE = """
UPDATE integrations_delivery AS old
SET type = new.type, attempts = new.attempts, state = new.state, error = new.error, due_at = new.due_at,
    translated_at = new.translated_at, events = new.events,
    unresolved = CASE WHEN new.unresolved IS NOT NULL
        THEN ARRAY(SELECT jsonb_array_elements_text(new.unresolved::jsonb)) END
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::int[],
            %s::timestamptz[], %s::text[])
     AS new (id, type, attempts, state, error, translated_at, events, due_at, unresolved)
WHERE old.id = new.id
"""


@dataclass(slots=True)
class Told:
    """What one message became."""

    events: list[NewEvent] = field(default_factory=list)
    type: str = ""
    state: DeliveryState = DeliveryState.TRANSLATED
    error: str = ""
    unresolved: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def encoded(event: Event) -> bytes:
    """As JSON. Hostile names may hold lone surrogates, which the log replaces and only JSON in ASCII can hold."""
    try:
        return _ENCODER.encode(event)
    except UnicodeEncodeError:
        return json.dumps(event).encode()


class Translator:
    """Translates messages of one connection, with one view of the graph for all of them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.system: System = systems.BY_SLUG[connection.system]
        self.graph = Graph(connection)
        self.context = Context(
            namespace=connection.namespace, options=connections.options_of(connection), known=self.graph
        )

    def tell(self, message: Message) -> Told:
        """The events of a message. Refusals and faults of ours are told, not raised."""
        told = Told(type=message.type)
        self.graph.begin()
        try:
            self._tell(message, told)
        except Invalid as refusal:
            told.state, told.error = DeliveryState.REFUSED, storable(refusal.message)
        except Exception as error:
            # A mistake in one system's module must not hold up what others send; it is shown with the delivery.
            logger.exception("A message of %s could not be translated.", self.connection.slug)
            told.state = DeliveryState.FAILED
            told.error = f"{type(error).__name__} in the module of {self.system.slug}."
        return told

    def _tell(self, message: Message, told: Told) -> None:
        if not message.type:
            message = replace(message, type=self.system.type_of(message))
        told.type = storable(message.type)
        if message.type in self.system.ignored:
            told.state = DeliveryState.IGNORED
        elif message.type not in self.system.handled:
            told.state = DeliveryState.UNKNOWN
        else:
            told.events = [events.read(encoded(event)) for event in self.system.events(message, self.context)]
            told.unresolved = [storable(one) for one in sorted(self.graph.unresolved)[:MAX_UNRESOLVED]]
            if self.system.claims is not None:
                told.claims = list(self.system.claims(message, self.context))
            if self.system.questions is not None:
                told.questions = list(self.system.questions(message, self.context))

    def tell_all(self, messages: Sequence[Message]) -> tuple[list[Told], list[Told]]:
        """What each message became, and, beside that, the few that were made of those that tell one decision each."""
        told = [self.tell(message) for message in messages]
        gathered = []
        for message, one in zip(messages, told, strict=True):
            if message.type in self.system.gathered and one.state is DeliveryState.TRANSLATED:
                one.events = []
                gathered.append(message)
        gather = self.system.gather
        return told, [self.tell(message) for message in gather(gathered)] if gather and gathered else []

    def append(self, told: Sequence[Told]) -> int:
        """Append the events of these, note the joins that were made for them, and say how many events were new."""
        batch = [Sent(event, self.connection.user) for one in told for event in one.events]
        joins.note(self.connection, self.graph.found.values())
        composing.note_claims(self.connection, [claim for one in told for claim in one.claims])
        composing.note_questions(self.connection, [question for one in told for question in one.questions])
        self.graph.found = {}
        return sum(appended.is_new for appended in eventlog.append_of(batch))


def translate_due() -> int:
    """Translate a batch of what is due, and say how many there were. Others may do the same at the same time."""
    try:
        return _translate(BATCH)
    except DatabaseError as error:
        if is_transient(error):
            raise
        # One of them cannot be stored: alone, each is told its own.
        logger.warning("A batch of deliveries could not be stored and is stored one by one: %s", error)
    return sum(_translate_alone(pk) for pk in _due()[:BATCH].values_list("pk", flat=True))


@transaction.atomic
def _translate(most: int, *, only: int | None = None) -> int:
    due = _due() if only is None else _due().filter(pk=only)
    rows = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("connection__user")
        .order_by("due_at")[:most]
    )
    by_connection: dict[int, list[Delivery]] = {}
    for row in rows:
        by_connection.setdefault(row.connection_id, []).append(row)
    for deliveries in by_connection.values():
        _translate_of(deliveries[0].connection, deliveries)
    return len(rows)


def _translate_alone(pk: int) -> int:
    try:
        return _translate(1, only=pk)
    except DatabaseError as error:
        if is_transient(error):
            raise
        logger.exception("Delivery %s could not be stored.", pk)
        message = f"Its events could not be stored: {type(error).__name__}."
        Delivery.objects.filter(pk=pk).update(
            state=DeliveryState.FAILED, error=message, due_at=None, translated_at=timezone.now()
        )
        return 1


def _due() -> QuerySet[Delivery]:
    return Delivery.objects.filter(due_at__lte=timezone.now())


def _translate_of(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    now = timezone.now()
    translator = Translator(connection)
    told, summaries = translator.tell_all([message_of(delivery) for delivery in deliveries])
    translator.append([*told, *summaries])
    for delivery, one in zip(deliveries, told, strict=True):
        delivery.attempts += 1
        delivery.type = one.type
        delivery.state, delivery.error, delivery.translated_at = one.state.value, one.error[:MAX_ERROR_CHARS], now
        delivery.events, delivery.unresolved = len(one.events), one.unresolved or None
        delivery.due_at = _again(delivery, now)
    _save(deliveries)
    note_health(connection, told, now)


def _save(deliveries: Sequence[Delivery]) -> None:
    """One statement of arrays: Django's own would be most of a translation."""
    columns = [
        [getattr(one, name) for one in deliveries]
        for name in ("pk", "type", "attempts", "state", "error", "translated_at", "events", "due_at")
    ]
    unresolved = [json.dumps(one.unresolved) if one.unresolved else None for one in deliveries]
    with database.cursor() as cursor:
        cursor.execute(_SAVE, [*columns, unresolved])


def message_of(delivery: Delivery) -> Message:
    """The message that a delivery holds; without a type when that could not be told yet."""
    body = bytes(delivery.body)
    headers = {str(name): str(value) for name, value in delivery.headers.items()}
    return Message(
        received_at=delivery.received_at,
        document=document_of(body, headers.get("content-type", "")),
        body=body,
        headers=headers,
        type=delivery.type,
    )


def _again(delivery: Delivery, now: datetime) -> datetime | None:
    """When the delivery is to be translated once more, if at all."""
    if delivery.state == DeliveryState.FAILED:
        return now + timedelta(seconds=10) * 4**delivery.attempts if delivery.attempts < MAX_ATTEMPTS else None
    if delivery.unresolved and now - delivery.received_at < LOOK_AGAIN_FOR:
        after = dict(enumerate(LOOK_AGAIN_AFTER, start=1)).get(delivery.attempts, LOOK_AGAIN_AT_LEAST)
        return now + after
    return None


def note_health(connection: Connection, told: Sequence[Told], now: datetime) -> None:
    """Say on the connection how its last messages went."""
    changes: dict[str, Any] = {}
    if any(one.state == DeliveryState.TRANSLATED for one in told):
        changes["last_success_at"] = now
    errors = [one.error for one in told if one.error]
    if errors:
        changes |= {"last_failure_at": now, "last_error": errors[-1][:MAX_ERROR_CHARS]}
    if changes:
        Connection.objects.filter(pk=connection.pk).update(**changes)
