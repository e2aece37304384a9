"""Deciding a promotion once all its checks have judged."""

from functools import cache
from importlib import metadata
from typing import Any

from django.utils import timezone

from governance import audit
from governance.actions import Action
from policies.checks.base import Mode, Outcome
from policies.evaluation import Decision, Judged, State, state
from policies.models import Promotion, Verdict

# What a verdict may depend on beside the facts and the policies.
MEASURED_WITH = ("django", "msgspec", "psycopg")


def settle(promotion: Promotion) -> State:
    """Bring the promotion to the state that its findings and approvals amount to.

    The caller holds the promotion's row locked in a transaction. So of two checks that finish at once the second sees
    the first one's finding, and exactly one of them decides.
    """
    findings = list(promotion.findings.select_related("policy_version__policy").order_by("position"))
    approvals = list(promotion.approvals.select_related("user").order_by("decided_at", "id"))
    reached = state(
        findings=[
            Judged(outcome=Outcome(row.outcome) if row.is_done else None, mode=Mode(row.mode)) for row in findings
        ],
        approvals_required=promotion.approvals_required,
        decisions=[Decision(row.decision) for row in approvals],
    )
    before = State(promotion.state)
    if reached is before or before.is_final:
        return before
    now = timezone.now()
    promotion.state = reached
    promotion.decided_at = now if reached.is_final else None
    promotion.save(update_fields=["state", "decided_at"])
    if not reached.is_final:
        return reached
    document: dict[str, Any] = {
        "findings": [
            {
                "check": row.check_id,
                "mode": row.mode,
                "parameters": row.parameters,
                "outcome": row.outcome,
                "measured": row.measured,
                "required": row.required,
                "facts": row.facts,
                "policy": row.policy_version.policy.slug if row.policy_version else None,
                "policy_digest": row.policy_version.digest if row.policy_version else None,
            }
            for row in findings
        ],
        "approvals": [
            {"user": row.user.pk, "decision": row.decision, "decided_at": row.decided_at.isoformat()}
            for row in approvals
        ],
        "approvals_required": promotion.approvals_required,
        "watermark": promotion.watermark,
        "versions": _versions(),
    }
    Verdict.objects.create(promotion=promotion, state=reached, decided_at=now, document=document)
    audit.record(
        actor=None,
        action=Action.PROMOTION_DECIDED,
        subject=f"promotion:{promotion.uuid}",
        detail={"state": reached.value},
    )
    return reached


@cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in MEASURED_WITH}
