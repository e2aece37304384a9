"""Deciding a promotion once all its checks have judged, and again when a waiver was approved."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import metadata
from typing import Any

from django.utils import timezone

from governance import audit
from governance.actions import Action
from policies import awaiting, coverage, makers
from policies.checks.base import Mode, Outcome
from policies.evaluation import Decision, Judged, State, state
from policies.models import Approval, Finding, Promotion, Verdict, Waiver, WaiverUse

# What a verdict may depend on beside the facts and the policies.
MEASURED_WITH = ("django", "msgspec", "psycopg")


def settle(promotion: Promotion) -> State:
    """Bring the promotion to the state that its findings, waivers and approvals amount to.

    The caller holds the promotion's row locked in a transaction. So of two checks that finish at once the second sees
    the first one's finding, and exactly one of them decides.
    """
    before = State(promotion.state)
    # Nothing is decided while a check is at work, and each of them comes by here.
    if before.is_final or promotion.findings.filter(is_done=False).exists():
        return before
    return _decide(promotion, timezone.now())


def judge_again(promotion: Promotion) -> State:
    """Open a blocked promotion again if waivers cover now what blocked it; its findings stay as they are.

    The caller holds the promotion's row locked in a transaction. What was withdrawn or passed stays so.
    """
    before = State(promotion.state)
    if before is not State.BLOCKED:
        return before
    reached = _decide(promotion, timezone.now())
    if reached is State.WAITING:
        # Nobody decided: people are asked now. A decision writes its own entry.
        audit.record(
            actor=None,
            action=Action.PROMOTION_REOPENED,
            subject=f"promotion:{promotion.uuid}",
            detail={"state": reached},
        )
    return reached


def renew_cover(promotion: Promotion, now: datetime) -> None:
    """Note whether the waivers that a promotion passed with still cover it: its state stays, the gap is told.

    The caller holds the promotion's row locked in a transaction.
    """
    if promotion.state != State.PASSED or promotion.covered_until is None:
        return
    gaps = coverage.gaps(promotion, now)
    since = min((gap.since for gap in gaps), default=None)
    covering = coverage.of_findings(promotion, coverage.waived_findings(promotion), now)
    was = promotion.uncovered_at
    promotion.uncovered_at = since
    if not gaps:
        promotion.covered_until = coverage.covered_until(covering.values())
    promotion.save(update_fields=["uncovered_at", "covered_until"])
    subject = f"promotion:{promotion.uuid}"
    if since is not None and was is None:
        detail = {"since": since.isoformat(), "checks": [gap.finding.check_id for gap in gaps]}
        audit.record(actor=None, action=Action.PROMOTION_UNCOVERED, subject=subject, detail=detail)
    elif since is None and was is not None:
        audit.record(actor=None, action=Action.PROMOTION_COVERED_AGAIN, subject=subject, detail={})


def _decide(promotion: Promotion, now: datetime) -> State:
    findings = list(promotion.findings.select_related("policy_version__policy").order_by("position"))
    makers.note(promotion)
    approvals = list(promotion.approvals.select_related("user").order_by("decided_at", "id"))
    made_it = makers.of([promotion])[promotion.pk]
    awaiting.judge_again(promotion, findings)
    waived = coverage.of_findings(promotion, findings, now)
    reached = state(
        findings=[
            Judged(
                outcome=Outcome(row.outcome) if row.is_done else None,
                mode=Mode(row.mode),
                is_waived=row.pk in waived,
                awaits_people=awaiting.awaits_people(row),
            )
            for row in findings
        ],
        approvals_required=promotion.approvals_required,
        # Someone may have approved before it was known that they had made it. A rejection counts whoever spoke it.
        decisions=[
            Decision(row.decision)
            for row in approvals
            if row.decision != Decision.APPROVE or row.user_id not in made_it
        ],
    )
    if reached is State(promotion.state):
        return reached
    promotion.state = reached
    promotion.decided_at = now if reached.is_final else None
    promotion.covered_until = coverage.covered_until(waived.values()) if reached is State.PASSED else None
    promotion.save(update_fields=["state", "decided_at", "covered_until"])
    if reached.is_final:
        _record(promotion, findings, approvals, waived, now)
    return reached


def _record(
    promotion: Promotion,
    findings: Sequence[Finding],
    approvals: Sequence[Approval],
    waived: Mapping[int, Waiver],
    now: datetime,
) -> None:
    """Keep the verdict, with everything it came from."""
    verdict = Verdict.objects.create(
        promotion=promotion,
        number=promotion.verdicts.count() + 1,
        state=promotion.state,
        decided_at=now,
        document={
            "findings": [_finding(row, waived.get(row.pk)) for row in findings],
            "approvals": [
                {"user": row.user.pk, "decision": row.decision, "decided_at": row.decided_at.isoformat()}
                for row in approvals
            ],
            "policies": promotion.policies,
            "approvals_required": promotion.approvals_required,
            "evidence": promotion.evidence,
            "watermark": promotion.watermark,
            "versions": _versions(),
        },
    )
    WaiverUse.objects.bulk_create(
        WaiverUse(verdict=verdict, promotion=promotion, finding=row, waiver=waived[row.pk])
        for row in findings
        if row.pk in waived
    )
    detail: dict[str, object] = {"state": promotion.state}
    if waived:
        detail["waivers"] = sorted({str(waiver.uuid) for waiver in waived.values()})
    audit.record(actor=None, action=Action.PROMOTION_DECIDED, subject=f"promotion:{promotion.uuid}", detail=detail)


def _finding(row: Finding, waiver: Waiver | None) -> dict[str, Any]:
    return {
        "check": row.check_id,
        "mode": row.mode,
        "parameters": row.parameters,
        "outcome": row.outcome,
        "measured": row.measured,
        "required": row.required,
        "facts": row.facts,
        "policy": row.policy_version.policy.slug if row.policy_version else None,
        "policy_digest": row.policy_version.digest if row.policy_version else None,
        "waiver": None if waiver is None else _waiver(waiver),
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    """Who set the finding aside, why and until when."""
    return {
        "id": str(waiver.uuid),
        "rule": waiver.rule,
        "reason": waiver.reason,
        "ticket": waiver.ticket,
        "requested_by": waiver.requested_by_id,
        "approved_by": [said.user_id for said in waiver.decisions.all() if said.decision == "approve"],
        "approved_at": waiver.approved_at.isoformat() if waiver.approved_at else None,
        "ends_at": waiver.ends_at.isoformat(),
    }


@cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in MEASURED_WITH}
