"""Promotions and policies over the API: what is answered, and what bad input gets."""

import json
from typing import Any

import pytest
from django.test import Client

from governance.models import Team, User
from governance.tokens import Scope
from policies.models import PolicyVersion, Promotion
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.django_db
API = "/api/v1"
ASKED = {"model": "credit", "version": "1", "stage": "production"}


@pytest.fixture
def client(team: Team, member: User) -> Client:
    stories.publish()
    stories.owned(team)
    stories.grow(stories.trained("1"))
    return factories.client(member)


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"{API}/{path}", content, content_type="application/json", headers=headers)


def test_a_promotion_is_asked_for_and_read(client: Client) -> None:
    asked = post(client, "promotions", ASKED)
    assert asked.status_code == 201
    stories.judge(Promotion.objects.get())

    read = client.get(f"{API}/promotions/{asked.json()['id']}?wait=5").json()

    assert read["state"] == "waiting"
    assert read["approvals_required"] == 1
    assert [finding["outcome"] for finding in read["findings"]] == ["pass", "pass", "pass"]
    assert all(finding["title"] and finding["remedy"] for finding in read["findings"])
    assert read["url"].endswith(f"/promotions/{read['id']}")


def test_asking_again_with_the_key_is_200(client: Client) -> None:
    first = post(client, "promotions", ASKED, **{"Idempotency-Key": "k"})
    again = post(client, "promotions", ASKED, **{"Idempotency-Key": "k"})
    other = post(client, "promotions", ASKED | {"note": "x"}, **{"Idempotency-Key": "k"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json()["id"] == again.json()["id"]
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b" ", 400, None),
        (b"{", 400, None),
        (b"[]", 400, "body"),
        (b'"\xff"', 400, "body"),
        ({"model": "credit", "version": "1"}, 400, "stage"),
        (ASKED | {"version": 1}, 400, "version"),
        (ASKED | {"colour": "red"}, 400, "colour"),
        (ASKED | {"evidence": {"x": "not a digest"}}, 400, "evidence.x"),
        (ASKED | {"model": "fraud"}, 404, "model"),
        (ASKED | {"version": "9"}, 404, "version"),
        (ASKED | {"note": "\x00"}, 400, "note"),
        (b'{"model": "' + b"x" * 1_100_000 + b'"}', 413, None),
    ],
)
def test_bad_input_names_the_field(client: Client, body: Any, status: int, field: str | None) -> None:
    answer = post(client, "promotions", body)

    assert answer.status_code == status, answer.content
    assert list(answer.json()["fields"]) == ([field] if field else [])
    assert not Promotion.objects.exists()


def test_tokens_and_teams_are_asked_for(client: Client, member: User, outsider: User) -> None:
    assert post(Client(), "promotions", ASKED).status_code == 401
    assert post(factories.client(member, Scope.READ), "promotions", ASKED).status_code == 403
    assert post(factories.client(outsider), "promotions", ASKED).status_code == 403
    assert not Promotion.objects.exists()


def test_approvals_over_http(client: Client, approver: User) -> None:
    uuid = post(client, "promotions", ASKED).json()["id"]
    stories.judge(Promotion.objects.get())
    path = f"promotions/{uuid}/approvals"

    assert post(client, path, {"decision": "approve"}).status_code == 403
    assert post(factories.client(approver), path, {"decision": "maybe"}).status_code == 400
    passed = post(factories.client(approver), path, {"decision": "approve", "reason": "read"})

    assert passed.status_code == 201
    assert passed.json()["state"] == "passed"
    assert passed.json()["approvals"][0]["user"] == "approver"
    assert post(client, f"promotions/{uuid}/withdraw", {}).status_code == 409


@pytest.mark.parametrize("query", ["wait=-1", "wait=61", "wait=soon", "await=1", "wait=1&wait=2"])
def test_a_bad_wait_is_refused(client: Client, query: str) -> None:
    uuid = post(client, "promotions", ASKED).json()["id"]

    assert client.get(f"{API}/promotions/{uuid}?{query}").status_code == 400


def test_an_unknown_promotion_is_404(client: Client) -> None:
    assert client.get(f"{API}/promotions/11111111-1111-4111-8111-111111111111?wait=1").status_code == 404


def test_promotions_are_listed_by_state(client: Client) -> None:
    post(client, "promotions", ASKED)

    assert len(client.get(f"{API}/promotions?state=checking").json()["results"]) == 1
    assert client.get(f"{API}/promotions?state=passed").json()["results"] == []
    assert client.get(f"{API}/promotions?state=lost").status_code == 400


def test_a_policy_is_published_once_by_who_may(client: Client) -> None:
    manager = factories.client(factories.policy_manager("manager"))
    body = {"document": stories.POLICY.replace("policy: credit", "policy: other")}

    assert post(client, "policies", body).status_code == 403
    first = post(manager, "policies", body)
    again = post(manager, "policies", body)
    changed = post(manager, "policies", {"document": body["document"] + "description: more\n"})

    assert [first.status_code, again.status_code, changed.status_code] == [201, 200, 201]
    assert [first.json()["number"], again.json()["number"], changed.json()["number"]] == [1, 1, 2]
    assert [row["policy"] for row in client.get(f"{API}/policies").json()["results"]] == ["credit", "other"]


def test_errors_in_a_policy_come_with_line_and_column(client: Client) -> None:
    body = {"document": stories.POLICY.replace("minimum: 0.8", "minimum: high")}
    before = PolicyVersion.objects.count()

    validated = post(client, "policies/validate", body)
    published = post(factories.client(factories.policy_manager("manager")), "policies", body)

    assert validated.json()["valid"] is False
    assert [(error["line"], error["column"]) for error in validated.json()["errors"]] == [(6, 5)]
    assert published.status_code == 400
    assert list(published.json()["fields"]) == ["6:5 rules[0].minimum"]
    assert PolicyVersion.objects.count() == before
