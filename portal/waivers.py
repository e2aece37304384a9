"""A waiver as pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from policies import selectors, waiver_states
from policies.models import Scope, Waiver, WaiverDecision
from policies.waiver_states import WaiverState
from policies.waivers import Word
from portal import marks
from portal.findings import subject_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One waiver at an instant. `subject` tells rules of one check apart, `covers` says what it holds for."""

    waiver: Waiver
    state: WaiverState
    mark: marks.Mark
    title: str
    subject: str
    covers: str
    decisions: Sequence[WaiverDecision]
    approved_by: Sequence[str]
    missing: int
    in_force: bool
    is_open: bool


def of(waiver: Waiver, now: datetime) -> Shown:
    """Costs nothing for one read by `selectors`."""
    state = waiver_states.of(waiver, now)
    said = sorted(waiver.decisions.all(), key=lambda decision: decision.decided_at)
    approved = [str(decision.user) for decision in said if decision.decision == Word.APPROVE]
    return Shown(
        waiver=waiver,
        state=state,
        mark=marks.mark(marks.WAIVER_STATES, state),
        title=selectors.check_title(waiver.check_id),
        subject=subject_of(waiver.parameters),
        covers=_covers(waiver),
        decisions=said,
        approved_by=approved,
        missing=max(0, waiver.approvals_required - len(approved)),
        in_force=waiver_states.is_in_force(waiver, now),
        is_open=state.is_open,
    )


def _covers(waiver: Waiver) -> str:
    match Scope(waiver.scope):
        case Scope.VERSION:
            return f"{waiver.promotion.model_name} {waiver.promotion.version}"
        case Scope.MODEL:
            return f"every version of {waiver.promotion.model_name}"
        case Scope.TEAM:
            return f"every model of {waiver.team}"
