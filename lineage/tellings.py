"""When a fact held, and when it was told. Pure.

A fact of the graph begins at the time of the earliest event that shows it. What had been known on a day is another
question, because events come late and history is imported. So a fact keeps its *tellings*: pairs of an event's time and
the time at which it was received. Of these only the ones count that no other beats in both, and there is nearly always
one: the first event that was received is also the earliest.
"""

from collections.abc import Sequence
from datetime import datetime

Telling = tuple[datetime, datetime]
# By event time; each was received before the one in front of it.
Tellings = tuple[Telling, ...]


def add(tellings: Tellings, told: Telling) -> Tellings:
    """The tellings with one more; those that another beats in both times fall out."""
    first = tellings[0]
    if told[0] >= first[0] and told[1] >= first[1]:
        return tellings
    kept: list[Telling] = []
    for telling in sorted({*tellings, told}):
        if not kept or telling[1] < kept[-1][1]:
            kept.append(telling)
    return tuple(kept)


def columns(tellings: Tellings) -> tuple[datetime, datetime, str | None]:
    """The earliest telling's two times, and the others (rare) as the text of a PostgreSQL array."""
    (at, received_at), others = tellings[0], tellings[1:]
    return at, received_at, array(others) if others else None


def array(tellings: Sequence[Telling]) -> str:
    return "{" + ",".join(f'"{time.isoformat()}"' for telling in tellings for time in telling) + "}"
