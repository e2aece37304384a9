"""Background work of the lineage app."""

import time

from celery import shared_task
from django.db import connection

from lineage import projection

# One projector at a time keeps the other worker processes free for checks; more would only contend for the same rows.
PROJECTOR_LOCK = 0x617373617901
# Nudges are throttled to one in 0.2 s a process, so a projector that stays a little longer sees what came unannounced.
LINGER_S = 0.3
LONGEST_S = 30.0
# A batch costs much the same whether it has one event or fifty, so a few are worth waiting for.
FEW_EVENTS = 200
GATHER_S = 0.2


@shared_task
def project() -> None:
    """Project until the outbox is empty, then wait a moment for latecomers. Returns at once when another is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [PROJECTOR_LOCK])
        row = cursor.fetchone()
    if not (row and row[0]):
        return
    try:
        _drain()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [PROJECTOR_LOCK])


def _drain() -> None:
    begun = last_work = time.monotonic()
    while time.monotonic() - begun < LONGEST_S:
        done = projection.project()
        if done:
            last_work = time.monotonic()
        elif time.monotonic() - last_work > LINGER_S:
            return
        if done < FEW_EVENTS:
            time.sleep(GATHER_S)
