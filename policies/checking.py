"""Judging one finding: claim it, gather its facts, judge, store, and decide if it was the last."""

import logging
from datetime import timedelta

import msgspec
from django.db import OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from lineage import evidence, nudge
from policies import facts, queue, verdicts
from policies.checks.base import Facts, Outcome
from policies.checks.base import Finding as Found
from policies.checks.catalogue import CHECKS
from policies.evaluation import State
from policies.models import Finding, Promotion

logger = logging.getLogger(__name__)
# Longer than any check takes; a worker that was killed is given up after it.
LEASE = timedelta(seconds=10)
# The projector needs about this long for what was posted just before.
WATERMARK_DELAY_S = 0.05
# A row this old was nudged long ago; then its message was lost, or its worker.
OVERDUE = timedelta(seconds=3)
SWEEP_ROWS = 500


def check(finding_id: int) -> None:
    """Judge a finding unless another worker is at it or its facts are not all in the graph yet."""
    finding = _claim(finding_id)
    if finding is None:
        return
    if not evidence.is_projected(finding.promotion.watermark):
        Finding.objects.filter(pk=finding.pk, is_done=False).update(leased_until=timezone.now())
        nudge.projector()
        queue.nudge([finding.pk], delay_s=WATERMARK_DELAY_S)
        return
    found, known = _judge(finding)
    with transaction.atomic():
        promotion = Promotion.objects.select_for_update().get(pk=finding.promotion_id)
        stored = Finding.objects.filter(pk=finding.pk, is_done=False).update(
            is_done=True,
            outcome=found.outcome,
            summary=found.summary,
            measured=found.measured,
            required=found.required,
            evidence=found.evidence,
            facts=msgspec.to_builtins(known),
            judged_at=timezone.now(),
        )
        if stored:
            verdicts.settle(promotion)


def _claim(finding_id: int) -> Finding | None:
    """Take the finding for LEASE; None when it is done or somebody else has it."""
    now = timezone.now()
    # Conditions on this row alone: with a join they would move into a subquery, which PostgreSQL does not look at again
    # after waiting for a worker that claimed the row first.
    claimed = Finding.objects.filter(pk=finding_id, is_done=False, leased_until__lte=now).update(
        leased_until=now + LEASE, attempts=F("attempts") + 1
    )
    if not claimed:
        return None
    finding = Finding.objects.select_related("promotion").get(pk=finding_id)
    return finding if finding.promotion.state == State.CHECKING else None


def _judge(finding: Finding) -> tuple[Found, Facts]:
    """What the check finds. A check that fails yields the outcome error, which never opens a gate."""
    known = Facts()
    try:
        checker = CHECKS[finding.check_id]
        parameters = msgspec.convert(finding.parameters, checker.parameters)
        known = facts.gather(finding.promotion, checker, getattr(parameters, "metric", None))
        return checker.judge(parameters, known), known
    except OperationalError:
        raise  # The database's trouble, not the check's: the sweep comes again.
    except Exception as error:  # whatever a check does wrong becomes its outcome
        logger.exception("The check %s failed on finding %s.", finding.check_id, finding.pk)
        return Found(outcome=Outcome.ERROR, summary=f"The check failed: {type(error).__name__}."), known


def sweep() -> int:
    """Take up again what a lost message or worker left behind, and say how much there was."""
    now = timezone.now()
    overdue = list(
        Finding.objects.filter(
            is_done=False,
            leased_until__lte=now,
            promotion__state=State.CHECKING,
            promotion__requested_at__lte=now - OVERDUE,
        )
        .order_by("leased_until")
        .values_list("pk", flat=True)[:SWEEP_ROWS]
    )
    queue.nudge(overdue)
    undecided = list(
        Promotion.objects.filter(state=State.CHECKING, requested_at__lte=now - OVERDUE)
        .exclude(findings__is_done=False)
        .values_list("pk", flat=True)[:SWEEP_ROWS]
    )
    for pk in undecided:
        with transaction.atomic():
            verdicts.settle(Promotion.objects.select_for_update().get(pk=pk))
    return len(overdue) + len(undecided)
