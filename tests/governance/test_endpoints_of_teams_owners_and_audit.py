import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from governance.models import AuditEntry, Membership, Team, User
from governance.tokens import Scope
from tests import factories

pytestmark = pytest.mark.django_db
JSON = "application/json"


def test_whoami_tells_the_token(member: User) -> None:
    answer = factories.client(member, Scope.READ, Scope.LINEAGE_WRITE).get("/api/v1/whoami").json()

    assert answer["user"] == "member"
    assert answer["token"] == "test"
    assert answer["scopes"] == ["lineage:write", "read"]
    assert answer["expires_at"].endswith("Z")


def test_whoami_tells_who_is_signed_in(member: User, client: Client) -> None:
    client.force_login(member)

    answer = client.get("/api/v1/whoami").json()

    assert answer == {"user": "member", "token": None, "scopes": [], "expires_at": None}


def test_a_team_is_made_filled_read_and_emptied(administrator: User, member: User) -> None:
    api = factories.client(administrator)

    made = api.post("/api/v1/teams", {"slug": "fraud", "name": "Fraud"}, content_type=JSON)
    joined = api.put("/api/v1/teams/fraud/members/member", {"role": "approver"}, content_type=JSON)
    again = api.put("/api/v1/teams/fraud/members/member", {"role": "member"}, content_type=JSON)
    read = api.get("/api/v1/teams/fraud").json()
    left = api.delete("/api/v1/teams/fraud/members/member")

    assert (made.status_code, joined.status_code, again.status_code, left.status_code) == (201, 201, 200, 204)
    assert read["members"][0] | {"since": ""} == {"user": "member", "role": "member", "since": ""}
    assert not Membership.objects.filter(team__slug="fraud").exists()


def test_teams_are_listed_page_by_page(administrator: User) -> None:
    for number in range(5):
        factories.team(f"team-{number}")
    api = factories.client(administrator)

    first = api.get("/api/v1/teams?limit=2&count=true").json()
    second = api.get(f"/api/v1/teams?limit=2&cursor={first['next']}").json()
    third = api.get(f"/api/v1/teams?limit=2&cursor={second['next']}").json()

    assert first["count"] == 5
    slugs = [[team["slug"] for team in page["results"]] for page in (first, second, third)]
    assert slugs == [["team-0", "team-1"], ["team-2", "team-3"], ["team-4"]]
    assert third["next"] is None
    assert "count" not in second


def test_an_owner_is_assigned_read_and_ended(owner: User, member: User, team: Team) -> None:
    asset = uuid.uuid4()
    api = factories.client(owner)
    body = {"asset": str(asset), "role": "steward", "team": "credit", "user": "member"}

    assigned = api.post("/api/v1/ownerships", body, content_type=JSON)
    again = api.post("/api/v1/ownerships", body, content_type=JSON)
    now = api.get(f"/api/v1/assets/{asset}/owners").json()
    earlier = api.get(f"/api/v1/assets/{asset}/owners", {"at": (timezone.now() - timedelta(days=1)).isoformat()}).json()
    ended = api.delete(f"/api/v1/assets/{asset}/owners/steward")
    after = api.get(f"/api/v1/assets/{asset}/owners").json()
    history = api.get(f"/api/v1/assets/{asset}/owners/history").json()

    assert (assigned.status_code, again.status_code, ended.status_code) == (201, 200, 200)
    assert now["results"] == [assigned.json()]
    assert assigned.json()["until"] is None
    assert earlier["results"] == after["results"] == []
    assert history["results"] == [ended.json()]
    assert ended.json()["until"] is not None


def test_the_audit_log_is_read_by_who_may_and_by_no_one_else(
    owner: User, asset: uuid.UUID, auditor: User, client: Client
) -> None:
    for role in ("steward", "technical_owner"):
        factories.client(owner).delete(f"/api/v1/assets/{asset}/owners/{role}")

    refused = factories.client(owner).get("/api/v1/audit")
    read = factories.client(auditor, Scope.READ).get(f"/api/v1/audit?subject=asset:{asset}&limit=1&count=true").json()
    by_nobody = factories.client(auditor).get("/api/v1/audit?by=nobody").json()
    issued = factories.client(auditor).get("/api/v1/audit?action=token.issued&by=auditor").json()

    assert refused.status_code == 403
    assert refused.json()["code"] == "permission_missing"
    assert read["count"] == 2
    assert read["results"][0]["action"] == "ownership.ended"
    assert read["results"][0]["actor"] == "owner"
    assert read["results"][0]["detail"]["role"] == "technical_owner"
    assert read["next"]
    assert by_nobody["results"] == []
    assert {entry["subject"].partition(":")[0] for entry in issued["results"]} == {"token"}


def test_pages_of_the_audit_log_neither_repeat_nor_hide_when_entries_come(auditor: User) -> None:
    api = factories.client(auditor)
    seen: list[int] = []
    cursor = ""
    for _ in range(20):
        page: dict[str, Any] = api.get(f"/api/v1/audit?limit=3&cursor={cursor}").json()
        seen += [entry["id"] for entry in page["results"]]
        factories.secret(auditor)
        if page["next"] is None:
            break
        cursor = page["next"]
    else:
        for _ in range(7):
            factories.secret(auditor)

    assert seen == sorted(set(seen), reverse=True)
    assert seen


@pytest.mark.parametrize(
    ("address", "budget"),
    [("/api/v1/teams", 3), ("/api/v1/teams/credit", 4), ("/api/v1/audit", 5), ("/api/v1/assets/{asset}/owners", 3)],
)
def test_an_answer_costs_a_fixed_number_of_queries(
    address: str, budget: int, auditor: User, asset: uuid.UUID, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    api = factories.client(auditor)
    for number in range(30):
        factories.member(factories.team(f"team-{number}"), f"member-{number}")
        factories.secret(auditor)

    with django_assert_max_num_queries(budget):
        assert api.get(address.format(asset=asset)).status_code == 200


def test_a_refused_change_leaves_neither_row_nor_entry(outsider: User, asset: uuid.UUID, team: Team) -> None:
    api = factories.client(outsider)
    entries = AuditEntry.objects.count()

    refused = [
        api.put("/api/v1/teams/credit/members/outsider", {"role": "maintainer"}, content_type=JSON),
        api.delete("/api/v1/teams/credit/members/owner"),
        api.post("/api/v1/teams", {"slug": "mine", "name": "Mine"}, content_type=JSON),
        api.post(
            "/api/v1/ownerships",
            {"asset": str(asset), "role": "steward", "team": "marketing"},
            content_type=JSON,
        ),
        api.delete(f"/api/v1/assets/{asset}/owners/steward"),
    ]

    assert [response.status_code for response in refused] == [403] * 5
    assert {response.json()["code"] for response in refused} == {"permission_missing"}
    assert AuditEntry.objects.count() == entries
