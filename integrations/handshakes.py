"""How senders ask whether an address is willing, and what to answer. Pure.

None of these deliveries is a fact. Which ones a connection may get at all follows from its system.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations import signers
from integrations.systems.base import NOTHING

EVENT_GRID_HEADER = "aeg-event-type"
ORIGIN_HEADER = "webhook-request-origin"
RATE_HEADER = "webhook-request-rate"
SNS_HEADER = "x-amz-sns-message-type"
# How many deliveries a minute a sender of CloudEvents may make, if it asks.
RATE_PER_MINUTE = 12_000
MAX_CODE_CHARS = 200
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"

_ORIGIN = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to answer, and what to fetch once, if anything, before it is answered."""

    status: int = 200
    document: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    fetch: str = ""


def of_options(headers: Mapping[str, str]) -> Answer | None:
    """The answer to a sender of CloudEvents that asks by OPTIONS (CloudEvents web hooks 1.0.2, section 4).

    None when it names no origin that can be: then it may not send.
    """
    origin = headers.get(ORIGIN_HEADER, "")
    if not _ORIGIN.fullmatch(origin):
        return None
    allowed = {"WebHook-Allowed-Origin": origin, "Allow": "OPTIONS, POST"}
    if asked := headers.get(RATE_HEADER, ""):
        rate = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else RATE_PER_MINUTE
        allowed["WebHook-Allowed-Rate"] = str(min(max(rate, 1), RATE_PER_MINUTE))
    return Answer(headers=allowed)


def of_event_grid(headers: Mapping[str, str], body: bytes) -> Answer | None:
    """The answer to Azure Event Grid's question; None when this is another delivery."""
    if headers.get(EVENT_GRID_HEADER, "").lower() != "subscriptionvalidation":
        return None
    event = _only(_json(body))
    data = event.get("data")
    code = data.get("validationCode") if isinstance(data, dict) else None
    if event.get("eventType") != VALIDATION or not isinstance(code, str) or not 0 < len(code) <= MAX_CODE_CHARS:
        return None
    return Answer(document={"validationResponse": code})


def of_topic(headers: Mapping[str, str], body: bytes) -> Answer | None:
    """What to do when Amazon SNS asks; None when this is another delivery.

    Only for a delivery whose signature holds. The address is one of SNS itself, or Untrusted is raised.
    """
    if headers.get(SNS_HEADER) != "SubscriptionConfirmation" and _kind(body) != "SubscriptionConfirmation":
        return None
    return Answer(fetch=signers.confirmation_url(body))


def is_topic_end(body: bytes) -> bool:
    """Whether Amazon SNS says that the topic no longer sends here."""
    return _kind(body) == "UnsubscribeConfirmation"


def _kind(body: bytes) -> str:
    kind = _only(_json(body)).get("Type")
    return kind if isinstance(kind, str) else ""


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _only(document: Any) -> Mapping[str, Any]:
    """The object itself, or the one object of a list."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    return document if isinstance(document, dict) else NOTHING
