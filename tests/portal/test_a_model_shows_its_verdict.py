"""The page of a model says first what the gate last said of it."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from governance.models import User
from lineage import identity
from policies import approvals, promotions, publishing
from policies.models import Promotion
from tests.portal.scenes import WAREHOUSE

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
Ask = Callable[..., Promotion]
Judge = Callable[[Promotion], Promotion]


def test_a_model_that_nobody_asked_for_has_no_verdict(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/assets/{graph}")

    assert "No verdict" in answer.text
    assert "not asked" in answer.text


def test_a_blocked_version_is_said_to_be_blocked_and_why(
    graph: UUID, ask: Ask, judge: Judge, member: User, sign_in: SignIn
) -> None:
    promotion = judge(ask(minimum=0.95))

    answer = sign_in(member).get(f"/assets/{graph}")

    assert "Version 7 to production: Blocked" in answer.text
    assert "auc is 0.873123: below 0.95" in answer.text
    assert f'href="/promotions/{promotion.uuid}"' in answer.text


def test_only_the_newest_promotion_to_a_stage_counts(
    graph: UUID, ask: Ask, judge: Judge, member: User, sign_in: SignIn
) -> None:
    judge(ask(minimum=0.95))
    newer = judge(ask(minimum=0.8))

    answer = sign_in(member).get(f"/assets/{graph}")

    assert [one.promotion for one in answer.context["standings"]] == [newer]
    assert "Waiting for 1 approval" in answer.text
    assert "Blocked" not in answer.text


def test_what_passed_is_still_told_below_a_newer_request(
    graph: UUID, ask: Ask, judge: Judge, member: User, approver: User, sign_in: SignIn
) -> None:
    passed = judge(ask())
    approvals.record(actor=approver, promotion=passed, decision="approve")
    newer = judge(ask(minimum=0.95))

    answer = sign_in(member).get(f"/assets/{graph}")

    assert [one.promotion for one in answer.context["standings"]] == [newer, passed]
    assert answer.text.index("production: Blocked") < answer.text.index("production: Passed")


def test_a_withdrawn_request_is_no_verdict(graph: UUID, ask: Ask, judge: Judge, member: User, sign_in: SignIn) -> None:
    promotions.withdraw(actor=member, promotion=judge(ask()))

    answer = sign_in(member).get(f"/assets/{graph}")

    assert answer.context["standings"] == []
    assert "No verdict" in answer.text


def test_each_stage_has_a_verdict_of_its_own(
    graph: UUID, ask: Ask, judge: Judge, member: User, sign_in: SignIn
) -> None:
    judge(ask())
    publishing.publish(
        actor=None, text="policy: staging\napplies: {stage: staging}\nrules: [{check: lineage-complete}]\n"
    )
    promotion, _ = promotions.request(actor=member, model="credit-risk", version="7", stage="staging")
    judge(promotion)

    answer = sign_in(member).get(f"/assets/{graph}")

    assert [one.promotion.stage for one in answer.context["standings"]] == ["production", "staging"]


def test_versions_show_their_verdicts_in_the_part_as_well(
    graph: UUID, ask: Ask, judge: Judge, member: User, sign_in: SignIn
) -> None:
    judge(ask(minimum=0.95))

    answer = sign_in(member).get(f"/assets/{graph}/versions")

    assert "Blocked" in answer.text


def test_the_page_of_a_version_tells_of_that_version_alone(
    graph: UUID, ask: Ask, judge: Judge, member: User, sign_in: SignIn
) -> None:
    client, version = sign_in(member), identity.version(graph, "7")
    assert "No verdict" in client.get(f"/versions/{version}").text

    judge(ask(minimum=0.95))

    answer = client.get(f"/versions/{version}")
    assert "Version 7 to production: Blocked" in answer.text
    assert "<title>credit-risk 7" in answer.text


def test_what_is_not_a_model_has_none(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/assets/{identity.asset('dataset', WAREHOUSE, 'applications')}")

    assert "No verdict" not in answer.text
    assert "Gate" not in answer.text
