import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from governance import ownership, selectors
from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import AuditEntry, OwnerRole, Ownership, Team, User
from tests import factories

pytestmark = pytest.mark.django_db
STEWARD, BUSINESS = OwnerRole.STEWARD, OwnerRole.BUSINESS_OWNER


def days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_a_new_owner_ends_the_one_before_at_the_same_instant(owner: User, team: Team, other_team: Team) -> None:
    asset = uuid.uuid4()
    before = factories.ownership(asset, STEWARD, team, since=days_ago(9))

    after, is_new = ownership.assign(actor=owner, asset=asset, role="steward", team=other_team)

    before.refresh_from_db()
    assert is_new
    assert before.period.upper == after.period.lower
    assert after.period.upper is None
    assert [one.team for one in selectors.owners(asset)] == [other_team]
    entry = AuditEntry.objects.get(subject=f"asset:{asset}")
    assert entry.action == "ownership.assigned"
    assert entry.actor == owner
    assert entry.detail["before"] == {"role": "steward", "team": "credit", "user": None}


def test_the_first_owner_needs_none_before(member: User, team: Team) -> None:
    asset = uuid.uuid4()

    assigned, is_new = ownership.assign(actor=member, asset=asset, role="steward", team=team, user=member)

    assert is_new
    assert assigned.user == member


def test_a_member_takes_what_nobody_owns_only_for_a_team_of_theirs(member: User, other_team: Team) -> None:
    with pytest.raises(Denied, match="a team of yours"):
        ownership.assign(actor=member, asset=uuid.uuid4(), role="steward", team=other_team)

    assert not Ownership.objects.exists()


@pytest.mark.parametrize("who", ["member", "approver", "outsider", "auditor"])
def test_only_maintainers_of_an_owning_team_change_owners(
    who: str, asset: uuid.UUID, team: Team, request: pytest.FixtureRequest
) -> None:
    actor: User = request.getfixturevalue(who)

    with pytest.raises(Denied):
        ownership.assign(actor=actor, asset=asset, role="steward", team=team)
    with pytest.raises(Denied):
        ownership.end(actor=actor, asset=asset, role="steward")

    assert not AuditEntry.objects.exists()


def test_who_is_the_owner_already_stays_so(owner: User, asset: uuid.UUID, team: Team) -> None:
    same, is_new = ownership.assign(actor=owner, asset=asset, role="business_owner", team=team, user=owner)

    assert not is_new
    assert same.user == owner
    assert not AuditEntry.objects.exists()


def test_another_person_of_the_same_team_is_a_new_owner(
    owner: User, member: User, asset: uuid.UUID, team: Team
) -> None:
    _, is_new = ownership.assign(actor=owner, asset=asset, role="business_owner", team=team, user=member)

    assert is_new
    assert selectors.owners(asset)[0].user == member


def test_the_person_must_be_in_the_team(owner: User, outsider: User, asset: uuid.UUID, team: Team) -> None:
    with pytest.raises(Invalid, match="user: Not a member of the team credit"):
        ownership.assign(actor=owner, asset=asset, role="steward", team=team, user=outsider)


@pytest.mark.parametrize(
    "since",
    [datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)],
)
def test_a_time_far_away_is_refused(since: datetime, owner: User, asset: uuid.UUID, team: Team) -> None:
    with pytest.raises(Invalid) as refused:
        ownership.assign(actor=owner, asset=asset, role="steward", team=team, since=since)

    assert set(refused.value.fields) == {"since"}


def test_a_time_not_after_the_current_owners_start_is_refused(owner: User, team: Team, other_team: Team) -> None:
    asset = uuid.uuid4()
    current = factories.ownership(asset, STEWARD, team, since=days_ago(5))

    with pytest.raises(Invalid, match="Not after"):
        ownership.assign(actor=owner, asset=asset, role="steward", team=other_team, since=current.period.lower)


def test_an_owner_set_from_a_later_time_is_in_the_way(owner: User, team: Team, other_team: Team) -> None:
    asset = uuid.uuid4()
    factories.ownership(asset, STEWARD, team, since=days_ago(5))
    tomorrow = timezone.now() + timedelta(days=1)
    ownership.assign(actor=owner, asset=asset, role="steward", team=other_team, since=tomorrow)

    with pytest.raises(Conflict, match="set from a later time"):
        ownership.assign(actor=owner, asset=asset, role="steward", team=other_team)

    assert [one.team for one in selectors.owners(asset)] == [team]
    assert [one.team for one in selectors.owners(asset, tomorrow)] == [other_team]


def test_an_ownership_ends_and_leaves_its_history(owner: User, asset: uuid.UUID) -> None:
    ended = ownership.end(actor=owner, asset=asset, role="steward")

    assert [one.role for one in selectors.owners(asset)] == ["business_owner", "technical_owner"]
    assert ended in selectors.ownership_history(asset)
    assert AuditEntry.objects.get().action == "ownership.ended"
    with pytest.raises(NotFound):
        ownership.end(actor=owner, asset=asset, role="steward")


def test_the_database_itself_refuses_two_owners_in_one_role(team: Team, other_team: Team) -> None:
    asset = uuid.uuid4()
    factories.ownership(asset, STEWARD, team, since=days_ago(5))

    with pytest.raises(IntegrityError, match="one_owner_per_role_at_a_time"), transaction.atomic():
        factories.ownership(asset, STEWARD, other_team, since=days_ago(1))
    factories.ownership(asset, BUSINESS, other_team, since=days_ago(1))


def test_the_database_itself_refuses_a_period_without_length_or_start(team: Team) -> None:
    instant = days_ago(1)

    with pytest.raises(IntegrityError, match="ownership_has_a_start_and_a_length"), transaction.atomic():
        factories.ownership(uuid.uuid4(), STEWARD, team, since=instant, until=instant)
    with pytest.raises(IntegrityError, match="ownership_has_a_start_and_a_length"), transaction.atomic():
        Ownership.objects.create(asset=uuid.uuid4(), role="steward", team=team, period=(None, instant))


def test_owners_are_told_as_of_any_day_in_the_order_people_read_them(team: Team, other_team: Team) -> None:
    asset = uuid.uuid4()
    factories.ownership(asset, STEWARD, team, since=days_ago(9), until=days_ago(5))
    factories.ownership(asset, STEWARD, other_team, since=days_ago(5))
    factories.ownership(asset, BUSINESS, team, since=days_ago(7))

    def told(at: datetime | None) -> list[tuple[str, str]]:
        return [(one.role, one.team.slug) for one in selectors.owners(asset, at)]

    assert told(None) == [("business_owner", "credit"), ("steward", "marketing")]
    assert told(days_ago(6)) == [("business_owner", "credit"), ("steward", "credit")]
    assert told(days_ago(8)) == [("steward", "credit")]
    assert told(days_ago(10)) == []


def test_owners_of_many_assets_cost_one_query(
    asset: uuid.UUID, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    nobodys = uuid.uuid4()

    with django_assert_num_queries(1):
        found = selectors.owners_of([asset, nobodys])
        named = {key: [one.team.slug for one in owners] for key, owners in found.items()}

    assert named == {asset: ["credit"] * 3, nobodys: []}
