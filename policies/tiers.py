"""How critical a model is, as far as waivers are concerned: how long one may last, and how many people approve it."""

from datetime import timedelta
from uuid import UUID

# Of a model that nobody has put into a tier.
DEFAULT_LONGEST = timedelta(days=90)


def of(model: UUID) -> str:
    """The model's tier; empty while nobody has said it."""
    return ""


def longest_waiver(tier: str) -> timedelta:
    return DEFAULT_LONGEST


def waiver_approvals(tier: str) -> int:
    return 1
