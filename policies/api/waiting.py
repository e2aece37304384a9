"""Requests that wait for verdicts: one query asks about all of them in a process, however many wait."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition
from uuid import UUID

from django.db import connection

from policies.evaluation import State
from policies.models import Promotion

# A verdict mostly comes soon; who has waited longer than this learns of it a little later.
SOON_S = 2.0
SHORT_POLL_S, LONG_POLL_S = 0.015, 0.1


@dataclass(slots=True, eq=False)
class Waiter:
    """One request that waits for one promotion."""

    uuid: UUID
    since: float = field(default_factory=time.monotonic)
    is_done: bool = False


@dataclass(slots=True)
class Queue:
    """All that wait, one of whom asks for all."""

    changed: Condition = field(default_factory=Condition)
    waiters: list[Waiter] = field(default_factory=list)
    is_asked_for: bool = False


_queue = Queue()


def until_decided(uuid: UUID, wait_s: float) -> None:
    """Return when the promotion is no longer being checked, or the time is up."""
    if wait_s <= 0 or not _being_checked([uuid]):
        return
    waiter = Waiter(uuid=uuid)
    deadline = waiter.since + wait_s
    with _waiting(waiter):
        while not waiter.is_done and (left := deadline - time.monotonic()) > 0:
            with _queue.changed:
                is_mine = not _queue.is_asked_for
                _queue.is_asked_for = True
                if not is_mine:
                    _queue.changed.wait(left)
            if is_mine:
                _ask_for_all(waiter, deadline)


@contextmanager
def _waiting(waiter: Waiter) -> Iterator[None]:
    with _queue.changed:
        _queue.waiters.append(waiter)
    try:
        yield
    finally:
        with _queue.changed:
            _queue.waiters.remove(waiter)


def _ask_for_all(mine: Waiter, deadline: float) -> None:
    """Ask until one's own promotion is decided or the time is up; then the next one asks."""
    try:
        while not mine.is_done and (left := deadline - time.monotonic()) > 0:
            with _queue.changed:
                waiters = list(_queue.waiters)
            is_soon = time.monotonic() - max(waiter.since for waiter in waiters) < SOON_S
            # Others may have the connection while nothing is to be read.
            connection.close()
            time.sleep(min(SHORT_POLL_S if is_soon else LONG_POLL_S, left))
            still = _being_checked([waiter.uuid for waiter in waiters])
            with _queue.changed:
                for waiter in waiters:
                    waiter.is_done = waiter.uuid not in still
                _queue.changed.notify_all()
    finally:
        with _queue.changed:
            _queue.is_asked_for = False
            _queue.changed.notify_all()


def _being_checked(uuids: list[UUID]) -> set[UUID]:
    return set(Promotion.objects.filter(uuid__in=uuids, state=State.CHECKING).values_list("uuid", flat=True))
