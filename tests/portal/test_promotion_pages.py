"""Promotions are open to everyone; those who may approve decide on the page, others read why they may not."""

import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import OwnerRole, Team, User
from policies import approvals, promotions
from policies.models import Promotion
from tests import factories

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
Ask = Callable[..., Promotion]
Judge = Callable[[Promotion], Promotion]
HTMX = {"HX-Request": "true"}
LIST_BUDGET = 10
PAGE_BUDGET = 20


@pytest.mark.parametrize("name", ["owner", "member", "outsider", "approver", "auditor"])
def test_everyone_who_is_signed_in_reads_a_promotion(
    request: pytest.FixtureRequest, ask: Ask, judge: Judge, sign_in: SignIn, name: str
) -> None:
    promotion = judge(ask())

    answer = sign_in(request.getfixturevalue(name)).get(f"/promotions/{promotion.uuid}")

    assert answer.status_code == 200
    assert "Waiting for 1 approval" in answer.text


def test_the_page_asks_again_until_the_promotion_is_decided(
    ask: Ask, judge: Judge, owner: User, approver: User, sign_in: SignIn
) -> None:
    promotion, client = ask(), sign_in(approver)
    address = f"/promotions/{promotion.uuid}"

    checking = client.get(address)
    judge(promotion)
    waiting = client.get(address)
    approvals.record(actor=approver, promotion=promotion, decision="approve")
    passed = client.get(address)

    assert "every 1s" in checking.text
    assert "0 of 3 checks finished." in checking.text
    assert "every 5s" in waiting.text
    assert "hx-trigger" not in passed.text
    assert "Approved by approver." in passed.text


def test_a_part_that_was_seen_already_is_not_sent_again(ask: Ask, judge: Judge, member: User, sign_in: SignIn) -> None:
    promotion, client = ask(), sign_in(member)
    address = re.search(r'hx-get="([^"]+)"', client.get(f"/promotions/{promotion.uuid}").text)
    assert address is not None

    before = client.get(address[1], headers=HTMX)
    judge(promotion)
    after = client.get(address[1], headers=HTMX)

    assert before.status_code == 204
    assert after.status_code == 200
    assert after.text.strip().startswith('<div class="columns" id="promotion" data-live')


def test_a_blocked_promotion_says_what_was_found_and_what_to_do(
    ask: Ask, judge: Judge, member: User, sign_in: SignIn
) -> None:
    promotion = judge(ask(minimum=0.95))

    answer = sign_in(member).get(f"/promotions/{promotion.uuid}")

    assert answer.context["headline"].title == "Blocked"
    assert "below 0.95" in answer.context["headline"].detail
    assert [(one.check, one.outcome, one.mode) for one in answer.context["findings"]] == [
        ("ownership", "pass", "enforce"),
        ("kpi", "fail", "enforce"),
        ("lineage-complete", "pass", "shadow"),
    ]
    assert "minimum: 0.95" in answer.text
    assert "What to do" in answer.text
    assert "/policies/production-credit?version=1" in answer.text


def test_without_a_policy_nothing_is_promoted_and_the_page_says_so(
    graph: UUID, member: User, team: Team, sign_in: SignIn
) -> None:
    factories.ownership(graph, OwnerRole.STEWARD, team)
    promotion, _ = promotions.request(actor=member, model="credit-risk", version="7", stage="production")

    answer = sign_in(member).get(f"/promotions/{promotion.uuid}")

    assert answer.context["headline"].title == "Blocked"
    assert answer.context["headline"].detail == "No policy applies to credit-risk and the stage production."


def test_an_approver_lets_it_pass(ask: Ask, judge: Judge, approver: User, sign_in: SignIn) -> None:
    promotion = judge(ask())

    answer = sign_in(approver).post(
        f"/promotions/{promotion.uuid}/decide", {"decision": "approve", "reason": "Looked at the holdout."}, follow=True
    )

    assert "Approved, with your name in the record." in answer.text
    assert answer.context["promotion"].state == "passed"
    assert "Looked at the holdout." in answer.text


def test_a_rejection_needs_its_reason(ask: Ask, judge: Judge, approver: User, sign_in: SignIn) -> None:
    promotion, client = judge(ask()), sign_in(approver)
    address = f"/promotions/{promotion.uuid}/decide"

    without = client.post(address, {"decision": "reject", "reason": " "})
    with_reason = client.post(address, {"decision": "reject", "reason": "Too risky."}, follow=True)

    assert without.status_code == 422
    assert "Say why it is rejected." in without.text
    assert with_reason.context["headline"].detail == "Rejected by approver."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("member", "Nobody approves what they requested"),
        ("outsider", "You may not approve promotions"),
        ("auditor", "You may not approve promotions"),
    ],
)
def test_others_read_why_they_may_not(
    request: pytest.FixtureRequest, ask: Ask, judge: Judge, sign_in: SignIn, name: str, reason: str
) -> None:
    promotion, client = judge(ask()), sign_in(request.getfixturevalue(name))

    shown = client.get(f"/promotions/{promotion.uuid}")
    decided = client.post(f"/promotions/{promotion.uuid}/decide", {"decision": "approve"})

    assert reason in shown.text
    assert 'value="approve"' not in shown.text
    assert decided.status_code == 403
    assert reason in decided.text
    assert not promotion.approvals.exists()


def test_who_has_decided_reads_that(ask: Ask, approver: User, sign_in: SignIn) -> None:
    promotion, client = ask(), sign_in(approver)
    client.post(f"/promotions/{promotion.uuid}/decide", {"decision": "approve"})

    again = client.post(f"/promotions/{promotion.uuid}/decide", {"decision": "approve"}, follow=True)

    assert "You have decided on this promotion already." in again.text
    assert promotion.approvals.count() == 1


@pytest.mark.parametrize("given", [{}, {"decision": "maybe"}, {"decision": "reject", "reason": "x" * 2001}])
def test_a_broken_decision_is_shown_with_its_error(
    ask: Ask, judge: Judge, approver: User, sign_in: SignIn, given: dict[str, str]
) -> None:
    promotion = judge(ask())

    answer = sign_in(approver).post(f"/promotions/{promotion.uuid}/decide", given)

    assert answer.status_code == 422
    assert 'class="form__error"' in answer.text
    assert not promotion.approvals.exists()


def test_the_requester_takes_the_request_back_once(ask: Ask, member: User, sign_in: SignIn) -> None:
    promotion, client = ask(), sign_in(member)
    address = f"/promotions/{promotion.uuid}/withdraw"

    first, second = client.post(address, follow=True), client.post(address, follow=True)

    assert "The request is withdrawn." in first.text
    assert first.context["promotion"].state == "withdrawn"
    assert "withdrawn already" in second.text


def test_an_outsider_may_not_withdraw(ask: Ask, outsider: User, sign_in: SignIn) -> None:
    promotion, client = ask(), sign_in(outsider)

    shown = client.get(f"/promotions/{promotion.uuid}")
    withdrawn = client.post(f"/promotions/{promotion.uuid}/withdraw")

    assert "Withdraw this request" not in shown.text
    assert withdrawn.status_code == 403
    promotion.refresh_from_db()
    assert promotion.state == "checking"


def test_the_list_is_narrowed_by_state(ask: Ask, judge: Judge, member: User, sign_in: SignIn) -> None:
    waiting, blocked = judge(ask()), judge(ask(minimum=0.95))
    client = sign_in(member)

    everything, one = client.get("/promotions"), client.get("/promotions?state=blocked")

    assert [row.uuid for row in everything.context["page"].rows] == [blocked.uuid, waiting.uuid]
    assert [row.uuid for row in one.context["page"].rows] == [blocked.uuid]
    assert client.get("/promotions?state=maybe").status_code == 400


def test_the_empty_list_says_how_to_ask(member: User, sign_in: SignIn) -> None:
    assert "assay gate --model" in sign_in(member).get("/promotions").text


@pytest.mark.parametrize("address", ["/promotions/{}", "/promotions/{}/decide", "/promotions/{}/withdraw"])
def test_an_unknown_promotion_is_not_found(member: User, sign_in: SignIn, address: str) -> None:
    client = sign_in(member)
    send = client.get if address.endswith("{}") else client.post

    assert send(address.format(uuid4())).status_code == 404


def test_pages_keep_to_their_budget_of_queries(ask: Ask, judge: Judge, approver: User, sign_in: SignIn) -> None:
    asked = [ask() for _ in range(12)]
    promotion, client = judge(asked[0]), sign_in(approver)

    with CaptureQueriesContext(connection) as for_list:
        client.get("/promotions")
    with CaptureQueriesContext(connection) as for_page:
        client.get(f"/promotions/{promotion.uuid}")

    assert len(for_list) <= LIST_BUDGET
    assert len(for_page) <= PAGE_BUDGET
