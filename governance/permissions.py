"""Who may do what. Every decision about rights is taken here, on the object permissions that guardian keeps."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from guardian.core import ObjectPermissionChecker

from governance.errors import Denied
from governance.models import Membership, Ownership, Team, TeamRole, User


class Permission(StrEnum):
    REQUEST_PROMOTION = "request_promotion"
    APPROVE_PROMOTION = "approve_promotion"
    MANAGE_OWNERSHIP = "manage_ownership"
    MANAGE_ASSETS = "manage_assets"
    MANAGE_TEAM = "manage_team"
    MANAGE_CONNECTIONS = "manage_connections"
    MANAGE_POLICIES = "manage_policies"
    READ_AUDIT = "read_audit"
    ASSESS = "assess"
    SET_TARGETS = "set_targets"


# What each role in a team is granted on that team.
GRANTED: dict[TeamRole, frozenset[Permission]] = {
    TeamRole.MEMBER: frozenset({Permission.REQUEST_PROMOTION}),
    TeamRole.APPROVER: frozenset({Permission.REQUEST_PROMOTION, Permission.APPROVE_PROMOTION}),
    TeamRole.MAINTAINER: frozenset(
        {
            Permission.REQUEST_PROMOTION,
            Permission.APPROVE_PROMOTION,
            Permission.MANAGE_OWNERSHIP,
            Permission.MANAGE_ASSETS,
            Permission.MANAGE_TEAM,
            Permission.MANAGE_CONNECTIONS,
        }
    ),
}
# While nobody owns an asset, any member of any team may do these with it: somebody has to be the first.
OPEN_WHILE_UNOWNED = frozenset({Permission.REQUEST_PROMOTION, Permission.MANAGE_OWNERSHIP, Permission.MANAGE_ASSETS})
# Words of a refusal, after "You may not".
ACTS: dict[Permission, str] = {
    Permission.REQUEST_PROMOTION: "request promotions",
    Permission.APPROVE_PROMOTION: "approve promotions",
    Permission.MANAGE_OWNERSHIP: "change owners",
    Permission.MANAGE_ASSETS: "tag, name or hide assets",
    Permission.MANAGE_TEAM: "change teams",
    Permission.MANAGE_CONNECTIONS: "change connections",
    Permission.MANAGE_POLICIES: "change policies",
    Permission.READ_AUDIT: "read the audit log",
    Permission.ASSESS: "review answers or grant exemptions",
    Permission.SET_TARGETS: "set target levels",
}


def require(
    actor: User | AnonymousUser, permission: Permission, *, asset: UUID | None = None, team: Team | None = None
) -> None:
    """Raise Denied unless `may`."""
    if not may(actor, permission, asset=asset, team=team):
        where = f" of the team {team.slug}" if team else f" of the asset {asset}" if asset else ""
        raise Denied(
            f"You may not {ACTS[permission]}{where}: ask for the permission {permission.value}.",
            code="permission_missing",
        )


def may(
    actor: User | AnonymousUser, permission: Permission, *, asset: UUID | None = None, team: Team | None = None
) -> bool:
    """Whether the actor has the permission: for everything, or on the team, or on a team that owns the asset now.

    An asset's teams are those of its current owners; having the permission on one of them is enough. Superusers may
    all; separation of duties is the caller's business. Costs at most six queries, fewer when asked again with the same
    instance of the user, which remembers its rights.
    """
    if isinstance(actor, AnonymousUser) or not actor.is_active:
        return False
    if actor.is_superuser:
        return True
    if team is not None and _has_on(actor, permission, [team]):
        return True
    if asset is not None and _concerned(actor, asset).grant(actor, permission):
        return True
    return actor.has_perm(f"governance.{permission.value}")


def held(actor: User, asset: UUID, *, owning: Collection[Team] | None = None) -> frozenset[Permission]:
    """All that `may` grants the actor on the asset, for those who ask for several: costs hardly more than one.

    `owning` gives the teams that own the asset now, where they were read before.
    """
    if not actor.is_active:
        return frozenset()
    if actor.is_superuser:
        return frozenset(Permission)
    teams = _concerned(actor, asset, owning)
    return frozenset(one for one in Permission if teams.grant(actor, one) or actor.has_perm(f"governance.{one.value}"))


def teams_where(actor: User, permission: Permission) -> list[Team]:
    """The teams on which `may` grants it, by slug. Costs as many queries for all of them as for one."""
    teams = list(Team.objects.order_by("slug"))
    # Reads the rights on all of them at once, which the actor remembers.
    _has_on(actor, permission, teams)
    return [team for team in teams if may(actor, permission, team=team)]


def may_claim_for(actor: User, team: Team) -> bool:
    """Whether the actor may make the team the first owner of something: its members may, and who manages all owners."""
    if actor.is_superuser or actor.has_perm(f"governance.{Permission.MANAGE_OWNERSHIP.value}"):
        return True
    return Membership.objects.filter(team=team, user=actor).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teams:
    """Those that own an asset, or the actor's own while nobody does."""

    teams: list[Team]
    are_owners: bool

    def grant(self, actor: User, permission: Permission) -> bool:
        if permission in OPEN_WHILE_UNOWNED and not self.are_owners:
            return bool(self.teams)
        return _has_on(actor, permission, self.teams)


def _concerned(actor: User, asset: UUID, owning: Collection[Team] | None = None) -> _Teams:
    if owning is None:
        current = Ownership.objects.of(asset).at(timezone.now())
        owning = Team.objects.filter(pk__in=current.values("team"))
    owning = list(owning)
    return _Teams(teams=owning or list(Team.objects.filter(memberships__user=actor)), are_owners=bool(owning))


def _has_on(actor: User, permission: Permission, teams: list[Team]) -> bool:
    """Whether the actor has the permission on any of these teams. Two queries for those not asked about before."""
    rights = actor.rights_by_team
    if unknown := [team for team in teams if team.pk not in rights]:
        checker = ObjectPermissionChecker(actor)
        checker.prefetch_perms(unknown)  # type: ignore[arg-type]  # it takes any iterable, and a list saves a query
        rights.update({team.pk: frozenset(checker.get_perms(team)) for team in unknown})
    return any(permission.value in rights[team.pk] for team in teams)
