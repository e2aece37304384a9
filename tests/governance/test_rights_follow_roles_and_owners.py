import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from guardian.shortcuts import assign_perm
from pytest_django import DjangoAssertNumQueries

from governance import permissions
from governance.errors import Denied
from governance.models import OwnerRole, Team, User
from governance.permissions import Permission
from tests import factories

pytestmark = pytest.mark.django_db

TEAM_PERMISSIONS = [
    Permission.REQUEST_PROMOTION,
    Permission.APPROVE_PROMOTION,
    Permission.MANAGE_OWNERSHIP,
    Permission.MANAGE_TEAM,
]


@pytest.mark.parametrize(
    ("who", "held"),
    [
        ("member", {Permission.REQUEST_PROMOTION}),
        ("approver", {Permission.REQUEST_PROMOTION, Permission.APPROVE_PROMOTION}),
        ("owner", set(TEAM_PERMISSIONS)),
        ("outsider", set()),
        ("auditor", set()),
        ("administrator", set(TEAM_PERMISSIONS)),
    ],
)
def test_a_role_gives_its_permissions_on_the_team_and_its_assets(
    who: str, held: set[Permission], team: Team, asset: uuid.UUID, request: pytest.FixtureRequest
) -> None:
    actor: User = request.getfixturevalue(who)

    assert {one for one in TEAM_PERMISSIONS if permissions.may(actor, one, team=team)} == held
    assert {one for one in TEAM_PERMISSIONS if permissions.may(actor, one, asset=asset)} == held


def test_a_refusal_names_what_is_missing(outsider: User, asset: uuid.UUID) -> None:
    with pytest.raises(Denied, match=f"change owners of the asset {asset}.*manage_ownership") as refused:
        permissions.require(outsider, Permission.MANAGE_OWNERSHIP, asset=asset)

    assert refused.value.code == "permission_missing"


def test_one_of_several_owning_teams_is_enough(outsider: User, other_team: Team, team: Team) -> None:
    asset = uuid.uuid4()
    factories.ownership(asset, OwnerRole.BUSINESS_OWNER, team)
    factories.ownership(asset, OwnerRole.STEWARD, other_team)

    assert permissions.may(outsider, Permission.APPROVE_PROMOTION, asset=asset)


def test_a_team_that_owned_or_will_own_has_no_say_now(outsider: User, other_team: Team, asset: uuid.UUID) -> None:
    now = timezone.now()
    factories.ownership(
        asset, OwnerRole.STEWARD, other_team, since=now - timedelta(days=9), until=now - timedelta(days=8)
    )

    assert not permissions.may(outsider, Permission.REQUEST_PROMOTION, asset=asset)


def test_what_nobody_owns_any_member_may_handle_but_only_approvers_approve(
    member: User, approver: User, auditor: User
) -> None:
    asset = uuid.uuid4()

    assert permissions.may(member, Permission.REQUEST_PROMOTION, asset=asset)
    assert permissions.may(member, Permission.MANAGE_OWNERSHIP, asset=asset)
    assert not permissions.may(member, Permission.APPROVE_PROMOTION, asset=asset)
    assert permissions.may(approver, Permission.APPROVE_PROMOTION, asset=asset)
    assert not permissions.may(auditor, Permission.REQUEST_PROMOTION, asset=asset)


def test_without_a_team_or_asset_only_a_permission_for_everything_counts(owner: User, auditor: User) -> None:
    assert not permissions.may(owner, Permission.MANAGE_TEAM)
    assert not permissions.may(owner, Permission.READ_AUDIT)
    assert permissions.may(auditor, Permission.READ_AUDIT)
    assert not permissions.may(auditor, Permission.MANAGE_POLICIES)
    assert permissions.may(factories.policy_manager("rules"), Permission.MANAGE_POLICIES)


def test_a_permission_that_guardian_alone_was_given_counts(outsider: User, team: Team, asset: uuid.UUID) -> None:
    assign_perm("approve_promotion", outsider, team)

    assert permissions.may(outsider, Permission.APPROVE_PROMOTION, asset=asset)


@pytest.mark.parametrize("permission", Permission)
def test_the_inactive_and_the_anonymous_may_nothing(permission: Permission, team: Team) -> None:
    gone = factories.user("gone", is_superuser=True, is_active=False)

    assert not permissions.may(gone, permission, team=team)
    assert not permissions.may(AnonymousUser(), permission, team=team)


def test_asking_costs_few_queries_and_asking_again_fewer(
    outsider: User, member: User, asset: uuid.UUID, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(6):
        permissions.may(outsider, Permission.APPROVE_PROMOTION, asset=asset)
    with django_assert_max_num_queries(1):
        permissions.may(outsider, Permission.REQUEST_PROMOTION, asset=asset)
    with django_assert_max_num_queries(3):
        permissions.may(member, Permission.REQUEST_PROMOTION, asset=asset)
