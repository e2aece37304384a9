"""What is asked, what the checks find, what people say, and what comes of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from governance import users
from governance.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from governance.models import AuditEntry, OwnerRole, Team, TeamRole, User
from policies import approvals, checking, promotions
from policies.models import Approval, Finding, Promotion, Verdict
from tests import factories
from tests.lineage import growing
from tests.policies import stories

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy(team: Team) -> None:
    stories.publish()
    stories.owned(team)


def outcomes(promotion: Promotion) -> dict[str, str]:
    return dict(promotion.findings.values_list("check_id", "outcome"))


@pytest.mark.usefixtures("policy")
class TestVerdict:
    def test_a_good_version_waits_for_people_and_passes_with_their_word(self, member: User, approver: User) -> None:
        stories.grow(stories.trained("1"))
        promotion = stories.judge(stories.ask(member))
        assert promotion.state == "waiting"

        approvals.record(actor=approver, promotion=promotion, decision="approve", reason="read")

        promotion.refresh_from_db()
        assert promotion.state == "passed"
        document = Verdict.objects.get(promotion=promotion).document
        assert [finding["outcome"] for finding in document["findings"]] == ["pass", "pass", "pass"]
        assert document["findings"][0]["facts"]["measurements"][0]["value"] == 0.9
        assert document["approvals"][0]["user"] == approver.pk
        actions = AuditEntry.objects.filter(subject=f"promotion:{promotion.uuid}").values_list("action", flat=True)
        assert list(actions.order_by("id")) == ["promotion.requested", "promotion.approved", "promotion.decided"]

    def test_a_bad_figure_blocks(self, member: User) -> None:
        stories.grow(stories.trained("1", auc=0.7))

        promotion = stories.judge(stories.ask(member))

        assert promotion.state == "blocked"
        assert outcomes(promotion)["kpi"] == "fail"

    def test_a_missing_figure_is_unknown_and_blocks(self, member: User) -> None:
        stories.grow(stories.trained("1", auc=None))

        promotion = stories.judge(stories.ask(member))

        assert promotion.state == "blocked"
        assert outcomes(promotion)["kpi"] == "unknown"

    def test_an_owner_whose_account_has_ended_answers_for_nothing(self, member: User, owner: User, team: Team) -> None:
        factories.ownership(stories.model(), OwnerRole.TECHNICAL_OWNER, team, user=owner)
        stories.publish(stories.POLICY.replace("[steward]", "[technical_owner]"))
        stories.grow(stories.trained("1"))
        users.deactivate(actor=None, user=owner)

        promotion = stories.judge(stories.ask(member))

        assert promotion.state == "blocked"
        assert outcomes(promotion)["ownership"] == "unknown"
        assert "nobody knows who answers" in promotion.findings.get(check_id="ownership").summary

    def test_the_version_in_production_is_the_one_that_passed_last(self, member: User, approver: User) -> None:
        stories.grow(stories.trained("1", auc=0.95), stories.trained("2", auc=0.93))
        first = stories.judge(stories.ask(member, "1"))
        approvals.record(actor=approver, promotion=first, decision="approve")

        second = stories.judge(stories.ask(member, "2"))

        assert second.state == "blocked"
        finding = second.findings.get(check_id="kpi")
        assert finding.evidence is not None
        assert finding.evidence["production_version"] == "1"
        assert finding.measured == {"value": 0.93, "production": 0.95}

    def test_a_rejection_blocks(self, member: User, approver: User) -> None:
        stories.grow(stories.trained("1"))
        promotion = stories.judge(stories.ask(member))

        approvals.record(actor=approver, promotion=promotion, decision="reject", reason="Not in December.")

        promotion.refresh_from_db()
        assert promotion.state == "blocked"

    def test_a_rule_in_shadow_is_recorded_and_does_not_block(self, member: User) -> None:
        stories.publish(stories.POLICY.replace("minimum: 0.8", "minimum: 0.99\n    mode: shadow"))
        stories.grow(stories.trained("1"))

        promotion = stories.judge(stories.ask(member))

        assert promotion.state == "waiting"
        assert outcomes(promotion)["kpi"] == "fail"

    def test_a_check_that_fails_itself_is_an_error_and_blocks(self, member: User) -> None:
        stories.grow(stories.trained("1"))
        promotion = stories.ask(member)
        promotion.findings.filter(check_id="kpi").update(check_id="no-such-check")

        stories.judge(promotion)

        assert promotion.state == "blocked"
        assert promotion.findings.get(check_id="no-such-check").summary == "The check failed: KeyError."

    def test_a_verdict_cannot_be_changed(self, member: User) -> None:
        stories.grow(stories.trained("1", auc=0.1))
        promotion = stories.judge(stories.ask(member))

        with pytest.raises(DatabaseError), transaction.atomic():
            Verdict.objects.filter(promotion=promotion).update(state="passed")


def test_without_a_policy_nothing_passes(member: User, team: Team) -> None:
    stories.owned(team)
    stories.grow(stories.trained("1"))

    promotion = stories.ask(member)

    assert promotion.state == "blocked"
    assert outcomes(promotion) == {"policy-applies": "unknown"}
    assert Verdict.objects.filter(promotion=promotion).exists()


@pytest.mark.usefixtures("policy")
class TestAsking:
    def test_facts_posted_just_before_count(self, member: User) -> None:
        stories.grow(stories.trained("1", auc=0.7))
        better = stories.trained("1", auc=0.9)
        growing.append([better | {"eventTime": "2026-03-02T10:00:00Z"}])

        promotion = stories.judge(stories.ask(member))
        assert promotion.state == "checking"
        assert outcomes(promotion)["kpi"] == ""

        growing.project()
        assert stories.judge(promotion).state == "waiting"

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"model": ""}, "model"),
            ({"stage": "x" * 101}, "stage"),
            ({"note": "x" * 5001}, "note"),
            ({"evidence": {"holdout": "abc"}}, "evidence.holdout"),
        ],
    )
    def test_a_bad_value_is_named(self, member: User, change: dict[str, Any], field: str) -> None:
        stories.grow(stories.trained("1"))

        with pytest.raises(Invalid) as refused:
            stories.ask(member, **change)

        assert list(refused.value.fields) == [field]
        assert not Promotion.objects.exists()

    def test_an_unknown_version_is_named(self, member: User) -> None:
        stories.grow(stories.trained("1"))

        with pytest.raises(NotFound) as refused:
            stories.ask(member, "2")

        assert list(refused.value.fields) == ["version"]

    def test_what_is_not_read_yet_is_not_called_unknown(self, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(promotions, "UNKNOWN_WAIT_S", 0.1)
        growing.append([stories.trained("1")])

        with pytest.raises(Unavailable):
            stories.ask(member)

        growing.project()
        assert stories.ask(member).state == "checking"

    def test_somebody_of_another_team_may_not_ask(self, outsider: User) -> None:
        stories.grow(stories.trained("1"))

        with pytest.raises(Denied):
            stories.ask(outsider)

        assert not Promotion.objects.exists()

    def test_one_key_asks_once(self, member: User) -> None:
        stories.grow(stories.trained("1"), stories.trained("2"))
        first = stories.ask(member, idempotency_key="k")

        assert stories.ask(member, idempotency_key="k") == first
        with pytest.raises(Conflict):
            stories.ask(member, "2", idempotency_key="k")
        assert Promotion.objects.count() == 1


@pytest.mark.usefixtures("policy")
class TestPeople:
    @pytest.fixture
    def promotion(self, member: User) -> Promotion:
        stories.grow(stories.trained("1"))
        return stories.judge(stories.ask(member))

    def test_nobody_approves_their_own_request(self, team: Team) -> None:
        both = factories.member(team, "both", role=TeamRole.MAINTAINER)
        stories.grow(stories.trained("1"))
        own = stories.judge(stories.ask(both))

        with pytest.raises(Denied, match="requested"):
            approvals.record(actor=both, promotion=own, decision="approve")

    def test_not_even_an_administrator(self, administrator: User) -> None:
        stories.grow(stories.trained("1"))
        own = stories.judge(stories.ask(administrator))

        with pytest.raises(Denied, match="requested"):
            approvals.record(actor=administrator, promotion=own, decision="approve")

    def test_the_database_refuses_it_too(self, promotion: Promotion, approver: User) -> None:
        own, other = promotion.requested_by, approver

        with pytest.raises(IntegrityError), transaction.atomic():
            Approval.objects.create(promotion=promotion, requester=own, user=own, decision="approve")
        with pytest.raises(IntegrityError), transaction.atomic():
            # A copy of somebody else's id does not help.
            Approval.objects.create(promotion=promotion, requester=other, user=own, decision="approve")

    def test_a_member_may_not_approve(self, promotion: Promotion, team: Team) -> None:
        with pytest.raises(Denied):
            approvals.record(actor=factories.member(team, "another"), promotion=promotion, decision="approve")

    def test_a_service_account_may_not_approve(self, promotion: Promotion) -> None:
        service = factories.user("robot", is_superuser=True, is_service=True)

        with pytest.raises(Denied, match="people"):
            approvals.record(actor=service, promotion=promotion, decision="approve")

    def test_a_person_decides_once(self, promotion: Promotion, approver: User) -> None:
        Promotion.objects.filter(pk=promotion.pk).update(approvals_required=2)
        approvals.record(actor=approver, promotion=promotion, decision="approve")

        with pytest.raises(Conflict):
            approvals.record(actor=approver, promotion=promotion, decision="approve")

    def test_a_rejection_says_why(self, promotion: Promotion, approver: User) -> None:
        with pytest.raises(Invalid):
            approvals.record(actor=approver, promotion=promotion, decision="reject", reason=" ")

    def test_what_is_decided_stays_so(self, promotion: Promotion, approver: User, owner: User) -> None:
        approvals.record(actor=approver, promotion=promotion, decision="approve")

        with pytest.raises(Conflict):
            approvals.record(actor=owner, promotion=promotion, decision="reject", reason="late")
        with pytest.raises(Conflict):
            promotions.withdraw(actor=promotion.requested_by, promotion=promotion)

    def test_the_requester_may_withdraw_and_an_outsider_may_not(self, promotion: Promotion, outsider: User) -> None:
        with pytest.raises(Denied):
            promotions.withdraw(actor=outsider, promotion=promotion)

        assert promotions.withdraw(actor=promotion.requested_by, promotion=promotion).state == "withdrawn"


@pytest.mark.usefixtures("policy")
def test_the_sweep_finishes_what_was_left(member: User) -> None:
    stories.grow(stories.trained("1", auc=0.1))
    promotion = stories.ask(member)
    Finding.objects.filter(promotion=promotion).update(
        is_done=True, outcome="pass", leased_until=timezone.now() - timedelta(minutes=1)
    )
    Promotion.objects.filter(pk=promotion.pk).update(requested_at=timezone.now() - timedelta(minutes=1))

    assert checking.sweep() == 1

    promotion.refresh_from_db()
    assert promotion.state == "waiting"


@pytest.mark.usefixtures("policy")
def test_a_finding_that_another_worker_holds_is_left_alone(member: User) -> None:
    stories.grow(stories.trained("1"))
    promotion = stories.ask(member)
    promotion.findings.update(leased_until=timezone.now() + timedelta(seconds=5))

    assert stories.judge(promotion).state == "checking"
