"""Threads that store events at the same moment share a transaction, and each gets the answer to its own event."""

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection

from lineage import eventlog, events, together
from lineage.eventlog import Appended, Sent
from lineage.models import Event, Outbox
from tests import service
from tests.conftest import CommittedDatabase
from tests.lineage import sent

THREADS = 8


@pytest.fixture
def database(committed_db: CommittedDatabase) -> str:
    return committed_db.environment["DATABASE_URL"]


def several(count: int) -> list[Sent]:
    return [Sent(events.read(sent.body(event)), None) for event in sent.several(count)]


@contextmanager
def held_up(database: str, one: Sent) -> Iterator[None]:
    """Whoever stores this event waits, for another has stored it and not yet committed. It takes it back at the end."""
    with psycopg.connect(database) as other:
        other.execute(
            "INSERT INTO lineage_event (digest, kind, event_time, run, body, masked, warnings)"
            " VALUES (%s, %s, %s, %s, %s, false, '[]')",
            [one.event.digest, one.event.kind.value, one.event.event_time, one.event.run, one.event.body],
        )
        yield
        other.rollback()


def store(one: Sent) -> Appended:
    try:
        return together.append(one)
    finally:
        connection.close()


def stored_behind(first: Sent, others: Sequence[Sent], database: str) -> list[Future[Appended]]:
    """The outcomes of all, where the others came while the first was being stored."""
    with ThreadPoolExecutor(len(others) + 1) as threads:
        with held_up(database, first):
            leading = threads.submit(store, first)
            service.until(lambda: is_blocked(database), timeout_s=60, what="the first waits for the other transaction")
            following = [threads.submit(store, one) for one in others]
            waiting = together._together._waiting
            service.until(
                lambda: len(together._together._waiting) == len(others), timeout_s=60, what=f"all wait: {waiting}"
            )
        return [leading, *following]


def is_blocked(database: str) -> bool:
    with psycopg.connect(database) as other:
        waiting = other.execute(
            "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND NOT granted"
        )
        return waiting.fetchone() is not None


def transactions() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lineage_event GROUP BY xmin::text ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def test_those_who_wait_share_a_transaction(database: str) -> None:
    first, *others = several(THREADS)

    outcomes = [future.result().event_id for future in stored_behind(first, others, database)]

    assert transactions() == [1, THREADS - 1]
    ids = dict(Event.objects.values_list("digest", "id"))
    assert outcomes == [ids[one.event.digest] for one in (first, *others)]
    assert set(Outbox.objects.values_list("event_id", flat=True)) == set(outcomes)


def test_the_same_event_of_two_is_new_to_one(database: str) -> None:
    first, other = several(2)

    outcomes = [future.result().is_new for future in stored_behind(first, [other, first, other], database)]

    assert sorted(outcomes) == [False, False, True, True]
    assert Event.objects.count() == 2


def test_what_cannot_be_stored_fails_alone(database: str) -> None:
    first, bad, good = several(3)
    bad = Sent(dataclasses.replace(bad.event, event_time=None), None)  # type: ignore[arg-type]  # as no reader gives it

    leading, failed, following = stored_behind(first, [bad, good], database)

    with pytest.raises(IntegrityError, match="event_time"):
        failed.result()
    assert leading.result().is_new
    assert following.result().is_new
    assert store(several(4)[3]).is_new


@pytest.mark.django_db
def test_within_a_transaction_an_event_belongs_to_it() -> None:
    (one,) = several(1)

    assert together.append(one).is_new
    assert not together.append(one).is_new
    assert connection.in_atomic_block


def test_many_at_once_are_each_stored_once(database: str) -> None:
    everything = several(60)

    with ThreadPoolExecutor(THREADS) as threads:
        outcomes = list(threads.map(store, everything * 3))

    assert sum(outcome.is_new for outcome in outcomes) == len(everything)
    assert Event.objects.count() == Outbox.objects.count() == len(everything)
    assert eventlog.append([one.event for one in everything], sender=None) == [Appended(None)] * len(everything)
