"""Checks whose answer depends on what people say: judged again with each of them, under the promotion's lock."""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.utils import timezone

from governance import selectors as governance_selectors
from policies import makers
from policies.checks.approvals import ApprovalsParameters
from policies.checks.base import Facts, Mode
from policies.checks.catalogue import CHECKS
from policies.checks.facts import ApprovalFact
from policies.models import Finding, Promotion
from policies.selection import Selection


def awaits_people(finding: Finding) -> bool:
    check = CHECKS.get(finding.check_id)
    return check is not None and check.awaits_people


def people_needed(selected: Selection[Any]) -> int:
    """How many people the rules that block need to hear from."""
    enforced = (asked.rule.parameters for asked in selected.asked if asked.mode is Mode.ENFORCE)
    return max((one.count for one in enforced if isinstance(one, ApprovalsParameters)), default=0)


def judge_again(promotion: Promotion, findings: Sequence[Finding]) -> None:
    """Bring the findings that wait for people, of those that are done, to what people have said by now.

    Done where the verdict is reached, because a worker may have judged them before somebody spoke.
    """
    for finding in findings:
        if not (finding.is_done and awaits_people(finding)):
            continue
        check = CHECKS[finding.check_id]
        parameters = msgspec.convert(finding.parameters, ApprovalsParameters)
        known = Facts(**gather(promotion, parameters))
        if finding.facts == msgspec.to_builtins(known):
            continue
        found = check.judge(parameters, known)
        finding.outcome, finding.summary = found.outcome, found.summary
        finding.measured, finding.required = found.measured, found.required
        finding.facts, finding.judged_at = msgspec.to_builtins(known), timezone.now()
        finding.save(update_fields=["outcome", "summary", "measured", "required", "facts", "judged_at"])


def gather(promotion: Promotion, parameters: ApprovalsParameters) -> dict[str, Any]:
    """What people have said, in the order in which they spoke."""
    made_it = makers.of([promotion])[promotion.pk]
    owners = governance_selectors.owners(promotion.model)
    members = {
        owner.team_id: set(governance_selectors.members(owner.team).values_list("user_id", flat=True))
        for owner in owners
        if owner.user_id is None
    }
    approvals = [
        ApprovalFact(
            user=str(row.user_id),
            decision=row.decision,
            roles=sorted(
                owner.role
                for owner in owners
                if owner.user_id == row.user_id or (owner.user_id is None and row.user_id in members[owner.team_id])
            ),
            is_maker=row.user_id in made_it,
        )
        for row in promotion.approvals.order_by("decided_at", "id")
    ]
    found: dict[str, Any] = {"approvals": approvals}
    if parameters.makers_known:
        found["strangers"] = [f"{role} {name}" for role, name in makers.strangers(promotion)]
    return found
