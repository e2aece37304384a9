import pytest

from governance import permissions, selectors, teams
from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import AuditEntry, Membership, Team, TeamPermission, User
from governance.permissions import Permission
from tests import factories

pytestmark = pytest.mark.django_db


def held(user: User, team: Team) -> set[str]:
    return set(
        TeamPermission.objects.filter(user=user, content_object=team).values_list("permission__codename", flat=True)
    )


def test_joining_grants_and_leaving_takes(owner: User, team: Team) -> None:
    joining = factories.user("joining")

    membership, is_new = teams.add_member(actor=owner, team=team, user=joining, role="approver")
    after_joining = held(joining, team)
    teams.remove_member(actor=owner, team=team, user=joining)

    assert is_new
    assert membership.role == "approver"
    assert after_joining == {"request_promotion", "approve_promotion"}
    assert held(joining, team) == set()
    assert list(AuditEntry.objects.filter(subject="team:credit").order_by("id").values_list("action", "detail")) == [
        ("team.member-added", {"user": "joining", "role": "approver"}),
        ("team.member-removed", {"user": "joining", "role": "approver"}),
    ]


def test_a_new_role_replaces_the_old_one_and_its_permissions(owner: User, team: Team, approver: User) -> None:
    _, is_new = teams.add_member(actor=owner, team=team, user=approver, role="member")

    assert not is_new
    assert held(approver, team) == {"request_promotion"}
    assert AuditEntry.objects.get().detail == {"user": "approver", "role": "member", "before": "approver"}


def test_the_same_role_again_changes_nothing(owner: User, team: Team, member: User) -> None:
    teams.add_member(actor=owner, team=team, user=member, role="member")

    assert not AuditEntry.objects.exists()


def test_rights_remembered_before_a_change_are_asked_for_again(owner: User, team: Team) -> None:
    joining = factories.user("joining")
    assert not permissions.may(joining, Permission.APPROVE_PROMOTION, team=team)

    teams.add_member(actor=owner, team=team, user=joining, role="approver")

    assert permissions.may(joining, Permission.APPROVE_PROMOTION, team=team)


@pytest.mark.parametrize("who", ["member", "approver", "outsider", "auditor"])
def test_only_maintainers_of_the_team_change_it(who: str, team: Team, request: pytest.FixtureRequest) -> None:
    actor: User = request.getfixturevalue(who)
    someone = factories.user("someone")

    with pytest.raises(Denied):
        teams.add_member(actor=actor, team=team, user=someone, role="member")
    with pytest.raises(Denied):
        teams.remove_member(actor=actor, team=team, user=actor)
    with pytest.raises(Denied):
        teams.create(actor=actor, slug="mine", name="Mine")

    assert not AuditEntry.objects.exists()
    assert not Membership.objects.filter(user=someone).exists()


@pytest.mark.parametrize(
    ("slug", "name", "field"),
    [
        ("Credit Risk", "x", "slug"),
        ("", "x", "slug"),
        ("-a", "x", "slug"),
        ("a" * 51, "x", "slug"),
        ("a", " ", "name"),
        ("a", "x" * 201, "name"),
    ],
)
def test_a_team_with_a_bad_name_is_refused_by_field(slug: str, name: str, field: str, administrator: User) -> None:
    with pytest.raises(Invalid) as refused:
        teams.create(actor=administrator, slug=slug, name=name)

    assert set(refused.value.fields) == {field}


def test_a_slug_is_taken_once(administrator: User, team: Team) -> None:
    with pytest.raises(Conflict):
        teams.create(actor=administrator, slug="credit", name="Credit again")


def test_who_is_not_in_the_team_cannot_leave_it(owner: User, team: Team, outsider: User) -> None:
    with pytest.raises(NotFound):
        teams.remove_member(actor=owner, team=team, user=outsider)


def test_an_unknown_role_and_an_inactive_user_are_refused(owner: User, team: Team) -> None:
    with pytest.raises(Invalid, match="member, approver, maintainer"):
        teams.add_member(actor=owner, team=team, user=factories.user("a"), role="boss")
    with pytest.raises(Invalid, match="not active"):
        teams.add_member(actor=owner, team=team, user=factories.user("b", is_active=False), role="member")


def test_the_list_counts_members_and_assets_without_multiplying(
    team: Team, owner: User, member: User, asset: object, other_team: Team
) -> None:
    counted = {one.slug: (one.members_count, one.assets_count) for one in selectors.teams()}

    assert counted == {"credit": (2, 1), "marketing": (0, 0)}
