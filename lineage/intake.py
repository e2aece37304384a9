"""Taking events in: each piece of a body or file becomes an event of the log, or is refused with its reason.

The HTTP receiver and the import command both call this, so both take and refuse the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from governance.models import User
from lineage import eventlog, events, together
from lineage.bodies import Piece
from lineage.eventlog import Sent
from lineage.events import BadEvent, NewEvent

# What one transaction holds at most. Small enough to keep memory and locks short, large enough to cost one commit.
CHUNK_EVENTS = 1_000
CHUNK_BYTES = 16_000_000


class Status(StrEnum):
    """What became of one event that was sent."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one piece: its place in the sending, and what the log knows or the reason of the refusal."""

    index: int
    status: Status
    event_id: int | None = None
    digest: bytes = b""
    warnings: tuple[str, ...] = ()
    error: BadEvent | None = None


def take_one(piece: Piece, *, sender: User | None, now: datetime) -> Outcome:
    """Store one event. Raises BadEvent."""
    event = events.read(piece.raw, now=now)
    return _outcome(0, event, together.append(Sent(event, sender)).event_id)


def take(pieces: Iterable[Piece], *, sender: User | None, now: datetime) -> Iterator[list[Outcome]]:
    """Store the events among the pieces, chunk by chunk, in order. What has been yielded is committed.

    One bad piece does not keep the others out.
    """
    outcomes: list[Outcome] = []
    accepted: list[tuple[int, NewEvent]] = []
    size = 0
    for index, piece in enumerate(pieces):
        try:
            event = events.read(piece.raw, now=now)
        except BadEvent as error:
            outcomes.append(Outcome(index=index, status=Status.REJECTED, error=error))
        else:
            accepted.append((index, event))
        size += len(piece.raw)
        if len(outcomes) + len(accepted) >= CHUNK_EVENTS or size >= CHUNK_BYTES:
            yield _store(outcomes, accepted, sender)
            outcomes, accepted, size = [], [], 0
    if outcomes or accepted:
        yield _store(outcomes, accepted, sender)


def _store(outcomes: list[Outcome], accepted: list[tuple[int, NewEvent]], sender: User | None) -> list[Outcome]:
    appended = eventlog.append([event for _, event in accepted], sender=sender)
    for (index, event), result in zip(accepted, appended, strict=True):
        outcomes.append(_outcome(index, event, result.event_id))
    outcomes.sort(key=lambda outcome: outcome.index)
    return outcomes


def _outcome(index: int, event: NewEvent, event_id: int | None) -> Outcome:
    status = Status.DUPLICATE if event_id is None else Status.CREATED
    return Outcome(index=index, status=status, event_id=event_id, digest=event.digest, warnings=event.warnings)
