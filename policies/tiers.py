"""What the criticality of a model means for waivers: how long one may last, and how many people must approve it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from governance import selectors as governance_selectors
from governance.criticality import Tier
from governance.models import Team


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a waiver is bound to. The tier is empty for a model that nobody has classified."""

    tier: str
    longest: timedelta
    approvals: int


BOUNDS = {
    Tier.LIFE_THREATENING: Bounds(tier=Tier.LIFE_THREATENING, longest=timedelta(days=14), approvals=2),
    Tier.HIGH: Bounds(tier=Tier.HIGH, longest=timedelta(days=30), approvals=1),
    Tier.MEDIUM: Bounds(tier=Tier.MEDIUM, longest=timedelta(days=90), approvals=1),
    Tier.LOW: Bounds(tier=Tier.LOW, longest=timedelta(days=180), approvals=1),
}
# How critical it is nobody knows, so it is treated as if it were.
UNCLASSIFIED = Bounds(tier="", longest=timedelta(days=30), approvals=1)


def of_model(model: UUID) -> Bounds:
    return _strictest([model])


def of_team(team: Team) -> Bounds:
    """Those of the most critical asset that the team owns, since a waiver of the team covers it too."""
    return _strictest(list(governance_selectors.owned_by(team).values_list("asset", flat=True).distinct()))


def _strictest(assets: list[UUID]) -> Bounds:
    """The shortest of those of the classified ones; if none is classified, those of what is not."""
    known = governance_selectors.classifications(assets).values()
    found = [BOUNDS[Tier(one.tier)] for one in known if one.tier]
    return min(found, key=lambda bounds: bounds.longest, default=UNCLASSIFIED)
