"""Request logs of served models: how many decisions, and how long they took. What was asked and answered is never read.

A log tells each request, each answer and what turned out to be true by itself, by the hundred a second. `gather` makes
one message of what came in a while; one that comes alone says the same of one decision.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from integrations import openlineage
from integrations.openlineage import Event, Job, Type
from integrations.systems.base import Message, Refused
from integrations.systems.reading import Reader

DECISIONS = "decisions"
# Of an answer that takes longer its request is no longer looked for.
MAX_LATENCY_MS = 3_600_000.0


class Step(StrEnum):
    """What of a decision is logged. FEEDBACK: somebody told what would have been right."""

    REQUEST = "request"
    ANSWER = "answer"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One step of a decision: of which service, under which id all its steps are known, and when."""

    service: str
    id: str
    at: datetime
    step: Step


Read = Callable[[Message], Logged]


@dataclass(slots=True)
class _Exchange:
    asked: datetime | None = None
    answered: datetime | None = None
    has_feedback: bool = False

    def take(self, logged: Logged) -> None:
        """What is sent twice is counted once, at its first time."""
        if logged.step is Step.FEEDBACK:
            self.has_feedback = True
        elif logged.step is Step.ANSWER:
            self.answered = min(self.answered or logged.at, logged.at)
        else:
            self.asked = min(self.asked or logged.at, logged.at)

    @property
    def is_decision(self) -> bool:
        """Feedback alone is on a decision of another time."""
        return self.asked is not None or self.answered is not None

    @property
    def latency_ms(self) -> float | None:
        if self.asked is None or self.answered is None:
            return None
        taken = (self.answered - self.asked).total_seconds() * 1_000
        return taken if 0 <= taken <= MAX_LATENCY_MS else None


@dataclass(slots=True)
class _Window:
    first: datetime
    last: datetime
    exchanges: dict[str, _Exchange] = field(default_factory=dict)


def gathering(read: Read) -> Callable[[Iterable[Message]], Iterator[Message]]:
    """One message for each service and day of the messages. Those that cannot be read are left out."""

    def gather(messages: Iterable[Message]) -> Iterator[Message]:
        windows: dict[tuple[str, str], _Window] = {}
        received: dict[tuple[str, str], datetime] = {}
        for message in messages:
            try:
                logged = read(message)
            except Refused:
                continue
            key = (logged.service, logged.at.date().isoformat())
            window = windows.setdefault(key, _Window(logged.at, logged.at))
            window.first, window.last = min(window.first, logged.at), max(window.last, logged.at)
            window.exchanges.setdefault(logged.id, _Exchange()).take(logged)
            received[key] = max(received.get(key, message.received_at), message.received_at)
        for key, window in sorted(windows.items()):
            yield Message(received_at=received[key], document=_summary(key[0], window), type=DECISIONS)

    return gather


def _summary(service: str, window: _Window) -> dict[str, Any]:
    exchanges = window.exchanges.values()
    latencies = sorted(one for exchange in exchanges if (one := exchange.latency_ms) is not None)
    document: dict[str, Any] = {
        "service": service,
        "from": window.first.isoformat(),
        "until": window.last.isoformat(),
        "count": sum(exchange.is_decision for exchange in exchanges),
        "answered": sum(exchange.answered is not None for exchange in exchanges),
        "feedback": sum(exchange.has_feedback for exchange in exchanges),
    }
    if latencies:
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
        document["latencyMs"] = {name: round(_quantile(latencies, share), 3) for name, share in shares.items()}
    return document


def _quantile(ascending: list[float], share: float) -> float:
    """The nearest rank: a latency that occurred."""
    return ascending[max(0, -int(-share * len(ascending) // 1) - 1)]


def of_one(logged: Logged, job: Callable[[str], Job]) -> Event:
    """A step that came alone."""
    samples = {"count": 0, "feedback": 1} if logged.step is Step.FEEDBACK else {"count": 1}
    return _event(job(logged.service), logged.at, samples)


def of_summary(message: Message, job: Callable[[str], Job]) -> Event:
    """What was gathered. Raises Refused."""
    said = Reader(message.document)
    told: dict[str, Any] = {"count": said.count("count") or 0}
    for key in ("answered", "feedback"):
        if number := said.count(key):
            told[key] = number
    told |= {key: time.isoformat() for key in ("from", "until") if (time := said.time(key)) is not None}
    latencies = {name: value for name, one in said.entries("latencyMs") if (value := one.number()) is not None}
    if latencies:
        told["latencyMs"] = latencies
    return _event(job(said.need("service")), said.need_time("until"), told)


def _event(job: Job, at: datetime, samples: dict[str, Any]) -> Event:
    """A day of requests is one run of the service. It reads no model: a log does not say which version answered."""
    run = openlineage.run_id(job.namespace, job.name, "requests", at.date().isoformat())
    return openlineage.of_run(Type.RUNNING, at=at, run=run, job=job, facets={"assay_decisionSamples": samples})
