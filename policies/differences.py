"""What changed between two texts of a policy: line by line, and in what they ask. Pure."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from governance.yamldocuments import BadDocument
from policies import contradictions, documents, rules
from policies.selection import Rule

CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the new text, of the old one, or of both, with its number in each; a gap has none."""

    kind: Literal["same", "added", "removed", "gap"]
    text: str
    old: int | None = None
    new: int | None = None


def unified(old: str, new: str, *, old_name: str, new_name: str) -> str:
    """The difference as patch tools write it; empty when there is none."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def lines(old: str, new: str) -> list[Line]:
    """The difference for reading: what changed, with a few lines around it."""
    before, after = old.splitlines(), new.splitlines()
    told: list[Line] = []
    for group in difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT_LINES):
        if told or group[0][1] > 0 or group[0][3] > 0:
            told.append(Line(kind="gap", text=""))
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                pairs = zip(range(old_start, old_end), range(new_start, new_end), strict=True)
                told += [Line(kind="same", text=before[one], old=one + 1, new=two + 1) for one, two in pairs]
                continue
            told += [Line(kind="removed", text=before[one], old=one + 1) for one in range(old_start, old_end)]
            told += [Line(kind="added", text=after[one], new=one + 1) for one in range(new_start, new_end)]
    return told


def meaning(old: str, new: str) -> list[str]:
    """What the new text asks otherwise, in sentences; nothing when only its wording changed.

    A text that was published under an older catalogue of checks may not be readable any more: then that is said.
    """
    try:
        before, after = documents.published(old), documents.published(new)
    except BadDocument as bad:
        return [f"One of the texts is no valid policy any more: {bad.errors[0]}"]
    told = []
    if before.applies != after.applies:
        told.append("It applies to other promotions.")
    if before.approvals != after.approvals:
        told.append(f"Approvals: {after.approvals} instead of {before.approvals}.")
    if before.effective_from != after.effective_from:
        told.append(f"It takes effect {_since(after.effective_from)} instead of {_since(before.effective_from)}.")
    was, is_now = _by_key(before), _by_key(after)
    gone: dict[bytes, list[Rule]] = {}
    for key, rule in was.items():
        if key not in is_now:
            gone.setdefault(contradictions.about(rule), []).append(rule)
    for key, rule in is_now.items():
        if key in was:
            continue
        like_it = gone.get(contradictions.about(rule))
        told.append(_changed(like_it.pop(0), rule) if like_it else f"Asks {_words(rule)} as well ({rule.mode}).")
    told += [f"Asks {_words(rule)} no more ({rule.mode} before)." for left in gone.values() for rule in left]
    for key, rule in is_now.items():
        if key not in was:
            continue
        if rule.mode is not was[key].mode:
            told.append(f"{_words(rule)}: {rule.mode} instead of {was[key].mode}.")
        if rule.effective_from != was[key].effective_from:
            told.append(
                f"{_words(rule)}: from {_since(rule.effective_from)} instead of {_since(was[key].effective_from)}."
            )
    return told


def _changed(before: Rule, after: Rule) -> str:
    """What a rule about the same thing asks otherwise."""
    old, new = (msgspec.to_builtins(rule.parameters) for rule in (before, after))
    turns = [f"{name} {_value(new[name])} instead of {_value(old[name])}" for name in new if new[name] != old[name]]
    if before.mode is not after.mode:
        turns.append(f"{after.mode} instead of {before.mode}")
    metric = f" of {new['metric']}" if "metric" in new else ""
    return f"{after.check.id}{metric}: {', '.join(turns)}."


def _value(said: object) -> str:
    return "nothing" if said is None else str(said)


def _by_key(policy: documents.Policy) -> Mapping[str, Rule]:
    return {rules.key(rule.check.id, msgspec.to_builtins(rule.parameters)): rule for rule in policy.rules}


def _words(rule: Rule) -> str:
    told = msgspec.to_builtins(rule.parameters)
    said = rules.without_defaults(rule.check.id, told)
    return (
        f"{rule.check.id} {{{', '.join(f'{name}: {value}' for name, value in said.items())}}}"
        if said
        else rule.check.id
    )


def _since(instant: object) -> str:
    return str(instant) if instant is not None else "at once"
