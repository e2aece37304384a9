"""Counting the events of the log that came late for a time."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

NAMED_SENDERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Events that came after a snapshot and tell of the time before it."""

    events: int
    earliest_at: datetime
    received_from: datetime
    received_until: datetime
    senders: tuple[str, ...]

    def __str__(self) -> str:
        count = "1 event" if self.events == 1 else f"{self.events:,} events"
        days = f"{self.received_from:%Y-%m-%d}"
        if self.received_until.date() != self.received_from.date():
            days += f" to {self.received_until:%Y-%m-%d}"
        named = ", ".join(self.senders[:NAMED_SENDERS]) or "unknown senders"
        more = f" and {len(self.senders) - NAMED_SENDERS} more" if len(self.senders) > NAMED_SENDERS else ""
        since = f"{self.earliest_at:%Y-%m-%d}"
        return f"Late facts: {count} of {named}{more}, received {days}, about times from {since} on."


def count(*, after: int, until: int, as_of: datetime) -> Late | None:
    """The events beyond the one `after`, up to the one `until`, that tell of a time up to `as_of`; None without any."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), min(e.event_time), min(e.received_at), max(e.received_at),
                   array_agg(DISTINCT u.username::text) FILTER (WHERE u.username IS NOT NULL)
            FROM lineage_event e LEFT JOIN governance_user u ON u.id = e.sender_id
            WHERE e.id > %s AND e.id <= %s AND e.event_time <= %s
            """,
            [after, until, as_of],
        )
        events, earliest, first, last, senders = cursor.fetchone()
    if not events:
        return None
    return Late(
        events=events,
        earliest_at=earliest,
        received_from=first,
        received_until=last,
        senders=tuple(sorted(senders or ())),
    )
