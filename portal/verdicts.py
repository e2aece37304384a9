"""The sentence at the head of a promotion. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from policies.checks.base import Mode
from policies.evaluation import State

# What each outcome that closes a gate is called in a sentence, the worst first.
CLOSED = (("fail", "failed"), ("error", "ended in an error"), ("unknown", "could not be answered"))

# More than these are counted; each is told in full below the sentence.
SUMMARIES_TOLD = 2
NOTHING_BLOCKS = "No check stands in the way."


class Judged(Protocol):
    """A finding, as far as the sentence needs it."""

    @property
    def outcome(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def is_waived(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """`title` says where the promotion stands, `detail` why."""

    title: str
    detail: str


def headline(
    *,
    state: State,
    findings: Sequence[Judged],
    approved_by: Sequence[str],
    rejected_by: Sequence[str],
    approvals_required: int,
) -> Headline:
    match state:
        case State.CHECKING:
            finished = sum(finding.outcome != "pending" for finding in findings)
            return Headline(title="Checking", detail=f"{finished} of {_checks(len(findings))} finished.")
        case State.WAITING:
            missing = approvals_required - len(approved_by)
            return Headline(
                title=f"Waiting for {missing} approval{'s' * (missing != 1)}",
                detail=f"{_nothing_blocks(findings)} {len(approved_by)} of {approvals_required} given.",
            )
        case State.BLOCKED:
            return Headline(title="Blocked", detail=_why_blocked(findings, rejected_by))
        case State.PASSED:
            approved = f" Approved by {', '.join(approved_by)}." if approved_by else ""
            return Headline(title="Passed", detail=f"{_nothing_blocks(findings)}{approved}")
        case State.WITHDRAWN:
            return Headline(title="Withdrawn", detail="Taken back before it was decided; it opens nothing.")


def _why_blocked(findings: Sequence[Judged], rejected_by: Sequence[str]) -> str:
    reasons = [f"Rejected by {', '.join(rejected_by)}."] if rejected_by else []
    closed = {outcome for outcome, _ in CLOSED}
    blocking = [
        finding
        for finding in findings
        if finding.mode == Mode.ENFORCE and finding.outcome in closed and not finding.is_waived
    ]
    if len(blocking) <= SUMMARIES_TOLD and all(finding.summary for finding in blocking):
        reasons += [finding.summary for finding in blocking]
    elif blocking:
        counts = [(sum(finding.outcome == outcome for finding in blocking), words) for outcome, words in CLOSED]
        reasons.append(", ".join(f"{_checks(count)} {words}" for count, words in counts if count) + ".")
    return " ".join(reasons)


def _nothing_blocks(findings: Sequence[Judged]) -> str:
    """Findings that do not block are told all the same: what would have blocked was waived, or nothing had passed."""
    closed = [finding for finding in findings if finding.outcome in {outcome for outcome, _ in CLOSED}]
    waived = sum(finding.mode == Mode.ENFORCE for finding in closed)
    aside = len(closed) - waived
    told = [f"{_checks(waived)} {'is' if waived == 1 else 'are'} waived"] if waived else []
    told += [f"{_checks(aside)} did not pass but may not block"] if aside else []
    return f"No check stands in the way; {' and '.join(told)}." if told else NOTHING_BLOCKS


def _checks(count: int) -> str:
    return f"{count} check{'s' * (count != 1)}"
