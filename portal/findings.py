"""A promotion's findings, as its page shows them."""

from dataclasses import dataclass
from typing import Any

from policies import selectors
from policies.models import Finding, PolicyVersion, Promotion

PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One finding. No policy: none applied, which is a finding too."""

    check: str
    title: str
    outcome: str
    mode: str
    summary: str
    measured: Any
    required: Any
    remedy: str
    evidence: Any
    policy: PolicyVersion | None


def of(promotion: Promotion) -> list[Shown]:
    """In the order of the policies' rules. Costs nothing for a promotion read by `selectors.promotion`."""
    return [_shown(finding) for finding in sorted(promotion.findings.all(), key=lambda one: one.position)]


def _shown(finding: Finding) -> Shown:
    return Shown(
        check=finding.check_id,
        title=selectors.title(finding),
        outcome=finding.outcome if finding.is_done else PENDING,
        mode=finding.mode,
        summary=finding.summary,
        measured=finding.measured,
        required=finding.required,
        remedy=selectors.remedy(finding),
        evidence=finding.evidence,
        policy=finding.policy_version,
    )
