"""Connections, deliveries and joins over the API."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import Team, User
from governance.tokens import Scope
from integrations import doors, translating
from integrations.models import Connection, ConnectionSecret, Delivery, Join
from integrations.systems.base import Scheme
from tests import factories
from tests.integrations import connecting, replaying

pytestmark = pytest.mark.django_db
ENDED = (replaying.FIXTURES / "circleci" / "workflow_failed.json").read_bytes()
NEW = {
    "slug": "ci",
    "system": "circleci",
    "namespace": "circleci://circleci.com",
    "team": "credit",
    "title": "Our builds",
    "scheme": "circleci",
}


def call(client: Client, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    data = b"" if body is None else json.dumps(body).encode()
    answer = client.generic(method, f"/api/v1/{path}", data, content_type="application/json")
    return answer.status_code, json.loads(answer.content)


def test_a_connection_is_made_and_its_secret_told_once(owner: User, team: Team) -> None:
    client = factories.client(owner)

    status, made = call(client, "POST", "connections", NEW)

    assert (status, made["url"]) == (201, "http://127.0.0.1:8000/api/v1/hooks/ci")
    assert len(made["secret"]) > 30
    _, read = call(client, "GET", "connections/ci")
    assert (read["secret"], read["health"], read["sender"]) == (None, "silent", "connection-ci")
    assert made["secret"] not in json.dumps(read)
    assert call(client, "POST", "connections", NEW)[0] == 409
    assert call(client, "POST", "connections", NEW | {"slug": "x", "system": "none"})[1]["fields"].keys() == {"system"}
    assert call(client, "POST", "connections", NEW | {"slug": "x", "colour": "red"})[0] == 400


def test_others_may_look_and_not_touch(owner: User, outsider: User, member: User, team: Team) -> None:
    connection = connecting.connection(team)
    delivery = Delivery.objects.create(connection=connection, key="k", body=b"{}")
    for user in (outsider, member):
        client = factories.client(user)
        assert call(client, "GET", "connections/ci")[0] == 200
        assert call(client, "GET", "connections/ci/deliveries")[0] == 200
        for method, path in (
            ("PATCH", "connections/ci"),
            ("DELETE", "connections/ci"),
            ("POST", "connections/ci/secrets"),
            ("POST", "connections/ci/pause"),
            ("POST", f"deliveries/{delivery.pk}/redeliver"),
        ):
            assert call(client, method, path, {})[0] == 403, path
        assert call(client, "GET", f"deliveries/{delivery.pk}")[0] == 403
    reader = factories.client(owner, Scope.READ)
    assert call(reader, "PATCH", "connections/ci", {})[0] == 403


def test_a_change_leaves_what_it_does_not_name(owner: User, team: Team) -> None:
    client = factories.client(owner)
    call(client, "POST", "connections", NEW | {"networks": ["192.0.2.0/24"]})

    status, changed = call(client, "PATCH", "connections/ci", {"title": "Builds", "window_s": None})

    assert (status, changed["title"], changed["networks"]) == (200, "Builds", ["192.0.2.0/24"])
    assert changed["secret"] is None
    assert call(client, "PATCH", "connections/ci", {"networks": ["x"]})[1]["fields"].keys() == {"networks"}


def test_secrets_rotate_and_connections_end(owner: User, team: Team) -> None:
    client = factories.client(owner)
    first = call(client, "POST", "connections", NEW)[1]["secret"]

    status, rotated = call(client, "POST", "connections/ci/secrets", {})
    assert (status, len(rotated["secrets"])) == (201, 2)
    assert rotated["secret"] != first
    assert call(client, "POST", "connections/ci/secrets", {})[1]["code"] == "two_secrets_live"
    oldest = min(one["id"] for one in rotated["secrets"])
    assert len(call(client, "DELETE", f"connections/ci/secrets/{oldest}")[1]["secrets"]) == 1
    assert call(client, "POST", "connections/ci/pause", {"reason": "Moving."})[1]["health"] == "paused"
    assert call(client, "DELETE", "connections/ci/pause")[1]["is_active"] is True
    assert call(client, "DELETE", "connections/ci")[1]["health"] == "retired"
    assert call(client, "PATCH", "connections/ci", {})[1]["code"] == "retired"
    assert not ConnectionSecret.objects.filter(retired_at=None).exists()


def test_deliveries_are_listed_read_and_sent_again(owner: User, team: Team) -> None:
    connecting.connection(team, scheme=Scheme.BEARER)
    doors.forget()
    sender = Client(headers={"Authorization": f"Bearer {connecting.SECRET}"})
    for body in (ENDED, b'{"type": "ping"}', b'{"type": "new"}'):
        sender.post("/api/v1/hooks/ci", body, content_type="application/json")
    translating.translate_due()
    client = factories.client(owner)

    _, page = call(client, "GET", "connections/ci/deliveries?limit=2&count=true")
    _, rest = call(client, "GET", f"connections/ci/deliveries?limit=2&cursor={page['next']}")
    assert [one["state"] for one in page["results"] + rest["results"]] == ["unknown", "ignored", "translated"]
    assert (page["count"], rest["next"]) == (3, None)
    assert len(call(client, "GET", "connections/ci/deliveries?state=ignored")[1]["results"]) == 1

    number = rest["results"][0]["id"]
    assert call(client, "GET", f"deliveries/{number}")[1]["body"] == ENDED.decode()
    assert call(client, "POST", f"deliveries/{number}/redeliver")[1]["state"] == "received"
    since = {"since": "2026-01-01T00:00:00Z"}
    assert call(client, "POST", "connections/ci/replay", since) == (202, {"deliveries": 3})
    assert call(client, "GET", "deliveries/0")[0] == 404
    assert call(client, "GET", "connections/ci")[1]["deliveries"] == {"received": 3}
    doors.forget()


def test_joins_are_decided(owner: User, team: Team) -> None:
    connection = connecting.connection(team, slug="alerts", system="alertmanager")
    join = Join.objects.create(
        connection=connection,
        name="credit-risk",
        asset=UUID(int=1),
        model_namespace="mlflow://ml",
        model_name="credit-risk",
        state="proposed",
        noted_at=timezone.now(),
    )
    client = factories.client(owner)

    _, page = call(client, "GET", "joins?connection=alerts&state=proposed")
    assert [one["id"] for one in page["results"]] == [join.pk]
    status, decided = call(client, "POST", f"joins/{join.pk}", {"decision": "reject", "reason": "Another one."})
    assert (status, decided["state"], decided["decided_by"]) == (200, "rejected", "owner")
    assert call(client, "POST", f"joins/{join.pk}", {"decision": "perhaps"})[0] == 400
    told = call(client, "GET", f"joins/{join.pk}")[1]["history"]
    assert [(one["decision"], one["before"], one["reason"], one["by"]) for one in told] == [
        ("rejected", "proposed", "Another one.", "owner")
    ]
    assert call(client, "GET", "joins?rule=files")[1]["results"] == []
    assert call(client, "GET", f"joins?rule=name&model={UUID(int=1)}")[1]["results"][0]["why"].endswith("taken back.")
    assert call(client, "GET", "joins?rule=guess")[0] == 400
    counts = {one["rule"]: one["joins"] for one in call(client, "GET", "joins/rules")[1]["results"]}
    assert counts.keys() >= {"equal", "name", "files", "told", "people"}
    assert counts["name"] == {"rejected": 1}
    assert call(client, "GET", "connections/alerts/readings")[1] == {"results": [], "next": None}


def test_a_connection_with_a_secret_address_tells_it_once(owner: User, team: Team) -> None:
    client = factories.client(owner)
    body = {**NEW, "system": "tekton", "scheme": "secret_path", "namespace": "tekton://cluster"}

    made = call(client, "POST", "connections", body)[1]

    assert made["url"].endswith(f"/api/v1/hooks/ci/{made['secret']}")
    assert call(client, "GET", "connections/ci")[1]["url"].endswith("/api/v1/hooks/ci/<secret>")
    assert Connection.objects.get().secrets.get().sealed is None


def test_a_list_costs_the_same_however_long_it_is(owner: User, team: Team, django_assert_max_num_queries: Any) -> None:
    client = factories.client(owner)
    for number in range(12):
        connecting.connection(team, slug=f"c{number}")

    with django_assert_max_num_queries(8):
        _, page = call(client, "GET", "connections")
    assert len(page["results"]) == 12
    assert {len(one["secrets"]) for one in page["results"]} == {1}


def test_what_is_carried_out_is_set_and_read(owner: User, member: User, team: Team) -> None:
    connecting.connection(team, slug="code", system="github", address="https://api.git.example")
    client, path = factories.client(owner), "connections/code/outlet"

    nothing = call(client, "GET", path)
    status, made = call(client, "PUT", path, {"kinds": ["verdict"], "setting": {"how": "check_run"}})

    assert nothing[1] == {
        "kinds": [],
        "setting": {},
        "is_active": False,
        "since": None,
        "requests": {"pending": 0, "sent": 0, "given_up": 0},
    }
    assert (status, made["kinds"], made["setting"], made["is_active"]) == (200, ["verdict"], {"how": "check_run"}, True)
    assert call(client, "GET", path)[1] == made
    for wrong, field in (({"kinds": ["rumour"]}, "kinds"), ({"kinds": [], "setting": {"how": "loudly"}}, "setting")):
        refused = call(client, "PUT", path, wrong)
        assert (refused[0], set(refused[1]["fields"])) == (400, {field})
    assert call(factories.client(member), "PUT", path, {"kinds": []})[0] == 403
    assert call(client, "GET", "connections/none/outlet")[0] == 404
