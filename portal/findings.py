"""A promotion's findings, as its page shows them."""

from dataclasses import dataclass
from typing import Any

from policies import selectors
from policies.models import Finding, PolicyVersion, Promotion

PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One finding. `subject` tells rules of one check apart. No policy: none applied, which is a finding too."""

    check: str
    title: str
    subject: str
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
        subject=_subject(finding.parameters),
        outcome=finding.outcome if finding.is_done else PENDING,
        mode=finding.mode,
        summary=finding.summary,
        measured=finding.measured,
        required=finding.required,
        remedy=selectors.remedy(finding),
        evidence=finding.evidence,
        policy=finding.policy_version,
    )


def _subject(parameters: dict[str, Any]) -> str:
    """The metric, and the segment if the rule names one."""
    return " of ".join(str(parameters[name]) for name in ("metric", "segment") if parameters.get(name))
