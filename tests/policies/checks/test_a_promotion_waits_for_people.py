"""The check of approvals: the promotion waits while people are still to speak, and is judged again with each."""

import pytest

from governance.models import OwnerRole, Team, TeamRole, User
from policies import approvals
from policies.models import Promotion
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.django_db
POLICY = """\
policy: credit
applies: {stage: production}
rules:
  - {check: kpi, metric: auc, minimum: MINIMUM}
  - {check: approvals, count: 2, roles: [steward]}
"""


@pytest.fixture
def team() -> Team:
    return factories.team("stewards")


@pytest.fixture
def steward(team: Team) -> User:
    return factories.member(team, "steward", role=TeamRole.APPROVER)


@pytest.fixture
def colleague() -> User:
    """May approve, and is no owner."""
    team = factories.team("business")
    factories.ownership(stories.model(), OwnerRole.BUSINESS_OWNER, team)
    return factories.member(team, "colleague", role=TeamRole.APPROVER)


def asked(owner: User, team: Team, *, minimum: float = 0.8) -> Promotion:
    stories.publish(POLICY.replace("MINIMUM", str(minimum)))
    stories.grow(stories.trained("1"))
    stories.owned(team)
    return stories.judge(stories.ask(owner))


def outcome(promotion: Promotion) -> str:
    return promotion.findings.get(check_id="approvals").outcome


def test_it_waits_until_enough_people_in_the_right_roles_have_spoken(
    administrator: User, team: Team, steward: User, colleague: User
) -> None:
    promotion = asked(administrator, team)
    assert (promotion.state, promotion.approvals_required, outcome(promotion)) == ("waiting", 2, "unknown")

    approvals.record(actor=colleague, promotion=promotion, decision="approve")
    promotion.refresh_from_db()
    assert promotion.state == "waiting"
    assert promotion.findings.get(check_id="approvals").summary == "1 of 2 people approved; still to speak: steward."

    approvals.record(actor=steward, promotion=promotion, decision="approve")
    promotion.refresh_from_db()
    assert (promotion.state, outcome(promotion)) == ("passed", "pass")


def test_who_speaks_before_the_checks_are_done_is_heard(
    administrator: User, team: Team, steward: User, colleague: User
) -> None:
    stories.publish(POLICY.replace("MINIMUM", "0.8"))
    stories.grow(stories.trained("1"))
    stories.owned(team)
    promotion = stories.ask(administrator)
    approvals.record(actor=steward, promotion=promotion, decision="approve")
    approvals.record(actor=colleague, promotion=promotion, decision="approve")

    assert stories.judge(promotion).state == "passed"


def test_a_rejection_blocks(administrator: User, team: Team, steward: User) -> None:
    promotion = asked(administrator, team)

    approvals.record(actor=steward, promotion=promotion, decision="reject", reason="Not yet.")

    promotion.refresh_from_db()
    assert (promotion.state, outcome(promotion)) == ("blocked", "fail")


def test_nobody_is_waited_for_when_another_rule_blocks(administrator: User, team: Team) -> None:
    promotion = asked(administrator, team, minimum=0.99)

    assert (promotion.state, outcome(promotion)) == ("blocked", "unknown")
