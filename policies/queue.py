"""Telling workers that checks wait. The rows are the queue and a sweep looks at them: a lost message costs seconds."""

import logging
from collections.abc import Iterable, Sequence

from kombu.exceptions import KombuError

from governance.celery import app
from policies.checks.catalogue import CHECKS

logger = logging.getLogger(__name__)
TASK = "policies.tasks.check"


def nudge_all(findings: Iterable[tuple[int, str]]) -> None:
    """Have workers look at these findings of one promotion, given with their checks.

    Quick ones go in one message, since they take less time than a message does; each slow one may have its own worker.
    """
    quick: list[int] = []
    slow: list[int] = []
    for finding, check_id in findings:
        (slow if is_slow(check_id) else quick).append(finding)
    # The slow ones first: they are what the verdict waits for.
    for message in [*([one] for one in slow), quick]:
        if message:
            nudge(message)


def is_slow(check_id: str) -> bool:
    check = CHECKS.get(check_id)
    return check is not None and check.is_slow


def nudge(findings: Sequence[int], *, delay_s: float = 0) -> None:
    """Have a worker look at these findings of one promotion. A broker that fails is logged and left to the sweep."""
    transport = app.connection_for_write()
    passing: tuple[type[BaseException], ...] = (
        OSError,
        KombuError,
        *transport.connection_errors,
        *transport.channel_errors,
    )
    try:
        app.send_task(TASK, [list(findings)], countdown=delay_s or None, retry=False, ignore_result=True)
    except passing as error:
        logger.warning("The broker did not take a nudge for checks: %s", error)
