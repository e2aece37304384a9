"""What others wrap their messages in: CloudEvents (1.0 and what came before), SQS, SNS, Pub/Sub, Event Grid. Pure."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.systems.base import Message
from integrations.systems.reading import Reader

# Of nested envelopes more than this is no envelope any more.
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEvent:
    """One event and what is said of it. `extensions` and `data` as they came; absent attributes are empty."""

    type: str
    id: str
    source: str
    subject: str
    time: datetime | None
    extensions: Reader
    data: Reader


def cloud_events(message: Message) -> Iterator[CloudEvent]:
    """The events of a delivery: one by its headers, one as a document, a batch, or a batch of Event Grid's own form."""
    if message.headers.get("ce-type"):
        attributes = {name.removeprefix("ce-"): _unquoted(value) for name, value in message.headers.items()}
        yield _cloud_event(Reader(attributes), Reader(message.document))
        return
    several = message.document if isinstance(message.document, list) else [message.document]
    for index, one in enumerate(several):
        said = Reader(one, f"[{index}]" if isinstance(message.document, list) else "")
        yield _cloud_event(said, said.at("data"))


def _unquoted(value: str) -> str:
    """Senders of the time before CloudEvents 1.0 wrote extensions as JSON text, with its quotes."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _cloud_event(said: Reader, data: Reader) -> CloudEvent:
    return CloudEvent(
        type=said.text("type") or said.text("eventType"),
        id=said.text("id"),
        source=said.text("source") or said.text("topic"),
        subject=said.text("subject"),
        time=said.time("time") or said.time("eventTime"),
        extensions=said,
        data=data,
    )


def cloud_key(message: Message) -> str:
    """The key of a delivery of CloudEvents: they are the same when source and id are (and type: some share the id)."""
    return " ".join(" ".join((one.source, one.id, one.type)) for one in cloud_events(message) if one.id)


def of_queue(message: Message) -> Reader:
    """The document that came by EventBridge, also by way of SQS or SNS, which carry it as text."""
    said = Reader(message.document)
    for _ in range(MAX_DEPTH):
        inner = said.at("Body") or said.at("Message")
        if not isinstance(inner.value, str) or said.at("detail-type"):
            break
        said = Reader(parsed(inner.value), inner.path)
    return said


def queue_key(message: Message) -> str:
    """The id that EventBridge gave the event, else that of the queue or topic."""
    return of_queue(message).text("id") or (said := Reader(message.document)).text("MessageId") or said.text("id")


def of_pubsub(message: Message) -> Reader:
    """The document that Pub/Sub pushed, out of its envelope if it is in one. Of nothing when it holds no JSON."""
    said = Reader(message.document)
    if not said.at("message"):
        return said
    inner = said.at("message", "data")
    if not isinstance(inner.value, str):
        return Reader(None, inner.path)
    try:
        return Reader(parsed(base64.b64decode(inner.value, validate=True).decode()), inner.path)
    except (binascii.Error, ValueError):
        return Reader(None, inner.path)


def pubsub_key(message: Message) -> str:
    said = Reader(message.document).at("message")
    return said.text("messageId") or said.text("message_id")


def parsed(text: str) -> Any:
    """The JSON in a text; None when it holds none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
