"""The level a team is to reach, set by risk and not by ambition."""

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction

from assessments import catalogue
from assessments.framework import Ladder
from assessments.models import Target
from governance import audit, permissions
from governance.actions import Action
from governance.criticality import Tier
from governance.errors import Invalid, NotFound
from governance.models import Team, User
from governance.permissions import Permission

MAX_REASON_CHARS = 5_000


# Of a framework's levels above 0, the part that a tier asks for: a proposal, the sponsor decides.
PROPOSED_PART: Mapping[Tier, float] = {Tier.LOW: 0.5, Tier.MEDIUM: 0.75, Tier.HIGH: 1.0, Tier.LIFE_THREATENING: 1.0}


def proposed(ladder: Ladder, tier: Tier) -> int:
    """The target level to begin with for that risk."""
    return max(1, int(PROPOSED_PART[tier] * ladder.top))


@transaction.atomic
def set_level(*, actor: User, team: Team, framework: str, level: int, reason: str = "") -> Target:
    """Set the team's target. Raises Denied, NotFound for a framework without levels, and Invalid."""
    permissions.require(actor, Permission.SET_TARGETS)
    found = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(framework)
    if not isinstance(found, Ladder):
        raise NotFound(f"There is no framework of levels {framework}.", fields={"framework": "unknown"})
    if not 0 <= level <= found.top:
        says = f"0 to {found.top}."
        raise Invalid(f"level: {says}", fields={"level": says})
    if len(reason) > MAX_REASON_CHARS:
        raise Invalid("reason: too long.", fields={"reason": f"Longer than {MAX_REASON_CHARS} characters."})
    target = Target.objects.create(team=team, framework=framework, level=level, reason=reason.strip(), set_by=actor)
    audit.record(
        actor=actor,
        action=Action.TARGET_SET,
        subject=f"team:{team.slug}",
        detail={"framework": framework, "level": level, "reason": target.reason},
    )
    return target
