"""Other names of an asset, and whether it is hidden or was dropped, as its page shows them."""

from collections.abc import Collection
from typing import Any

from django import forms

from governance.permissions import Permission
from lineage import hiding, naming, selectors
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


def context(asset: Asset, held: Collection[Permission], form: HidingForm | None = None) -> dict[str, Any]:
    """What the sections of names and of hiding need. `held` is what their reader may do with the asset."""
    found = naming.of(asset)
    hidden = hiding.of([asset.uuid]).get(asset.uuid)
    may_manage = Permission.MANAGE_ASSETS in held
    return {
        "other_names": [
            {
                "name": one,
                "words": WORDS[one.state],
                "choices": _choices(one.state) if may_manage else [],
            }
            for one in found
        ],
        "hidden": hidden,
        "is_seen_again": hidden is not None and asset.last_seen_at > hidden.hidden_at,
        "dropped_at": selectors.dropped([asset.pk]).get(asset.pk),
        "may_hide": may_manage,
        "hiding_form": form or HidingForm(),
    }


def _choices(state: State) -> list[tuple[str, str]]:
    """What may be decided next, as value and word of a button."""
    match state:
        case State.PROPOSED:
            return [(Decision.CONFIRMED.value, "Same thing"), (Decision.REJECTED.value, "Not the same")]
        case State.CONFIRMED | State.REJECTED:
            return [(Decision.UNDONE.value, "Undo")]
        case State.TOLD | State.RENAMED_FROM | State.RENAMED_TO:
            return []
