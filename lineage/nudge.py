"""Telling a task that rows wait for it. Losing a nudge loses at most a second: the schedule sweeps as well."""

import logging
import threading
import time
from functools import cache

from kombu.exceptions import KombuError

from governance.celery import app

logger = logging.getLogger(__name__)

# A projector lingers a little longer than this (lineage.tasks), so what is stored between two nudges is seen as well.
INTERVAL_S = 0.2
# How long a broker that failed is left alone; the sweep does the work meanwhile.
REST_AFTER_FAILURE_S = 5.0
TASK = "lineage.tasks.project"


class Nudger:
    """Sends nudges from a thread of its own, so that a slow or broken broker never holds up a request."""

    def __init__(self, task: str = TASK) -> None:
        self._task = task
        self._wanted = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def nudge(self) -> None:
        self._wanted.set()
        # After a fork the child has the object but not the thread.
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="nudge", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            time.sleep(INTERVAL_S if send(self._task) else REST_AFTER_FAILURE_S)


def send(task: str = TASK) -> bool:
    """Send one nudge now, and say whether the broker took it."""
    try:
        app.send_task(task, retry=False, ignore_result=True)
    except _failures() as error:
        logger.warning("The broker did not take a nudge for %s: %s", task, error)
        return False
    return True


@cache
def _failures() -> tuple[type[BaseException], ...]:
    """How the broker in use says that it cannot be reached. Each client library has its own words."""
    broker = app.connection_for_write()
    return (OSError, KombuError, *broker.connection_errors, *broker.channel_errors)


_nudger = Nudger()


def projector() -> None:
    """Have the projector look at the outbox soon. Returns at once."""
    _nudger.nudge()
