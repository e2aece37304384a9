"""From findings and approvals to the state of a promotion. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from policies.checks.base import Mode, Outcome


class State(StrEnum):
    """Where a promotion stands. Blocked, passed and withdrawn are final."""

    CHECKING = "checking"
    WAITING = "waiting"
    BLOCKED = "blocked"
    PASSED = "passed"
    WITHDRAWN = "withdrawn"

    @property
    def is_final(self) -> bool:
        return self in {State.BLOCKED, State.PASSED, State.WITHDRAWN}


class Decision(StrEnum):
    """What a person says to a promotion."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding as far as the verdict is concerned. `outcome` is None while it is pending."""

    outcome: Outcome | None
    mode: Mode
    is_waived: bool = False
    awaits_people: bool = False

    @property
    def blocks(self) -> bool:
        return self._is_closed and not self.waits

    @property
    def waits(self) -> bool:
        """Whether it keeps the gate shut only until people have spoken."""
        return self._is_closed and self.awaits_people and self.outcome is Outcome.UNKNOWN

    @property
    def _is_closed(self) -> bool:
        if self.is_waived or self.mode is not Mode.ENFORCE:
            return False
        return self.outcome is not None and not self.outcome.opens


def state(*, findings: Sequence[Judged], approvals_required: int, decisions: Sequence[Decision]) -> State:
    """The state that findings and approvals amount to. Without any finding nothing was judged, so nothing passes."""
    if any(finding.outcome is None for finding in findings):
        return State.CHECKING
    if not findings or any(finding.blocks for finding in findings) or Decision.REJECT in decisions:
        return State.BLOCKED
    if sum(decision is Decision.APPROVE for decision in decisions) < approvals_required:
        return State.WAITING
    if any(finding.waits for finding in findings):
        return State.WAITING
    return State.PASSED
