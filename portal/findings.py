"""A promotion's findings, as its page shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies import coverage, selectors
from policies.checks.catalogue import CHECKS
from policies.models import Finding, PolicyVersion, Promotion, Waiver
from portal.charts import attributions, intervals
from portal.charts.chart import Chart

PENDING = "pending"
DRAWN_CHECKS = frozenset({"fairness", "explanations"})
# What charts draw of what was measured; in words it would fill the page.
DRAWN = frozenset({"groups", "breaking", "features", "lowest", "highest", "parts"})


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
    rule: str
    may_be_waived: bool
    waiver: Waiver | None
    position: int

    @property
    def charts(self) -> list[Chart]:
        """What was measured as drawings, where there are some for the check; drawn at each call."""
        identity = f"finding-{self.position}"
        match self.check:
            case "fairness" if self.measured:
                return intervals.charts(identity, self.measured, self.required or {})
            case "explanations" if self.measured:
                return attributions.charts(identity, self.measured)
            case _:
                return []

    @property
    def told(self) -> Any:
        """What was measured, without what charts draw of it."""
        if self.check not in DRAWN_CHECKS or not self.measured:
            return self.measured
        return {name: value for name, value in self.measured.items() if name not in DRAWN and value is not None}

    @property
    def has_page(self) -> bool:
        """Whether the catalogue tells of the check."""
        return self.check in CHECKS

    @property
    def is_waived(self) -> bool:
        return self.waiver is not None


def of(promotion: Promotion, waived: Mapping[int, Waiver] | None = None) -> list[Shown]:
    """In the order of the policies' rules. Costs nothing for a promotion read by `selectors.promotion`.

    `waived` gives the waivers of findings by the finding's id, see `selectors.waived`.
    """
    by_finding = waived or {}
    ordered = sorted(promotion.findings.all(), key=lambda one: one.position)
    return [shown(finding, by_finding.get(finding.pk)) for finding in ordered]


def shown(finding: Finding, waiver: Waiver | None = None) -> Shown:
    rule = coverage.rule_of(finding)
    return Shown(
        check=finding.check_id,
        title=selectors.title(finding),
        subject=subject_of(finding.parameters),
        outcome=finding.outcome if finding.is_done else PENDING,
        mode=finding.mode,
        summary=finding.summary,
        measured=finding.measured,
        required=finding.required,
        remedy=selectors.remedy(finding),
        evidence=finding.evidence,
        policy=finding.policy_version,
        rule=rule[1] if rule else "",
        may_be_waived=rule is not None and coverage.is_closed(finding),
        waiver=waiver,
        position=finding.position,
    )


def subject_of(parameters: dict[str, Any]) -> str:
    """The metric, and the segment if the rule names one."""
    return " of ".join(str(parameters[name]) for name in ("metric", "segment") if parameters.get(name))
