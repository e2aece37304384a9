"""Other names of an asset, and whether it is hidden or was dropped, as its page shows them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms

from governance.permissions import Permission
from lineage import decided, hiding, naming, selectors
from lineage.asof import NOW, Moment
from lineage.fieldmodels import Hiding, Naming
from lineage.models import Asset
from lineage.naming import Decision, State

WORDS = {
    State.TOLD: "is the same, a sender says",
    State.RENAMED_FROM: "was the name before",
    State.RENAMED_TO: "is the name now",
    State.PROPOSED: "is spelt alike",
    State.CONFIRMED: "is the same",
    State.REJECTED: "is another thing",
}


DECIDED = {
    Decision.CONFIRMED: "the same as",
    Decision.REJECTED: "not the same as",
    Decision.UNDONE: "undone:",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What somebody did with an asset's names, or with its place in lists."""

    at: datetime
    by: str
    words: str
    other: str
    reason: str


class NamingForm(forms.Form):
    """A decision on two names."""

    other = forms.UUIDField()
    decision = forms.ChoiceField(choices=[(one.value, one.value) for one in Decision])
    reason = forms.CharField(required=False, max_length=naming.MAX_REASON_CHARS)


class HidingForm(forms.Form):
    """Why an asset is not to be seen in lists."""

    reason = forms.CharField(
        max_length=hiding.MAX_REASON_CHARS, error_messages={"required": "Say why, for those who look for it."}
    )


def context(
    asset: Asset, held: Collection[Permission], form: HidingForm | None = None, moment: Moment = NOW
) -> dict[str, Any]:
    """What the sections of names and of hiding need. `held` is what their reader may do with the asset."""
    until = decided.until(moment)
    decisions = [row for row in naming.history(asset.uuid) if until is None or row.decided_at <= until]
    hidings = [row for row in hiding.history(asset.uuid) if until is None or row.hidden_at <= until]
    found = naming.of(asset, moment=moment, decisions=decisions)
    hidden = next((row for row in hidings if row.shown_at is None or (until and row.shown_at > until)), None)
    may_manage = Permission.MANAGE_ASSETS in held
    return {
        "other_names": [
            {
                "name": one,
                "words": WORDS[one.state],
                "choices": _choices(one.state) if may_manage else [],
                "overruled_since": one.told_since if one.state is State.REJECTED else None,
            }
            for one in found
        ],
        "names_past": _past(asset.uuid, decisions, hidings, until),
        "hidden": hidden,
        # Of another day it is not known whether that was then.
        "is_seen_again": moment.is_now and hidden is not None and asset.last_seen_at > hidden.hidden_at,
        "dropped_at": selectors.dropped([asset.pk], moment).get(asset.pk),
        "may_hide": may_manage,
        "hiding_form": form or HidingForm(),
    }


def _past(asset: UUID, decisions: Sequence[Naming], hidings: Sequence[Hiding], until: datetime | None) -> list[Past]:
    """Everything that was decided, the latest first; nothing of it is lost when it is undone."""
    others = {row: row.other if row.asset == asset else row.asset for row in decisions}
    called = selectors.named(set(others.values())) if others else {}
    found = [
        Past(
            at=row.decided_at,
            by=row.decided_by.username,
            words=DECIDED[Decision(row.decision)],
            other=called[other].name if other in called else str(other),
            reason=row.reason,
        )
        for row, other in others.items()
    ]
    for row in hidings:
        found.append(Past(at=row.hidden_at, by=row.hidden_by.username, words="hidden", other="", reason=row.reason))
        if row.shown_at and row.shown_by and (until is None or row.shown_at <= until):
            found.append(Past(at=row.shown_at, by=row.shown_by.username, words="shown again", other="", reason=""))
    return sorted(found, key=lambda past: past.at, reverse=True)


def _choices(state: State) -> list[tuple[str, str]]:
    """What may be decided next, as value and word of a button."""
    match state:
        case State.PROPOSED:
            return [(Decision.CONFIRMED.value, "Same thing"), (Decision.REJECTED.value, "Not the same")]
        case State.CONFIRMED | State.REJECTED:
            return [(Decision.UNDONE.value, "Undo")]
        case State.TOLD:
            return [(Decision.REJECTED.value, "Not the same")]
        case State.RENAMED_FROM | State.RENAMED_TO:
            return []
