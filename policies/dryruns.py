"""Asking what a promotion would come to, without asking for it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from django.db import transaction

from governance.errors import Unavailable
from governance.models import User
from lineage import evidence, nudge
from policies import checking, promotions
from policies.models import Promotion

Shown = TypeVar("Shown")
GRAPH_WAIT_S = 5.0


def run(
    *,
    actor: User,
    model: str,
    version: str,
    stage: str,
    show: Callable[[Promotion], Shown],
    namespace: str | None = None,
    commit: str = "",
    note: str = "",
    evidence_files: Mapping[str, str] | None = None,
    made_by: Mapping[str, Sequence[str]] | None = None,
) -> Shown:
    """What `show` makes of the promotion after every check has judged it here; afterwards nothing of it is left.

    The very code of a request runs, in a transaction that is rolled back, so that both cannot come to differ. Takes
    as long as the checks. Raises what `promotions.request` does, and Unavailable while the graph is behind.
    """
    _wait_for_the_graph()
    with transaction.atomic():
        promotion, _ = promotions.request(
            actor=actor,
            model=model,
            version=version,
            stage=stage,
            namespace=namespace,
            commit=commit,
            note=note,
            evidence=evidence_files,
            made_by=made_by,
        )
        checking.check_here(promotion)
        promotion.refresh_from_db()
        shown = show(promotion)
        transaction.set_rollback(True)
    return shown


def _wait_for_the_graph() -> None:
    mark = evidence.watermark()
    deadline = time.monotonic() + GRAPH_WAIT_S
    while not evidence.is_projected(mark):
        if time.monotonic() > deadline:
            raise Unavailable("Events still wait to be read: try again in a moment.")
        nudge.projector()
        time.sleep(0.05)
