"""A promotion in words, for people and logs."""

from typing import Any

# Word and shape beside the colour, which may not be seen.
SHAPES = {"pass": "✓", "fail": "✗", "unknown": "?", "not_applicable": "–", "error": "!"}
COLOURS = {"pass": "32", "fail": "31", "unknown": "33", "error": "31", "passed": "32", "blocked": "31", "waiting": "33"}
PLAIN_SHAPES = {"✓": "+", "✗": "x", "–": "-"}


def lines(promotion: dict[str, Any], *, colour: bool, unicode: bool) -> list[str]:
    """One line a finding, what to do about those that do not open the gate, then the verdict."""

    def paint(word: str, text: str) -> str:
        return f"\033[{COLOURS[word]}m{text}\033[0m" if colour and word in COLOURS else text

    told = []
    waivers = {waiver.get("id"): waiver for waiver in promotion.get("waivers", [])}
    for finding in promotion.get("findings", []):
        outcome = str(finding.get("outcome") or "pending")
        shape = SHAPES.get(outcome, "…")
        if not unicode:
            shape = PLAIN_SHAPES.get(shape, shape if shape.isascii() else ".")
        mode = finding.get("mode", "enforce")
        note = "" if mode == "enforce" else f" [{mode}: does not block]"
        word = paint(outcome, f"{shape} {outcome.replace('_', ' '):14}")
        told.append(f"{word} {finding.get('check')}: {finding.get('summary') or 'not judged yet'}{note}")
        if waiver := waivers.get(finding.get("waiver")):
            told.append(f"{'':17}Waived: {_by_and_until(waiver)}")
        elif outcome in {"fail", "unknown", "error"} and finding.get("remedy"):
            told.append(f"{'':17}{finding['remedy']}")
    state = str(promotion.get("state"))
    name = f"{promotion.get('model')} version {promotion.get('version')} to {promotion.get('stage')}"
    told.append(f"{paint(state, state.upper())}: {name}")
    if state == "waiting":
        given = sum(1 for approval in promotion.get("approvals", []) if approval.get("decision") == "approve")
        told.append(f"Approvals: {given} of {promotion.get('approvals_required', 0)}.")
    if state == "blocked" and any(finding.get("rule") for finding in promotion.get("findings", [])):
        told.append(f"To ask for a waiver: assay waiver request --promotion {promotion.get('id')} --rule …")
    if since := promotion.get("uncovered_since"):
        told.append(f"A waiver that it passed with has ended: no longer covered since {since}.")
    told += [waiver_line(waiver) for waiver in waivers.values() if waiver.get("state") == "requested"]
    if promotion.get("url"):
        told.append(str(promotion["url"]))
    return told


def waiver_line(waiver: dict[str, Any]) -> str:
    """Where a waiver stands, for what and until when."""
    of = f"Waiver {waiver.get('id')} of {waiver.get('rule')} ({waiver.get('policy')})"
    return f"{of}: {waiver.get('state')}, {_by_and_until(waiver)}"


def _by_and_until(waiver: dict[str, Any]) -> str:
    words = {"approve": "approved by", "refuse": "refused by"}
    said = [f"{words.get(one.get('decision'), 'decided by')} {one.get('user')}" for one in waiver.get("decisions", [])]
    asked = f"asked by {waiver.get('requested_by')}"
    end = f"revoked {waiver.get('revoked_at')}" if waiver.get("revoked_at") else f"until {waiver.get('ends_at')}"
    return f"{', '.join([asked, *said])}, {end} ({waiver.get('ticket')})"
