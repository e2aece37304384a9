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


TICK = "circle-check-filled"
CROSS = "square-rounded-x-filled"
QUESTION = "help-hexagon-filled"
ALERT = "alert-triangle-filled"

OUTCOMES: Mapping[str, Mark] = {
    "pass": Mark(word="Pass", icon=TICK, tone="pass"),
    "fail": Mark(word="Fail", icon=CROSS, tone="fail"),
    "unknown": Mark(word="Unknown", icon=QUESTION, tone="unknown"),
    "not_applicable": Mark(word="Not applicable", icon="circle-minus", tone="neutral"),
    "error": Mark(word="Error", icon=ALERT, tone="error"),
    "pending": Mark(word="Checking", icon="loader-2", tone="busy"),
}
PROMOTION_STATES: Mapping[str, Mark] = {
    "checking": Mark(word="Checking", icon="loader-2", tone="busy"),
    "waiting": Mark(word="Waiting for approval", icon="hourglass", tone="unknown"),
    "blocked": Mark(word="Blocked", icon=CROSS, tone="fail"),
    "passed": Mark(word="Passed", icon=TICK, tone="pass"),
    "withdrawn": Mark(word="Withdrawn", icon="arrow-back-up", tone="neutral"),
}
RUN_STATES: Mapping[str, Mark] = {
    "completed": Mark(word="Completed", icon=TICK, tone="pass"),
    "failed": Mark(word="Failed", icon=CROSS, tone="fail"),
    "aborted": Mark(word="Aborted", icon="player-stop-filled", tone="neutral"),
    "running": Mark(word="Running", icon="player-play", tone="running"),
    "unknown": Mark(word="Not known", icon="circle-dashed", tone="neutral"),
}
WAIVER_STATES: Mapping[str, Mark] = {
    "requested": Mark(word="Requested", icon="hourglass", tone="unknown"),
    "approved": Mark(word="Approved", icon=TICK, tone="pass"),
    "refused": Mark(word="Refused", icon=CROSS, tone="fail"),
    "revoked": Mark(word="Revoked", icon="arrow-back-up", tone="neutral"),
    "expired": Mark(word="Expired", icon="circle-minus", tone="neutral"),
}
WAIVER_WORDS: Mapping[str, Mark] = {
    "approve": Mark(word="Approved", icon=TICK, tone="pass"),
    "refuse": Mark(word="Refused", icon=CROSS, tone="fail"),
}
INCIDENT_KINDS: Mapping[str, Mark] = {
    "unapproved": Mark(word="Live without a verdict", icon=CROSS, tone="fail"),
    "uncovered": Mark(word="Waiver ended", icon="hourglass", tone="error"),
    "alert": Mark(word="Alert", icon=ALERT, tone="error"),
}
SEVERITIES: Mapping[str, Mark] = {
    "critical": Mark(word="Critical", icon=CROSS, tone="fail"),
    "warning": Mark(word="Warning", icon=ALERT, tone="error"),
    "info": Mark(word="Information", icon="info-circle", tone="neutral"),
}
INCIDENT_ENDINGS: Mapping[str, Mark] = {
    "approved": Mark(word="Approved after all", icon=TICK, tone="pass"),
    "gone": Mark(word="No longer live", icon=TICK, tone="pass"),
    "resolved": Mark(word="Taken back by monitoring", icon=TICK, tone="pass"),
    "dismissed": Mark(word="Closed by a person", icon="circle-minus", tone="neutral"),
}
CONNECTION_STATES: Mapping[str, Mark] = {
    "working": Mark(word="Working", icon=TICK, tone="pass"),
    "silent": Mark(word="Nothing came yet", icon="circle-dashed", tone="neutral"),
    "untold": Mark(word="Nothing told yet", icon="circle-dashed", tone="neutral"),
    "failing": Mark(word="Failing", icon=CROSS, tone="fail"),
    "untrusted": Mark(word="Not believed", icon=ALERT, tone="error"),
    "paused": Mark(word="Paused", icon="hourglass", tone="unknown"),
    "retired": Mark(word="Retired", icon="circle-minus", tone="neutral"),
}
DELIVERY_STATES: Mapping[str, Mark] = {
    "received": Mark(word="Waiting", icon="loader-2", tone="busy"),
    "translated": Mark(word="Translated", icon=TICK, tone="pass"),
    "ignored": Mark(word="Brings nothing", icon="circle-minus", tone="neutral"),
    "unknown": Mark(word="Unknown type", icon=QUESTION, tone="unknown"),
    "refused": Mark(word="Refused", icon=ALERT, tone="error"),
    "failed": Mark(word="Failed", icon=CROSS, tone="fail"),
}
DISPATCH_STATES: Mapping[str, Mark] = {
    "pending": Mark(word="To be sent", icon="loader-2", tone="busy"),
    "sent": Mark(word="Sent", icon=TICK, tone="pass"),
    "given_up": Mark(word="Given up", icon=CROSS, tone="fail"),
    "none": Mark(word="Not meant for it", icon="circle-minus", tone="neutral"),
}
JOIN_STATES: Mapping[str, Mark] = {
    "automatic": Mark(word="The only one", icon=TICK, tone="pass"),
    "proposed": Mark(word="For you to say", icon=QUESTION, tone="unknown"),
    "confirmed": Mark(word="Confirmed", icon=TICK, tone="pass"),
    "rejected": Mark(word="Rejected", icon=CROSS, tone="fail"),
}
JOIN_DECISIONS: Mapping[str, str] = {
    "join.confirmed": "Confirmed",
    "join.rejected": "Rejected",
    "join.undone": "Undone",
}
DECISIONS: Mapping[str, Mark] = {
    "approve": Mark(word="Approved", icon=TICK, tone="pass"),
    "reject": Mark(word="Rejected", icon=CROSS, tone="fail"),
}


def mark(marks: Mapping[str, Mark], value: str) -> Mark:
    return marks.get(value) or Mark(word=value or "Not known", icon=QUESTION, tone="unknown")
