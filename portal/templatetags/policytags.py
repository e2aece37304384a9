"""Policies in words."""

from collections.abc import Sequence

from django import template

from policies.documents import Policy

register = template.Library()


@register.filter
def applies_to(policy: Policy) -> str:
    """Which promotions a policy judges: "production, models credit-*, tier high"."""
    applies, model = policy.applies, policy.applies.model
    parts = [
        _words(applies.stage),
        "every model" if model.name == "*" else f"models {_words(model.name)}",
        "" if model.namespace == "*" else f"in {_words(model.namespace)}",
        f"tier {_words(model.tier)}" if model.tier else "",
        f"tagged {_words(model.tags)}" if model.tags else "",
        f"data {_words(model.data_classes)}" if model.data_classes else "",
        f"of team {_words(applies.team)}" if applies.team else "",
    ]
    return ", ".join(filter(None, parts))


def _words(said: str | Sequence[str]) -> str:
    return said if isinstance(said, str) else " or ".join(said)
