"""Telling workers that checks wait. The rows are the queue and a sweep looks at them: a lost message costs seconds."""

import logging
from collections.abc import Sequence

from kombu.exceptions import KombuError

from governance.celery import app

logger = logging.getLogger(__name__)
TASK = "policies.tasks.check"


def nudge(findings: Sequence[int], *, delay_s: float = 0) -> None:
    """Have a worker look at these findings of one promotion. A broker that fails is logged and left to the sweep.

    One message for all: today's checks take less time than a message does.
    """
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
