"""Rows for tests, made directly: what a write function does beside the row is tested where that function is."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import Permission as ModelPermission
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm

from governance import tokens
from governance.criticality import Tier
from governance.models import Classification, Membership, OwnerRole, Ownership, Team, TeamRole, User
from governance.permissions import GRANTED
from governance.tokens import Scope


def user(username: str, *, is_superuser: bool = False, is_active: bool = True, is_service: bool = False) -> User:
    """An account that signs in only by `client.force_login`: hashing passwords would be most of a test's time."""
    account = User(username=username, is_superuser=is_superuser, is_active=is_active, is_service=is_service)
    account.set_unusable_password()
    account.save()
    return account


def auditor(username: str) -> User:
    account = user(username)
    account.user_permissions.add(ModelPermission.objects.get(codename="read_audit"))
    return account


def policy_manager(username: str) -> User:
    account = user(username)
    account.user_permissions.add(ModelPermission.objects.get(codename="manage_policies"))
    return account


def team(slug: str) -> Team:
    return Team.objects.create(slug=slug, name=slug.title())


def member(team: Team, username: str, *, role: TeamRole = TeamRole.MEMBER) -> User:
    """A new user in the team, with the permissions of the role."""
    account = user(username)
    Membership.objects.create(team=team, user=account, role=role.value)
    for permission in GRANTED[role]:
        assign_perm(permission.value, account, team)
    return account


def ownership(
    asset: UUID,
    role: OwnerRole,
    team: Team,
    *,
    user: User | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Ownership:
    period = DateTimeTZRange(since or timezone.now(), until, "[)")
    return Ownership.objects.create(asset=asset, role=role.value, team=team, user=user, period=period)


def client(user: User, *scopes: Scope) -> Client:
    """A client that sends a new token of the user with every request, of every scope unless some are named."""
    return Client(headers={"Authorization": f"Bearer {secret(user, *scopes)}"})


def secret(user: User, *scopes: Scope, expires_at: datetime | None = None) -> str:
    """The secret of a new token of the user, with every scope unless some are named."""
    return tokens.issue(actor=user, user=user, scopes=scopes or (Scope.ALL,), name="test", expires_at=expires_at)[1]


def classification(asset: UUID, tier: Tier, user: User) -> Classification:
    """What this user says of the asset, from now on."""
    period = DateTimeTZRange(timezone.now(), None, "[)")
    return Classification.objects.create(asset=asset, tier=tier.value, reason="A test.", set_by=user, period=period)
