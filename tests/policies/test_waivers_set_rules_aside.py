"""A waiver from its request to its end: what it covers, for how long, who may grant it, and what shows of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance import classification, ownership
from governance.errors import Conflict, Denied, DomainError, Invalid
from governance.models import AuditEntry, OwnerRole, Team, TeamRole, User
from policies import approvals, coverage, dryruns, incidents, promotions, simulation, waiver_states, waivers
from policies.incidentmodels import Incident
from policies.models import Finding, Promotion, Verdict, Waiver, WaiverDecision
from policies.waiver_states import WaiverState
from tests import factories
from tests.policies import stories
from tests.policies.test_incidents_of_what_is_live import served

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
POLICY = """\
policy: credit
applies: {stage: production, model: {name: credit*}}
rules:
  - {check: kpi, metric: auc, minimum: 0.8}
  - {check: lineage-complete}
"""


@pytest.fixture(autouse=True)
def policy(team: Team) -> None:
    stories.publish(POLICY)
    stories.owned(team)


@pytest.fixture
def blocked(member: User) -> Promotion:
    """Its figure is too low; its lineage is complete."""
    stories.grow(stories.trained("1", auc=0.7))
    return stories.judge(stories.ask(member))


class Clock:
    """The service's clock, as far as waivers read it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: datetime | None = None
        really = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: self.at or really())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def ask(actor: User, promotion: Promotion, **more: Any) -> Waiver:
    said: dict[str, Any] = {
        "rule": "kpi",
        "reason": "Retraining runs.",
        "ticket": "RISK-1",
        "ends_at": timezone.now() + 30 * DAY,
    }
    return waivers.request(actor=actor, promotion=promotion, **(said | more))[0]


def state(promotion: Promotion) -> str:
    promotion.refresh_from_db()
    return promotion.state


def actions(subject: str) -> list[str]:
    return list(AuditEntry.objects.filter(subject=subject).order_by("id").values_list("action", flat=True))


def covered(promotion: Promotion, at: datetime) -> bool:
    """What the one resolver says, which every path asks."""
    findings = list(Finding.objects.filter(promotion=promotion).select_related("policy_version__policy"))
    return bool(coverage.of_findings(promotion, findings, at))


def simulated(promotion: Promotion) -> list[str]:
    """What the same policy would have decided otherwise of this promotion."""
    since = promotion.requested_at
    found = simulation.simulate(texts=[POLICY], since=since, until=since + timedelta(microseconds=1))
    return [change.would for change in found.changes]


class TestTheWayOfAWaiver:
    def test_an_approved_waiver_lets_the_promotion_pass_and_the_verdict_says_so(
        self, blocked: Promotion, member: User, approver: User
    ) -> None:
        waiver = ask(member, blocked)
        assert state(blocked) == "blocked"

        waivers.approve(actor=approver, waiver=waiver, reason="Known and small.")

        assert state(blocked) == "passed"
        first, second = Verdict.objects.filter(promotion=blocked).order_by("number")
        assert (first.state, second.state) == ("blocked", "passed")
        kpi, lineage = second.document["findings"]
        assert kpi["outcome"] == "fail"
        assert kpi["waiver"] == {
            "id": str(waiver.uuid),
            "rule": waiver.rule,
            "reason": "Retraining runs.",
            "ticket": "RISK-1",
            "requested_by": member.pk,
            "approved_by": [approver.pk],
            "approved_at": kpi["waiver"]["approved_at"],
            "ends_at": waiver.ends_at.isoformat(),
        }
        assert lineage["waiver"] is None
        assert actions(f"waiver:{waiver.uuid}") == ["waiver.requested", "waiver.approved"]
        assert actions(f"promotion:{blocked.uuid}").count("promotion.decided") == 2

    def test_a_waiver_does_not_stand_for_the_approvals(self, member: User, approver: User, owner: User) -> None:
        stories.publish(POLICY + "approvals: {count: 1}\n")
        stories.grow(stories.trained("1", auc=0.7))
        promotion = stories.judge(stories.ask(member))

        waivers.approve(actor=approver, waiver=ask(member, promotion))

        assert state(promotion) == "waiting"
        assert actions(f"promotion:{promotion.uuid}")[-1] == "promotion.reopened"
        approvals.record(actor=owner, promotion=promotion, decision="approve")
        assert state(promotion) == "passed"

    def test_another_finding_still_blocks(self, member: User, approver: User) -> None:
        stories.grow(stories.trained("1", auc=0.7, inputs=[]))
        promotion = stories.judge(stories.ask(member))

        waivers.approve(actor=approver, waiver=ask(member, promotion))

        assert state(promotion) == "blocked"
        assert Verdict.objects.filter(promotion=promotion).count() == 1

    def test_a_refused_waiver_covers_nothing(self, blocked: Promotion, member: User, approver: User) -> None:
        waiver = ask(member, blocked)

        waivers.refuse(actor=approver, waiver=waiver, reason="Retrain first.")

        waiver.refresh_from_db()
        assert waiver_states.of(waiver, timezone.now()) is WaiverState.REFUSED
        assert state(blocked) == "blocked"
        assert actions(f"waiver:{waiver.uuid}")[-1] == "waiver.refused"
        with pytest.raises(Conflict):
            waivers.approve(actor=approver, waiver=waiver)

    def test_what_people_rejected_stays_so(self, member: User, approver: User, owner: User) -> None:
        stories.publish(POLICY.replace("minimum: 0.8", "minimum: 0.6") + "approvals: {count: 1}\n")
        stories.grow(stories.trained("1", auc=0.7, inputs=[]))
        promotion = stories.judge(stories.ask(member))
        waiver = ask(member, promotion, rule="lineage-complete")
        waivers.approve(actor=approver, waiver=waiver)
        approvals.record(actor=owner, promotion=promotion, decision="reject", reason="Not now.")

        waivers.approve(actor=approver, waiver=ask(member, promotion, rule="lineage-complete"))

        assert state(promotion) == "blocked"

    def test_one_key_asks_once(self, blocked: Promotion, member: User) -> None:
        first = ask(member, blocked, idempotency_key="k", ends_at=timezone.now() + DAY, reason="a")

        again = ask(member, blocked, idempotency_key="k", ends_at=first.ends_at, reason="a")

        assert again == first
        with pytest.raises(Conflict, match="Idempotency-Key"):
            ask(member, blocked, idempotency_key="k", ends_at=first.ends_at, reason="b")


class TestTime:
    def test_it_ends_to_the_second_and_the_promotion_says_so(
        self, blocked: Promotion, member: User, approver: User, clock: Clock
    ) -> None:
        waiver = ask(member, blocked)
        waivers.approve(actor=approver, waiver=waiver)
        end = waiver.ends_at
        last = end - timedelta(microseconds=1)

        assert covered(blocked, last)
        assert coverage.gaps(blocked, last) == []
        assert not covered(blocked, end)
        assert [gap.since for gap in coverage.gaps(blocked, end)] == [end]
        clock.at = end + timedelta(seconds=7)
        assert waivers.sweep() == 2
        blocked.refresh_from_db()
        assert (blocked.state, blocked.uncovered_at) == ("passed", end)
        assert actions(f"promotion:{blocked.uuid}")[-1] == "promotion.no-longer-covered"
        assert actions(f"waiver:{waiver.uuid}")[-1] == "waiver.expired"
        assert waivers.sweep() == 0

    def test_the_gate_honours_the_end(self, blocked: Promotion, member: User, approver: User, clock: Clock) -> None:
        waiver = ask(member, blocked, scope="model")
        waivers.approve(actor=approver, waiver=waiver)
        stories.grow(stories.trained("2", auc=0.7), stories.trained("3", auc=0.7))

        clock.at = waiver.ends_at - timedelta(seconds=1)
        before = stories.judge(stories.ask(member, "2"))
        clock.at = waiver.ends_at
        after = stories.judge(stories.ask(member, "3"))

        assert (before.state, after.state) == ("passed", "blocked")

    def test_every_path_honours_the_end(self, blocked: Promotion, member: User, approver: User, clock: Clock) -> None:
        """The gate (above), a dry run, and a simulation of what was decided then."""
        waiver = ask(member, blocked, scope="model")
        waivers.approve(actor=approver, waiver=waiver)
        stories.grow(stories.trained("2", auc=0.7))
        asked: dict[str, Any] = {"actor": member, "model": "credit", "version": "2", "stage": "production"}

        def dry() -> str:
            return dryruns.run(**asked, show=lambda promotion: promotion.state)

        clock.at = waiver.ends_at - timedelta(seconds=1)
        before = dry()
        decided = stories.judge(stories.ask(member, "2"))
        clock.at = waiver.ends_at
        after = dry()

        assert (before, decided.state, after) == ("passed", "passed", "blocked")
        assert simulated(decided) == []
        # Had it been decided at the end of the waiver, the same policy would have blocked it.
        Promotion.objects.filter(pk=decided.pk).update(decided_at=waiver.ends_at)
        assert simulated(decided) == ["blocked"]

    def test_what_is_live_by_a_waiver_that_ended_is_an_incident_until_another_covers_it(
        self, blocked: Promotion, member: User, approver: User, clock: Clock
    ) -> None:
        waiver = ask(member, blocked, ends_at=timezone.now() + timedelta(hours=1))
        waivers.approve(actor=approver, waiver=waiver)
        stories.grow(served("1"))

        clock.at = waiver.ends_at - timedelta(seconds=1)
        incidents.watch()
        assert not Incident.objects.exists()

        clock.at = waiver.ends_at
        incidents.watch()
        incident = Incident.objects.get()
        assert (incident.kind, incident.version, incident.closed_at) == (incidents.Kind.UNCOVERED, "1", None)
        assert incident.detail["promotion"] == str(blocked.uuid)

        waivers.approve(actor=approver, waiver=ask(member, blocked, ends_at=clock.at + DAY))
        incidents.watch()
        incident.refresh_from_db()
        assert incident.closed_as == incidents.Ending.APPROVED

    def test_what_is_live_by_the_waiver_of_a_team_that_gave_the_model_away_is_an_incident(
        self, blocked: Promotion, member: User, approver: User, administrator: User, team: Team, other_team: Team
    ) -> None:
        waivers.approve(actor=approver, waiver=ask(member, blocked, scope="team"))
        stories.grow(served("1"))
        incidents.watch()
        assert state(blocked) == "passed"
        assert not Incident.objects.exists()

        def given_to(receiver: Team) -> None:
            for role in OwnerRole:
                ownership.assign(actor=administrator, asset=blocked.model, role=role, team=receiver)

        given_to(other_team)
        incidents.watch()
        incident = Incident.objects.get()
        assert (incident.kind, incident.closed_at) == (incidents.Kind.UNCOVERED, None)

        given_to(team)
        incidents.watch()
        incident.refresh_from_db()
        assert incident.closed_as == incidents.Ending.APPROVED

    def test_what_was_dismissed_is_news_again_when_a_later_waiver_ends(
        self, blocked: Promotion, member: User, approver: User, clock: Clock
    ) -> None:
        def standing() -> int:
            incidents.watch()
            incidents.watch()
            return Incident.objects.filter(closed_at=None).count()

        def dismissed() -> None:
            incidents.dismiss(actor=approver, incident=Incident.objects.get(closed_at=None), reason="Is being mended.")

        first = ask(member, blocked, ends_at=timezone.now() + timedelta(hours=1))
        waivers.approve(actor=approver, waiver=first)
        stories.grow(served("1"))
        clock.at = first.ends_at
        assert standing() == 1
        dismissed()
        clock.at += DAY
        waivers.sweep()
        assert standing() == 0

        second = ask(member, blocked, ends_at=clock.at + DAY)
        waivers.approve(actor=approver, waiver=second)
        clock.at = second.ends_at - timedelta(seconds=1)
        assert standing() == 0
        clock.at = second.ends_at
        assert standing() == 1
        dismissed()
        clock.at += timedelta(seconds=1)
        assert standing() == 0

        third = ask(member, blocked, ends_at=clock.at + DAY)
        waivers.approve(actor=approver, waiver=third)
        clock.at += timedelta(seconds=1)
        waivers.revoke(actor=member, waiver=third)
        assert standing() == 1
        assert Incident.objects.count() == 3

    def test_a_new_waiver_closes_the_gap(self, blocked: Promotion, member: User, approver: User, clock: Clock) -> None:
        first = ask(member, blocked)
        waivers.approve(actor=approver, waiver=first)
        clock.at = first.ends_at + DAY
        waivers.sweep()

        waivers.approve(actor=approver, waiver=ask(member, blocked, ends_at=clock.at + DAY))

        blocked.refresh_from_db()
        assert (blocked.uncovered_at, blocked.covered_until) == (None, clock.at + DAY)
        assert actions(f"promotion:{blocked.uuid}")[-1] == "promotion.covered-again"

    def test_one_that_begins_later_covers_later(
        self, blocked: Promotion, member: User, approver: User, clock: Clock
    ) -> None:
        waiver = ask(member, blocked, starts_at=timezone.now() + DAY)
        waivers.approve(actor=approver, waiver=waiver)
        assert state(blocked) == "blocked"

        clock.at = waiver.starts_at
        waivers.sweep()

        assert state(blocked) == "passed"

    def test_it_covers_nothing_before_its_approval(self, blocked: Promotion, member: User, approver: User) -> None:
        waiver = ask(member, blocked)
        waiver = waivers.approve(actor=approver, waiver=waiver)

        assert waiver.approved_at is not None
        assert not covered(blocked, waiver.approved_at - timedelta(microseconds=1))
        assert covered(blocked, waiver.approved_at)

    def test_a_request_that_nobody_answered_ends_too(
        self, blocked: Promotion, member: User, approver: User, clock: Clock
    ) -> None:
        waiver = ask(member, blocked)
        clock.at = waiver.ends_at

        with pytest.raises(Conflict, match="expired"):
            waivers.approve(actor=approver, waiver=waiver)

    def test_revoking_ends_it_at_once(self, blocked: Promotion, member: User, approver: User, owner: User) -> None:
        waiver = ask(member, blocked)
        waivers.approve(actor=approver, waiver=waiver)

        with pytest.raises(Invalid):
            waivers.revoke(actor=owner, waiver=waiver, reason=" ")
        waivers.revoke(actor=owner, waiver=waiver, reason="The fault is worse.")

        blocked.refresh_from_db()
        waiver.refresh_from_db()
        assert (blocked.state, blocked.uncovered_at) == ("passed", waiver.revoked_at)
        assert not covered(blocked, timezone.now())
        assert actions(f"waiver:{waiver.uuid}")[-1] == "waiver.revoked"

    def test_the_states_and_their_conditions_agree(self, blocked: Promotion, member: User, approver: User) -> None:
        waivers.approve(actor=approver, waiver=ask(member, blocked))
        waivers.refuse(actor=approver, waiver=ask(member, blocked), reason="no")
        waivers.revoke(actor=member, waiver=ask(member, blocked))
        ask(member, blocked, ends_at=timezone.now() + DAY)
        ask(member, blocked)
        later = timezone.now() + 2 * DAY

        for at in (timezone.now(), later):
            for one in WaiverState:
                by_condition = set(Waiver.objects.filter(waiver_states.where(one, at)))
                assert by_condition == {
                    waiver for waiver in Waiver.objects.all() if waiver_states.of(waiver, at) is one
                }


class TestScope:
    @pytest.mark.parametrize(
        ("scope", "next_version", "sibling"),
        [("version", "blocked", "blocked"), ("model", "passed", "blocked"), ("team", "passed", "passed")],
    )
    def test_a_waiver_covers_what_it_names_and_no_more(
        self, blocked: Promotion, member: User, approver: User, team: Team, scope: str, next_version: str, sibling: str
    ) -> None:
        waivers.approve(actor=approver, waiver=ask(member, blocked, scope=scope))
        stories.grow(stories.trained("2", auc=0.7), stories.trained("1", auc=0.7, name="credit-small"))
        stories.owned(team, "credit-small")

        assert stories.judge(stories.ask(member, "2")).state == next_version
        assert stories.judge(stories.ask(member, "1", model="credit-small")).state == sibling

    def test_a_rule_that_asks_for_something_else_is_another_rule(
        self, blocked: Promotion, member: User, approver: User
    ) -> None:
        waivers.approve(actor=approver, waiver=ask(member, blocked, scope="model"))
        stories.publish(POLICY.replace("minimum: 0.8", "minimum: 0.9"))

        assert stories.judge(stories.ask(member, note="again")).state == "blocked"

    @pytest.mark.parametrize("edit", [("0.8}", "0.8, mode: enforce}"), ("credit*", "cred*")])
    def test_a_rule_that_asks_for_the_same_is_the_same(
        self, blocked: Promotion, member: User, approver: User, edit: tuple[str, str]
    ) -> None:
        waivers.approve(actor=approver, waiver=ask(member, blocked, scope="model"))
        stories.publish(POLICY.replace(*edit))

        assert stories.judge(stories.ask(member, note="again")).state == "passed"

    def test_it_does_not_count_for_what_its_approver_made(
        self, blocked: Promotion, member: User, approver: User
    ) -> None:
        waivers.approve(actor=approver, waiver=ask(member, blocked, scope="model"))
        stories.grow(stories.trained("2", auc=0.7))

        by_approver = stories.judge(stories.ask(member, "2", made_by={"committer": ["Approver"]}))

        assert by_approver.state == "blocked"


class TestBadInput:
    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"reason": " "}, "reason"),
            ({"reason": "x" * 5_001}, "reason"),
            ({"ticket": ""}, "ticket"),
            ({"ends_at": timedelta(days=91)}, "ends_at"),
            ({"ends_at": timedelta(seconds=-1)}, "ends_at"),
            ({"starts_at": timedelta(days=-1)}, "starts_at"),
            ({"starts_at": timedelta(days=40)}, "ends_at"),
            ({"scope": "world"}, "scope"),
            ({"rule": "ownership"}, "rule"),
            ({"rule": "lineage-complete"}, "rule"),
            ({"policy": "another"}, "rule"),
        ],
    )
    def test_is_named(self, blocked: Promotion, member: User, said: dict[str, Any], field: str) -> None:
        now = timezone.now()
        given = {name: now + value if isinstance(value, timedelta) else value for name, value in said.items()}

        with pytest.raises(DomainError) as refused:
            ask(member, blocked, **given)

        assert field in refused.value.fields
        assert not Waiver.objects.exists()

    def test_a_time_without_zone(self, blocked: Promotion, member: User) -> None:
        with pytest.raises(Invalid, match="time zone"):
            ask(member, blocked, ends_at=datetime(2100, 1, 1))

    def test_a_withdrawn_promotion(self, member: User) -> None:
        stories.grow(stories.trained("1", auc=0.7))
        promotion = stories.ask(member)
        promotions.withdraw(actor=member, promotion=promotion)
        promotion.refresh_from_db()

        with pytest.raises(Conflict, match="withdrawn"):
            ask(member, promotion)

    def test_two_rules_of_one_check_are_told_apart(self, member: User) -> None:
        stories.publish(POLICY + "  - {check: kpi, metric: recall, minimum: 0.8}\n")
        stories.grow(stories.trained("1", auc=0.7))
        promotion = stories.judge(stories.ask(member))

        with pytest.raises(Conflict, match="Several"):
            ask(member, promotion)
        keys = [key for _, _, key in waivers.findings_to_waive(promotion)]
        assert ask(member, promotion, rule=keys[1]).parameters["metric"] == "recall"


class TestWho:
    """Every write by the one who may and by those who may not."""

    def test_an_outsider_may_neither_ask_nor_decide(self, blocked: Promotion, member: User, outsider: User) -> None:
        with pytest.raises(Denied):
            ask(outsider, blocked)
        waiver = ask(member, blocked)
        for act in (waivers.approve, waivers.refuse, waivers.revoke):
            with pytest.raises(Denied):
                act(actor=outsider, waiver=waiver, reason="no")
        assert not WaiverDecision.objects.exists()

    def test_a_member_may_ask_and_not_decide(self, blocked: Promotion, member: User, team: Team) -> None:
        another = factories.member(team, "another")

        with pytest.raises(Denied):
            waivers.approve(actor=another, waiver=ask(member, blocked))
        assert waivers.obstacle(another, ask(member, blocked)).startswith("You may not approve")

    def test_nobody_approves_their_own_not_even_an_administrator(
        self, blocked: Promotion, approver: User, administrator: User
    ) -> None:
        for actor in (approver, administrator):
            waiver = ask(actor, blocked)
            with pytest.raises(Denied, match="asked for"):
                waivers.approve(actor=actor, waiver=waiver)
            assert "asked for" in waivers.obstacle(actor, waiver)

    def test_nobody_approves_a_waiver_for_the_promotion_they_requested(self, approver: User, member: User) -> None:
        stories.grow(stories.trained("1", auc=0.7))
        promotion = stories.judge(stories.ask(approver))

        with pytest.raises(Denied, match="requested"):
            waivers.approve(actor=approver, waiver=ask(member, promotion))

    def test_a_service_account_decides_nothing(self, blocked: Promotion, member: User) -> None:
        robot = factories.user("robot", is_superuser=True, is_service=True)

        with pytest.raises(Denied, match="people"):
            waivers.approve(actor=robot, waiver=ask(member, blocked))

    def test_the_scope_team_is_decided_by_that_team(
        self, blocked: Promotion, member: User, approver: User, other_team: Team
    ) -> None:
        factories.ownership(stories.model(), OwnerRole.TECHNICAL_OWNER, other_team)
        stranger = factories.member(other_team, "stranger", role=TeamRole.APPROVER)
        with pytest.raises(Invalid, match="team"):
            ask(member, blocked, scope="team")
        waiver = ask(member, blocked, scope="team", team=Team.objects.get(slug="credit"))

        with pytest.raises(Denied):
            waivers.approve(actor=stranger, waiver=waiver)
        waivers.approve(actor=approver, waiver=waiver)

        assert state(blocked) == "passed"

    def test_a_person_decides_once_where_two_are_needed(
        self, blocked: Promotion, member: User, approver: User, owner: User
    ) -> None:
        waiver = ask(member, blocked)
        Waiver.objects.filter(pk=waiver.pk).update(approvals_required=2)

        waivers.approve(actor=approver, waiver=waiver)
        with pytest.raises(Conflict, match="already"):
            waivers.approve(actor=approver, waiver=waiver)
        assert state(blocked) == "blocked"
        waivers.approve(actor=owner, waiver=waiver)

        assert state(blocked) == "passed"

    def test_the_database_refuses_the_requester_too(self, blocked: Promotion, member: User, approver: User) -> None:
        waiver = ask(approver, blocked)

        for requester, user in ((approver, approver), (member, approver)):
            with pytest.raises(IntegrityError), transaction.atomic():
                WaiverDecision.objects.create(waiver=waiver, requester=requester, user=user, decision="approve")
        with pytest.raises(IntegrityError, match="what they made"), transaction.atomic():
            # The promotion's requester, though somebody else asked for the waiver.
            WaiverDecision.objects.create(waiver=waiver, requester=approver, user=member, decision="approve")


@pytest.mark.parametrize(
    ("tier", "days", "people"),
    [("life-threatening", 14, 2), ("high", 30, 1), ("medium", 90, 1), ("low", 180, 1), ("", 30, 1)],
)
@pytest.mark.parametrize("scope", ["version", "team"])
def test_the_more_critical_the_model_the_shorter_the_waiver(
    blocked: Promotion, member: User, administrator: User, tier: str, days: int, people: int, scope: str
) -> None:
    if tier:
        classification.classify(actor=administrator, asset=blocked.model, tier=tier, reason="Assessed.")
    end = timezone.now() + days * DAY

    with pytest.raises(Invalid, match=f"at most {days} days") as refused:
        ask(member, blocked, scope=scope, ends_at=end + timedelta(minutes=1))

    assert refused.value.code == "waiver_too_long"
    waiver = ask(member, blocked, scope=scope, ends_at=end)
    assert (waiver.tier, waiver.approvals_required) == (tier, people)


def test_a_model_of_a_team_that_gave_it_away_is_not_covered(
    blocked: Promotion, member: User, approver: User, other_team: Team
) -> None:
    waivers.approve(actor=approver, waiver=ask(member, blocked, scope="team"))
    subject = coverage.subject_of(blocked)
    rule = coverage.rule_of(Finding.objects.filter(promotion=blocked, check_id="kpi").get())
    assert rule is not None

    moved = coverage.Subject(
        model=UUID(int=7), model_version=UUID(int=8), teams=frozenset({other_team.slug}), makers=subject.makers
    )

    assert coverage.covering(subject=subject, asked={rule}, at=timezone.now())
    assert not coverage.covering(subject=moved, asked={rule}, at=timezone.now())
