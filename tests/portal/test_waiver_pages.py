"""Pages of waivers: asking, deciding by the one who may, an explanation for the one who may not, and the end."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import User
from policies import approvals, waivers
from policies.models import Promotion, Waiver
from tests.portal import printed

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
LIST_BUDGET = 10
PAGE_BUDGET = 26


@pytest.fixture
def blocked(ask: Callable[..., Promotion], judge: Callable[[Promotion], Promotion]) -> Promotion:
    return judge(ask(minimum=0.95))


def address(promotion: Promotion) -> str:
    _, policy, rule = waivers.findings_to_waive(promotion)[0]
    return f"/promotions/{promotion.uuid}/waivers?rule={rule}&policy={policy.slug}"


def said(**more: Any) -> dict[str, Any]:
    return {"reason": "Retraining runs.", "ticket": "RISK-1", "days": "14", "scope": "version"} | more


@pytest.fixture
def waiver(blocked: Promotion, member: User) -> Waiver:
    ends_at = timezone.now() + timedelta(days=14)
    given: dict[str, Any] = {"rule": "kpi", "reason": "Retraining runs.", "ticket": "RISK-1", "ends_at": ends_at}
    return waivers.request(actor=member, promotion=blocked, **given)[0]


def test_it_is_asked_from_the_finding_that_blocks(blocked: Promotion, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)
    assert address(blocked).replace("&", "&amp;").replace(":", "%3A") in client.get(f"/promotions/{blocked.uuid}").text

    form = client.get(address(blocked))
    sent = client.post(address(blocked), said(scope="team:credit"))

    assert "at most 30 for a model that nobody has classified" in form.text
    waiver = Waiver.objects.get()
    assert sent["Location"] == f"/waivers/{waiver.uuid}"
    assert (waiver.scope, waiver.team_id is not None) == ("team", True)
    assert "Waiting for 1 approval" in client.get(sent["Location"]).text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"ticket": ""}, "ticket"),
        ({"days": "31"}, "days"),
        ({"days": "0"}, "days"),
        ({"days": "soon"}, "days"),
        ({"scope": "team:marketing"}, "scope"),
    ],
)
def test_a_bad_value_comes_back_with_the_form(
    blocked: Promotion, member: User, sign_in: SignIn, change: dict[str, str], field: str
) -> None:
    answer = sign_in(member).post(address(blocked), said(**change))

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert f'id="id_{field}-error"' in answer.text
    assert not Waiver.objects.exists()


def test_a_rule_that_blocks_nothing_has_no_form(blocked: Promotion, member: User, sign_in: SignIn) -> None:
    assert sign_in(member).get(f"/promotions/{blocked.uuid}/waivers?rule=kpi:0&policy=x").status_code == 404


def test_who_may_not_ask_is_told(blocked: Promotion, outsider: User, sign_in: SignIn) -> None:
    client = sign_in(outsider)

    assert "Ask for a waiver" not in client.get(f"/promotions/{blocked.uuid}").text
    assert client.get(address(blocked)).status_code == 403


@pytest.mark.parametrize(
    ("name", "obstacle"),
    [("member", "Nobody approves a waiver that they asked for"), ("outsider", "You may not approve promotions")],
)
def test_who_may_not_decide_reads_why(
    request: pytest.FixtureRequest, waiver: Waiver, sign_in: SignIn, name: str, obstacle: str
) -> None:
    client = sign_in(request.getfixturevalue(name))

    shown = client.get(f"/waivers/{waiver.uuid}")
    refused = client.post(f"/waivers/{waiver.uuid}/decide", {"decision": "approve", "reason": ""})

    assert obstacle in shown.text
    assert 'value="approve"' not in shown.text
    assert refused.status_code == 403
    assert not waiver.decisions.exists()


def test_who_may_decides_and_the_promotion_shows_it(
    blocked: Promotion, waiver: Waiver, approver: User, sign_in: SignIn
) -> None:
    client = sign_in(approver)

    refusing = client.post(f"/waivers/{waiver.uuid}/decide", {"decision": "refuse", "reason": ""})
    client.post(f"/waivers/{waiver.uuid}/decide", {"decision": "approve", "reason": "Small."})

    assert (refusing.status_code, list(refusing.context["form"].errors)) == (422, ["reason"])
    assert "In force" in client.get(f"/waivers/{waiver.uuid}").text
    shown = client.get(f"/promotions/{blocked.uuid}").text
    assert "1 check is waived" in shown
    assert f'href="/waivers/{waiver.uuid}">Waived</a> until' in shown
    again = client.post(f"/waivers/{waiver.uuid}/decide", {"decision": "approve", "reason": ""}, follow=True)
    assert "already" in again.text


def test_the_end_is_shown_where_it_matters(
    blocked: Promotion, waiver: Waiver, member: User, approver: User, owner: User, sign_in: SignIn
) -> None:
    waivers.approve(actor=approver, waiver=waiver)
    approvals.record(actor=owner, promotion=blocked, decision="approve")
    client = sign_in(owner)
    without = client.post(f"/waivers/{waiver.uuid}/revoke", {"reason": ""})

    client.post(f"/waivers/{waiver.uuid}/revoke", {"reason": "Worse than thought."})

    assert without.status_code == 422
    shown = client.get(f"/promotions/{blocked.uuid}").text
    assert "No longer covered" in shown
    assert "Waived</a> until it was revoked" in shown
    assert "no longer covered" in client.get("/promotions").text
    assert "Worse than thought." in client.get(f"/waivers/{waiver.uuid}").text
    assert "Ask for another waiver" in sign_in(member).get(f"/promotions/{blocked.uuid}").text


@printed.needs_pango
def test_every_page_call_and_report_honours_the_end_to_the_second(
    blocked: Promotion,
    waiver: Waiver,
    approver: User,
    owner: User,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though nothing ran since that would have written the end down."""
    waivers.approve(actor=approver, waiver=waiver)
    approvals.record(actor=owner, promotion=blocked, decision="approve")
    promotion, page = f"/promotions/{blocked.uuid}", f"/waivers/{waiver.uuid}"
    end = waiver.ends_at
    last = end - timedelta(seconds=1)

    def told_at(now: datetime) -> dict[str, object]:
        monkeypatch.setattr(timezone, "now", lambda: now)
        client = sign_in(owner)
        api = client.get(f"/api/v1{promotion}").json()
        record = client.get(f"/api/v1/reports{promotion}.pdf", headers={"accept": "application/pdf"})
        return {
            "promotion": "No longer covered" in client.get(promotion).text,
            "promotions": "no longer covered" in client.get("/promotions").text,
            "model": "no longer covered" in client.get(f"/assets/{blocked.model}").text,
            "version": "no longer covered" in client.get(f"/versions/{blocked.model_version}").text,
            "waiver": "Expired" in client.get(page).text,
            "what passed with it": "no longer covered</span>" in client.get(page).text,
            "waivers": f'href="{page}"' not in client.get("/waivers").text,
            "record": b'"uncovered_since": null' not in printed.unpacked(record.content),
            "API, promotion": api["uncovered_since"] is not None,
            "API, waiver": client.get(f"/api/v1{page}").json()["state"] == "expired",
            "API, waivers": client.get("/api/v1/waivers?state=approved").json()["results"] == [],
        }

    before, after = told_at(last), told_at(end)

    assert before == dict.fromkeys(before, False)
    assert after == dict.fromkeys(after, True)


def test_the_requester_takes_it_back(waiver: Waiver, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    assert "Take this waiver back" in client.get(f"/waivers/{waiver.uuid}").text
    client.post(f"/waivers/{waiver.uuid}/revoke", {"reason": ""})

    assert "Revoked" in client.get(f"/waivers/{waiver.uuid}").text


def test_the_list_begins_with_what_ends_first(
    blocked: Promotion, member: User, approver: User, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    now = timezone.now()
    for days in (20, 3, 10):
        asked: dict[str, Any] = {
            "rule": "kpi",
            "reason": "r",
            "ticket": f"T-{days}",
            "ends_at": now + timedelta(days=days),
        }
        last, _ = waivers.request(actor=member, promotion=blocked, **asked)
    waivers.refuse(actor=approver, waiver=last, reason="no")
    client = sign_in(approver)

    with django_assert_max_num_queries(LIST_BUDGET):
        page = client.get("/waivers")

    assert [shown.waiver.ticket for shown in page.context["waivers"]] == ["T-3", "T-20"]
    assert [one.waiver.ticket for one in client.get("/waivers?state=refused").context["waivers"]] == ["T-10"]
    assert "None in this state" in client.get("/waivers?state=expired").text
    assert client.get("/waivers?state=x").status_code == 400
    with django_assert_max_num_queries(PAGE_BUDGET):
        client.get(f"/waivers/{last.uuid}")
    with django_assert_max_num_queries(PAGE_BUDGET):
        client.get(f"/promotions/{blocked.uuid}")


def test_an_empty_list_says_how_one_comes_about(member: User, sign_in: SignIn) -> None:
    assert "No rule is set aside" in sign_in(member).get("/waivers").text
