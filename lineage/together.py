"""Events that arrive one by one at the same moment are stored in one transaction.

A transaction costs several times what one event in it costs. So whoever comes while another thread stores waits for
it, and the first of those who wait then stores for all of them. An event that comes alone is stored at once.
"""

import threading
from dataclasses import dataclass, field

from django.db import connection

from lineage import eventlog
from lineage.eventlog import Appended, Sent

MAX_EVENTS = 100
MAX_BYTES = 4_000_000


@dataclass(slots=True, eq=False)
class _Waiting:
    """One event of one thread. Once `is_told`, either it is stored, or its thread must store it, or lead."""

    sent: Sent
    is_told: threading.Event = field(default_factory=threading.Event)
    appended: Appended | None = None
    leads: bool = False


class _Together:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._is_led = False

    def append(self, sent: Sent) -> Appended:
        own = _Waiting(sent)
        with self._lock:
            self._waiting.append(own)
            own.leads, self._is_led = not self._is_led, True
        if not own.leads:
            own.is_told.wait()
        if own.leads:
            self._lead()
        # What could not be stored in company is stored alone, so that each sender gets the answer to its own event.
        return own.appended or eventlog.append_of([sent])[0]

    def _lead(self) -> None:
        """Store what waits, the leader's own event first, and leave the lead to the next who waits."""
        batch = self._take()
        try:
            for waiting, appended in zip(batch, eventlog.append_of([one.sent for one in batch]), strict=True):
                waiting.appended = appended
        except Exception:
            # Whose fault it was, each thread learns by storing its own event alone.
            if len(batch) == 1:
                raise
        finally:
            self._leave(batch)

    def _take(self) -> list[_Waiting]:
        with self._lock:
            size = count = 0
            for waiting in self._waiting[:MAX_EVENTS]:
                size += len(waiting.sent.event.body)
                if count and size > MAX_BYTES:
                    break
                count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            return batch

    def _leave(self, batch: list[_Waiting]) -> None:
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].is_told.set()
        for waiting in batch:
            waiting.is_told.set()


_together = _Together()


def append(sent: Sent) -> Appended:
    """Store one event, perhaps with those of other threads. Returns when it is committed; see `eventlog.append`.

    Within a transaction of the caller's it is stored there, alone.
    """
    if connection.in_atomic_block:
        return eventlog.append_of([sent])[0]
    return _together.append(sent)
