"""Waivers over HTTP: asked from a finding, listed, decided, and shown with the promotion."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import Team, User
from governance.tokens import Scope
from policies.models import Promotion, Waiver
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.django_db
POLICY = """\
policy: credit
applies: {stage: production}
rules:
  - {check: kpi, metric: auc, minimum: 0.8}
"""


@pytest.fixture
def blocked(team: Team, member: User) -> Promotion:
    stories.publish(POLICY)
    stories.owned(team)
    stories.grow(stories.trained("1", auc=0.7))
    return stories.judge(stories.ask(member))


@pytest.fixture
def asking(member: User) -> Client:
    return factories.client(member)


@pytest.fixture
def deciding(approver: User) -> Client:
    return factories.client(approver)


def body(blocked: Promotion, /, **more: Any) -> dict[str, Any]:
    ends_at = (timezone.now() + timedelta(days=14)).isoformat()
    said = {"promotion": str(blocked.uuid), "rule": "kpi", "reason": "Known.", "ticket": "RISK-1", "ends_at": ends_at}
    return said | more


def post(client: Client, path: str, document: dict[str, Any] | None = None, **headers: str) -> Any:
    return client.post(f"/api/v1/{path}", document or {}, content_type="application/json", headers=headers)


def test_from_the_finding_to_the_verdict(blocked: Promotion, asking: Client, deciding: Client) -> None:
    address = f"/api/v1/promotions/{blocked.uuid}"
    finding = asking.get(address).json()["findings"][0]

    asked = post(asking, "waivers", body(blocked, rule=finding["rule"]))
    own = post(asking, f"waivers/{asked.json()['id']}/approve")
    approved = post(deciding, f"waivers/{asked.json()['id']}/approve", {"reason": "Small."})

    assert (asked.status_code, asked.json()["state"], asked.json()["in_force"]) == (201, "requested", False)
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    assert (approved.status_code, approved.json()["state"], approved.json()["in_force"]) == (200, "approved", True)
    assert approved.json()["decisions"][0]["user"] == "approver"
    shown = asking.get(address).json()
    assert shown["state"] == "passed"
    assert shown["findings"][0]["outcome"] == "fail"
    assert shown["findings"][0]["waiver"] == asked.json()["id"]
    assert [waiver["id"] for waiver in shown["waivers"]] == [asked.json()["id"]]
    assert shown["uncovered_since"] is None


def test_the_promotion_says_since_when_it_is_not_covered(
    blocked: Promotion, asking: Client, deciding: Client, approver: User
) -> None:
    waiver = post(asking, "waivers", body(blocked)).json()["id"]
    post(deciding, f"waivers/{waiver}/approve")
    revoked = post(deciding, f"waivers/{waiver}/revoke", {"reason": "Worse than thought."}).json()

    shown = asking.get(f"/api/v1/promotions/{blocked.uuid}").json()

    assert (revoked["state"], revoked["revoked_by"]) == ("revoked", "approver")
    assert (shown["state"], shown["uncovered_since"]) == ("passed", revoked["revoked_at"])


def test_refusing_says_why(blocked: Promotion, asking: Client, deciding: Client) -> None:
    waiver = post(asking, "waivers", body(blocked)).json()["id"]

    without = post(deciding, f"waivers/{waiver}/refuse")
    refused = post(deciding, f"waivers/{waiver}/refuse", {"reason": "Retrain."})

    assert (without.status_code, list(without.json()["fields"])) == (400, ["reason"])
    assert refused.json()["state"] == "refused"
    assert post(deciding, f"waivers/{waiver}/approve").status_code == 409


def test_the_list_begins_with_what_ends_first(blocked: Promotion, asking: Client, deciding: Client) -> None:
    now = timezone.now()
    for days in (30, 3, 10):
        ends_at = (now + timedelta(days=days)).isoformat()
        waiver = post(asking, "waivers", body(blocked, ends_at=ends_at)).json()["id"]
    post(deciding, f"waivers/{waiver}/approve")

    def listed(query: str) -> list[str]:
        rows = asking.get(f"/api/v1/waivers?{query}").json()["results"]
        return [str(round((Waiver.objects.get(uuid=row["id"]).ends_at - now) / timedelta(days=1))) for row in rows]

    assert listed("") == ["3", "10", "30"]
    assert listed("state=approved") == ["10"]
    assert listed(f"state=requested&model={blocked.model}&policy=credit") == ["3", "30"]
    assert listed(f"promotion={blocked.uuid}&limit=1") == ["3"]
    assert listed("policy=another") == []
    first = asking.get("/api/v1/waivers?limit=2").json()
    assert len(asking.get(f"/api/v1/waivers?limit=2&cursor={first['next']}").json()["results"]) == 1


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"ends_at": "2100-01-01T00:00:00"}, 400, "ends_at"),
        ({"ends_at": "2100-01-01T00:00:00Z"}, 400, "ends_at"),
        ({"ends_at": "soon"}, 400, "ends_at"),
        ({"scope": "world"}, 400, "scope"),
        ({"scope": "team", "team": "nobody"}, 404, "team"),
        ({"promotion": "00000000-0000-4000-8000-000000000000"}, 404, "promotion"),
        ({"rule": "fairness"}, 409, "rule"),
        ({"reason": ""}, 400, "reason"),
        ({"unheard": 1}, 400, "unheard"),
    ],
)
def test_bad_input_is_named(blocked: Promotion, asking: Client, change: Any, status: int, field: str) -> None:
    refused = post(asking, "waivers", body(blocked, **change))

    assert (refused.status_code, list(refused.json()["fields"])) == (status, [field])
    assert not Waiver.objects.exists()


def test_one_key_asks_once(blocked: Promotion, asking: Client) -> None:
    asked = body(blocked)

    answers = [post(asking, "waivers", asked, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()


def test_reading_is_not_enough_to_ask(blocked: Promotion, member: User) -> None:
    assert post(factories.client(member, Scope.READ), "waivers", body(blocked)).status_code == 403


def test_who_made_it_comes_with_the_request(blocked: Promotion, asking: Client, deciding: Client) -> None:
    stories.grow(stories.trained("2", auc=0.7))
    asked = {"model": "credit", "version": "2", "stage": "production", "made_by": {"committer": ["A <Approver>"]}}
    promotion = Promotion.objects.get(uuid=post(asking, "promotions", asked).json()["id"])
    waiver = post(asking, "waivers", body(stories.judge(promotion))).json()["id"]

    refused = post(deciding, f"waivers/{waiver}/approve")

    assert (refused.status_code, refused.json()["code"]) == (403, "own_work")
