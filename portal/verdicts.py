"""The sentence at the head of a promotion. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# What each outcome is called in a sentence, the worst first.
CLOSED = (("fail", "failed"), ("error", "ended in an error"), ("unknown", "could not be answered"))
BLOCKING_MODE = "enforce"


class Judged(Protocol):
    """A finding, as far as the sentence needs it."""

    @property
    def outcome(self) -> str: ...
    @property
    def mode(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """`title` says where the promotion stands, `detail` why."""

    title: str
    detail: str


def headline(*, state: str, findings: Sequence[Judged], approved: int, required: int) -> Headline:
    total = len(findings)
    finished = sum(finding.outcome != "pending" for finding in findings)
    match state:
        case "checking":
            return Headline(title="Checking", detail=f"{finished} of {_checks(total)} finished.")
        case "waiting":
            missing = required - approved
            return Headline(
                title=f"Waiting for {missing} approval{'s' * (missing != 1)}",
                detail=f"No check stands in the way. {approved} of {required} given.",
            )
        case "blocked":
            return Headline(title="Blocked", detail=_why_blocked(findings))
        case "passed":
            return Headline(title="Passed", detail=_why_passed(total, approved))
        case "withdrawn":
            return Headline(title="Withdrawn", detail="Taken back before it was decided; it opens nothing.")
        case other:
            return Headline(title=other.capitalize(), detail="")


def _why_blocked(findings: Sequence[Judged]) -> str:
    parts = []
    for outcome, words in CLOSED:
        count = sum(finding.outcome == outcome and finding.mode == BLOCKING_MODE for finding in findings)
        if count:
            parts.append(f"{_checks(count)} {words}")
    if not findings:
        return "No policy applies to it, and without one nothing is promoted."
    return (", ".join(parts) + ".") if parts else "It was rejected."


def _why_passed(total: int, approved: int) -> str:
    sentence = f"No check stood in the way ({_checks(total)})."
    return f"{sentence} Approved by {approved} {'person' if approved == 1 else 'people'}." if approved else sentence


def _checks(count: int) -> str:
    return f"{count} check{'s' * (count != 1)}"
