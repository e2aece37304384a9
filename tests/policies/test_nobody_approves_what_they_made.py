"""Separation of duties: committer, runner, registrant, requester and the actor of a pipeline have no say."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from governance import identities
from governance.errors import Denied, Invalid
from governance.models import Team, TeamRole, User
from lineage import eventlog, events
from lineage import makers as lineage_makers
from policies import approvals, makers, verdicts
from policies.models import Approval, Maker, Promotion
from tests import factories
from tests.lineage import growing
from tests.policies import stories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def policy(team: Team) -> None:
    stories.publish()
    stories.owned(team)


def told(**names: Any) -> dict[str, Any]:
    """A run whose sender names people."""
    run = {"runId": "training of credit 1", "facets": {lineage_makers.FACET: names}}
    return stories.trained("1", run=run)


def waiting(actor: User, **more: Any) -> Promotion:
    promotion = stories.judge(stories.ask(actor, **more))
    assert promotion.state == "waiting"
    return promotion


def insert(promotion: Promotion, user: User, decision: str = "approve") -> None:
    """An approval past all our code."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policies_approval (promotion_id, requester_id, user_id, decision, reason) "
            "VALUES (%s, %s, %s, %s, '')",
            [promotion.pk, promotion.requested_by_id, user.pk, decision],
        )


@pytest.mark.parametrize("role", lineage_makers.ROLES)
@pytest.mark.parametrize("spelling", ["APPROVER", "Chief <approver@corp.example>", "approver+ci@CORP.example"])
@pytest.mark.parametrize("is_in_the_graph", [False, True])
def test_in_no_spelling_of_their_name(
    member: User, approver: User, owner: User, role: str, spelling: str, is_in_the_graph: bool
) -> None:
    User.objects.filter(pk=approver.pk).update(email="approver@corp.example", first_name="Another", last_name="Name")
    stories.grow(told(**{role: [spelling]}) if is_in_the_graph else stories.trained("1"))
    promotion = waiting(member, **({} if is_in_the_graph else {"made_by": {role: [spelling]}}))

    with pytest.raises(Denied, match=makers.ACTS[role]):
        approvals.record(actor=approver, promotion=promotion, decision="approve")

    assert makers.ACTS[role] in approvals.obstacle(approver, promotion)
    with pytest.raises(IntegrityError, match="what they made"):
        insert(promotion, approver)
    approvals.record(actor=owner, promotion=promotion, decision="approve")
    promotion.refresh_from_db()
    assert promotion.state == "passed"


def test_who_sent_the_events_of_the_run_ran_it(member: User, approver: User) -> None:
    stories.grow(stories.trained("1"))
    promotion = waiting(member)
    more = json.dumps(stories.trained("1", eventTime="2026-03-01T10:00:01Z")).encode()
    eventlog.append([events.read(more)], sender=approver)
    growing.project()

    with pytest.raises(Denied, match="ran"):
        approvals.record(actor=approver, promotion=promotion, decision="approve")


def test_the_person_behind_a_service_account_requested_it(team: Team, approver: User) -> None:
    robot = factories.member(team, "robot")
    User.objects.filter(pk=robot.pk).update(is_service=True)
    robot.refresh_from_db()
    identities.link(actor=None, user=approver, name="Robot")
    stories.grow(stories.trained("1"))

    with pytest.raises(Denied, match="requested"):
        approvals.record(actor=approver, promotion=waiting(robot), decision="approve")


def test_raw_sql_cannot_approve_for_the_requester(team: Team, approver: User) -> None:
    both = factories.member(team, "both", role=TeamRole.APPROVER)
    stories.grow(stories.trained("1"))
    promotion = waiting(both)

    for decision in ("approve", "reject"):
        with pytest.raises(IntegrityError):
            insert(promotion, both, decision)
    insert(promotion, approver)

    assert Approval.objects.get().user == approver


def test_an_approval_does_not_count_once_it_is_known_that_its_author_made_the_version(
    member: User, approver: User, owner: User
) -> None:
    stories.publish(stories.POLICY.replace("count: 1", "count: 2"))
    stories.grow(told(committer=["old-login"]))
    promotion = waiting(member)
    approvals.record(actor=approver, promotion=promotion, decision="approve")
    identities.link(actor=None, user=approver, name="old-login")

    approvals.record(actor=owner, promotion=promotion, decision="approve")

    promotion.refresh_from_db()
    assert promotion.state == "waiting"
    with transaction.atomic():
        assert verdicts.settle(Promotion.objects.select_for_update().get(pk=promotion.pk)) == "waiting"


def test_a_name_that_means_nobody_is_told(member: User) -> None:
    stories.grow(told(committer=["gone@corp.example", "Member"]))
    promotion = waiting(member, made_by={"ci_actor": ["bot[x]"]})

    assert makers.strangers(promotion) == [("ci_actor", "bot[x]"), ("committer", "gone@corp.example")]
    assert set(Maker.objects.values_list("user__username", "role")) == {
        ("member", "requester"),
        ("member", "committer"),
    }


@pytest.mark.parametrize(
    "facet", [None, [], "x", {"committer": {"name": "x"}}, {"committer": [1, None, " "]}, {"x": ["y"]}]
)
def test_a_facet_that_is_not_of_its_form_names_nobody(member: User, facet: Any) -> None:
    stories.grow(stories.trained("1", run={"runId": "training of credit 1", "facets": {lineage_makers.FACET: facet}}))

    assert lineage_makers.of(stories.ask(member).model_version) == []


@pytest.mark.parametrize(
    "given", [{"boss": ["x"]}, {"committer": [""]}, {"committer": ["x" * 321]}, {"committer": ["x"] * 21}]
)
def test_names_that_cannot_be_kept_are_refused(member: User, given: dict[str, list[str]]) -> None:
    stories.grow(stories.trained("1"))

    with pytest.raises(Invalid) as refused:
        stories.ask(member, made_by=given)

    assert list(refused.value.fields) == [f"made_by.{next(iter(given))}"]
