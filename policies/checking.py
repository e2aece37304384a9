"""Judging findings: claim them, gather their facts, judge, store, and decide if they were the last."""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from lineage import evidence, nudge
from policies import facts, queue, verdicts
from policies.checks.base import Check, Facts, Outcome, Parameters
from policies.checks.base import Finding as Found
from policies.checks.catalogue import CHECKS
from policies.evaluation import State
from policies.models import Finding, Promotion

logger = logging.getLogger(__name__)
# Longer than all quick checks of a promotion take; a worker that was killed is given up after it.
LEASE = timedelta(seconds=10)
SLOW_LEASE = timedelta(minutes=2)
# The projector needs about this long for what was posted just before.
WATERMARK_DELAY_S = 0.05
# A row this old was nudged long ago; then its message was lost, or its worker.
OVERDUE = timedelta(seconds=3)
SWEEP_ROWS = 500


def check(finding_ids: Sequence[int]) -> None:
    """Judge those findings of one promotion that no worker is at, unless its facts are not all in the graph yet."""
    findings = _claim(finding_ids)
    if not findings:
        return
    promotion = findings[0].promotion
    if not evidence.is_projected(promotion.watermark):
        waiting = [finding.pk for finding in findings]
        Finding.objects.filter(pk__in=waiting, is_done=False).update(leased_until=timezone.now())
        nudge.projector()
        queue.nudge(waiting, delay_s=WATERMARK_DELAY_S)
        return
    slow = [finding for finding in findings if queue.is_slow(finding.check_id)]
    _extend(slow)
    quick = [finding for finding in findings if finding not in slow]
    for group in filter(None, [quick, *([finding] for finding in slow)]):
        judged = [(finding, *_judge(finding)) for finding in group]
        with transaction.atomic():
            locked = Promotion.objects.select_for_update().get(pk=promotion.pk)
            stored = [_store(finding, found, known) for finding, found, known in judged]
            if any(stored):
                verdicts.settle(locked)


def check_here(promotion: Promotion) -> None:
    """Judge all that is pending, at once and in the caller's transaction, and decide. For what is not kept."""
    locked = Promotion.objects.select_for_update().get(pk=promotion.pk)
    for finding in promotion.findings.filter(is_done=False).order_by("position"):
        finding.promotion = locked
        _store(finding, *_judge(finding))
    verdicts.settle(locked)


def _extend(findings: Sequence[Finding]) -> None:
    """Keep the findings for as long as slow checks may take."""
    if findings:
        pks = [finding.pk for finding in findings]
        Finding.objects.filter(pk__in=pks, is_done=False).update(leased_until=timezone.now() + SLOW_LEASE)


def _claim(finding_ids: Sequence[int]) -> list[Finding]:
    """Take for LEASE those findings that are not done and that nobody else has."""
    now = timezone.now()
    with connection.cursor() as cursor:
        # Conditions on these rows alone: what a join or subquery says, PostgreSQL does not look at again after waiting
        # for a worker that claimed the row first.
        cursor.execute(
            """
            UPDATE policies_finding SET leased_until = %s, attempts = attempts + 1
            WHERE id = ANY(%s) AND NOT is_done AND leased_until <= %s RETURNING id
            """,
            [now + LEASE, list(finding_ids), now],
        )
        claimed = [row[0] for row in cursor.fetchall()]
    if not claimed:
        return []
    found = Finding.objects.filter(pk__in=claimed, promotion__state=State.CHECKING).select_related("promotion")
    return list(found.order_by("position"))


def _store(finding: Finding, found: Found, known: Facts) -> bool:
    """Keep what was found; False when another worker did so first."""
    return bool(
        Finding.objects.filter(pk=finding.pk, is_done=False).update(
            is_done=True,
            outcome=found.outcome,
            summary=found.summary,
            measured=found.measured,
            required=found.required,
            evidence=found.evidence,
            facts=msgspec.to_builtins(known),
            judged_at=timezone.now(),
        )
    )


def _judge(finding: Finding) -> tuple[Found, Facts]:
    """What the check finds. A check that fails yields the outcome error, which never opens a gate."""
    return answer(
        finding.check_id,
        finding.parameters,
        lambda check, parameters: facts.gather(finding.promotion, check, parameters),
    )


def answer(check_id: str, said: Mapping[str, Any], gather: Callable[[Check, Parameters], Facts]) -> tuple[Found, Facts]:
    """What a check finds of the facts that `gather` brings, and those facts."""
    known = Facts()
    try:
        checker = CHECKS[check_id]
        parameters = msgspec.convert(said, checker.parameters)
        known = gather(checker, parameters)
        return checker.judge(parameters, known), known
    except OperationalError:
        raise  # The database's trouble, not the check's: the sweep comes again.
    except Exception as error:  # whatever a check does wrong becomes its outcome
        logger.exception("The check %s failed.", check_id)
        return Found(outcome=Outcome.ERROR, summary=f"The check failed: {type(error).__name__}."), known


def sweep() -> int:
    """Take up again what a lost message or worker left behind, and say how much there was."""
    now = timezone.now()
    overdue = (
        Finding.objects.filter(
            is_done=False,
            leased_until__lte=now,
            promotion__state=State.CHECKING,
            promotion__requested_at__lte=now - OVERDUE,
        )
        .order_by("leased_until")
        .values_list("promotion_id", "pk", "check_id")[:SWEEP_ROWS]
    )
    by_promotion: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for promotion_id, pk, check_id in overdue:
        by_promotion[promotion_id].append((pk, check_id))
    for pending in by_promotion.values():
        queue.nudge_all(pending)
    undecided = list(
        Promotion.objects.filter(state=State.CHECKING, requested_at__lte=now - OVERDUE)
        .exclude(findings__is_done=False)
        .values_list("pk", flat=True)[:SWEEP_ROWS]
    )
    for pk in undecided:
        with transaction.atomic():
            verdicts.settle(Promotion.objects.select_for_update().get(pk=pk))
    return len(overdue) + len(undecided)
