"""Teams and who is what in them. A role is granted as guardian's permissions on the team, in the same transaction."""

import re

from django.db import transaction
from guardian.shortcuts import assign_perm, remove_perm

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Invalid, NotFound
from governance.models import Membership, Team, TeamRole, User
from governance.permissions import GRANTED, Permission

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_SLUG_LENGTH = 50
MAX_NAME_LENGTH = 200


@transaction.atomic
def create(*, actor: User, slug: str, name: str) -> Team:
    """A new team without members. Raises Denied, Invalid, or Conflict when the slug is taken."""
    permissions.require(actor, Permission.MANAGE_TEAM)
    _check(slug, name)
    # The unique index decides between two who create at once; the loser finds the row.
    team, is_new = Team.objects.get_or_create(slug=slug, defaults={"name": name.strip()})
    if not is_new:
        raise Conflict(f"There is a team {slug} already.", fields={"slug": "Taken."})
    audit.record(actor=actor, action=Action.TEAM_CREATED, subject=subject(team), detail={"name": team.name})
    return team


@transaction.atomic
def add_member(*, actor: User, team: Team, user: User, role: str) -> tuple[Membership, bool]:
    """Make `user` what `role` says in the team, whatever they were there before, and whether they are new in it."""
    permissions.require(actor, Permission.MANAGE_TEAM, team=team)
    known = _role(role)
    if not user.is_active:
        raise Invalid("The user is not active.", fields={"user": "Not active."})
    # One at a time for a team: two changes of one member would leave the permissions of both.
    Team.objects.select_for_update().get(pk=team.pk)
    before = Membership.objects.filter(team=team, user=user).first()
    if before is None:
        membership = Membership.objects.create(team=team, user=user, role=known.value)
        action, detail = Action.TEAM_MEMBER_ADDED, {"user": user.username, "role": known.value}
    elif before.role == known.value:
        return before, False
    else:
        membership = before
        action = Action.TEAM_MEMBER_CHANGED
        detail = {"user": user.username, "role": known.value, "before": before.role}
        membership.role = known.value
        membership.save(update_fields=["role"])
    _grant(user, team, GRANTED[known])
    audit.record(actor=actor, action=action, subject=subject(team), detail=detail)
    return membership, before is None


@transaction.atomic
def remove_member(*, actor: User, team: Team, user: User) -> None:
    """Take the user out of the team, with all permissions on it. Raises NotFound unless they are in it."""
    permissions.require(actor, Permission.MANAGE_TEAM, team=team)
    Team.objects.select_for_update().get(pk=team.pk)
    membership = Membership.objects.filter(team=team, user=user).first()
    if membership is None:
        raise NotFound(f"{user.username} is not in the team {team.slug}.")
    role = membership.role
    membership.delete()
    _grant(user, team, frozenset())
    detail = {"user": user.username, "role": role}
    audit.record(actor=actor, action=Action.TEAM_MEMBER_REMOVED, subject=subject(team), detail=detail)


def subject(team: Team) -> str:
    """How the audit log names a team."""
    return f"team:{team.slug}"


def _grant(user: User, team: Team, granted: frozenset[Permission]) -> None:
    """Let the user have exactly these of the permissions that roles grant."""
    for permission in sorted(frozenset().union(*GRANTED.values())):
        change = assign_perm if permission in granted else remove_perm
        change(permission.value, user, team)
    user.rights_by_team.pop(team.pk, None)


def _role(role: str) -> TeamRole:
    try:
        return TeamRole(role)
    except ValueError:
        says = f"Not one of {', '.join(TeamRole.values)}."
        raise Invalid(f"role: {says}", fields={"role": says}) from None


def _check(slug: str, name: str) -> None:
    fields = {}
    if not SLUG.fullmatch(slug) or len(slug) > MAX_SLUG_LENGTH:
        fields["slug"] = f"Lower-case letters and digits, joined by hyphens, at most {MAX_SLUG_LENGTH} characters."
    if not name.strip():
        fields["name"] = "Required."
    elif len(name.strip()) > MAX_NAME_LENGTH:
        fields["name"] = f"Longer than {MAX_NAME_LENGTH} characters."
    if fields:
        raise Invalid("The team cannot be made as asked.", fields=fields)
