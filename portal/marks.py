"""How a state is shown: a word and a shape, and a tone that only repeats them. Pure.

A word that is not listed here is shown as it is, with the shape of the unknown: a state that the portal does not know
must not look like a good one.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`icon` names a symbol of the sprite, `tone` a modifier of verdict-badge."""

    word: str
    icon: str
    tone: str


PASS_ICON = "circle-check-filled"
FAIL_ICON = "square-rounded-x-filled"
UNKNOWN_ICON = "help-hexagon-filled"
ERROR_ICON = "alert-triangle-filled"

OUTCOMES: Mapping[str, Mark] = {
    "pass": Mark(word="Pass", icon=PASS_ICON, tone="pass"),
    "fail": Mark(word="Fail", icon=FAIL_ICON, tone="fail"),
    "unknown": Mark(word="Unknown", icon=UNKNOWN_ICON, tone="unknown"),
    "not_applicable": Mark(word="Not applicable", icon="circle-minus", tone="neutral"),
    "error": Mark(word="Error", icon=ERROR_ICON, tone="error"),
    "pending": Mark(word="Checking", icon="loader-2", tone="busy"),
}
PROMOTION_STATES: Mapping[str, Mark] = {
    "checking": Mark(word="Checking", icon="loader-2", tone="busy"),
    "waiting": Mark(word="Waiting for approval", icon="hourglass", tone="unknown"),
    "blocked": Mark(word="Blocked", icon=FAIL_ICON, tone="fail"),
    "passed": Mark(word="Passed", icon=PASS_ICON, tone="pass"),
    "withdrawn": Mark(word="Withdrawn", icon="arrow-back-up", tone="neutral"),
}
RUN_STATES: Mapping[str, Mark] = {
    "completed": Mark(word="Completed", icon=PASS_ICON, tone="pass"),
    "failed": Mark(word="Failed", icon=FAIL_ICON, tone="fail"),
    "aborted": Mark(word="Aborted", icon="player-stop-filled", tone="neutral"),
    "running": Mark(word="Running", icon="player-play", tone="running"),
    "unknown": Mark(word="Not known", icon="circle-dashed", tone="neutral"),
}
DECISIONS: Mapping[str, Mark] = {
    "approve": Mark(word="Approved", icon=PASS_ICON, tone="pass"),
    "reject": Mark(word="Rejected", icon=FAIL_ICON, tone="fail"),
}


def mark(marks: Mapping[str, Mark], value: str) -> Mark:
    return marks.get(value) or Mark(word=value or "Not known", icon=UNKNOWN_ICON, tone="unknown")
