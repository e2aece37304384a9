"""Background work of the integrations app."""

import time

from celery import shared_task
from django.utils import timezone

from integrations import composing, polling, retention, sending, translating
from integrations.locks import only_one

TRANSLATOR = "translator of deliveries"
CARRIER = "composer of notices"
# Nudges are throttled to one in 0.2 s a process, so who stays a little longer sees what came unannounced.
LINGER_S = 0.3
LONGEST_S = 30.0
FEW = 50
GATHER_S = 0.1


@shared_task(name="integrations.tasks.translate")
def translate() -> None:
    """Translate until nothing is due, then wait a moment for latecomers. Returns at once when another is at it."""
    with only_one(TRANSLATOR) as is_mine:
        begun = last_work = time.monotonic()
        while is_mine and time.monotonic() - begun < LONGEST_S:
            done = translating.translate_due()
            if done:
                last_work = time.monotonic()
            elif time.monotonic() - last_work > LINGER_S:
                return
            if done < FEW:
                time.sleep(GATHER_S)


@shared_task(name="integrations.tasks.poll")
def poll() -> None:
    """Have each connection that is due polled by a task of its own, so that a slow one holds up no other."""
    for pk in polling.due(timezone.now()):
        poll_one.apply_async((pk,), expires=60)


@shared_task(name="integrations.tasks.poll_one")
def poll_one(pk: int) -> None:
    polling.poll(pk)


@shared_task(name="integrations.tasks.prune")
def prune() -> None:
    retention.prune()


@shared_task(name="integrations.tasks.carry")
def carry() -> None:
    """Compose what is to be told, and send it."""
    with only_one(CARRIER) as is_mine:
        if is_mine:
            composing.compose()
    sending.send_due()
