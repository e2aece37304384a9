"""Teams are open to everyone who is signed in, the audit log to auditors alone."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance import audit, permissions
from governance.actions import Action
from governance.models import OwnerRole, Team, User
from governance.permissions import Permission
from tests import factories

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
QUERY_BUDGET = 10


def test_a_team_shows_its_members_and_what_it_owns(
    graph: UUID, asset: UUID, team: Team, member: User, outsider: User, sign_in: SignIn
) -> None:
    factories.ownership(graph, OwnerRole.STEWARD, team)

    answer = sign_in(outsider).get(f"/teams/{team.slug}")

    assert {one.user.username for one in answer.context["members"]} == {"owner", "member"}
    assert "credit-risk" in answer.text
    # Assigned before any event named it.
    assert str(asset) in answer.text


def test_the_list_of_teams_counts_members_and_assets(
    asset: UUID, team: Team, member: User, other_team: Team, sign_in: SignIn
) -> None:
    answer = sign_in(member).get("/teams")

    assert {(one.slug, one.members_count, one.assets_count) for one in answer.context["teams"]} == {
        ("credit", 2, 1),
        ("marketing", 0, 0),
    }


def test_the_list_of_teams_is_searched(team: Team, other_team: Team, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    assert [one.slug for one in client.get("/teams?q=RED").context["teams"]] == ["credit"]
    nothing = client.get("/teams?q=zzz").text
    assert "No team has “zzz” in its name." in nothing
    assert 'href="/teams"' in nothing


def test_an_administrator_makes_a_team_and_says_who_is_in_it(
    administrator: User, outsider: User, sign_in: SignIn
) -> None:
    client = sign_in(administrator)

    made = client.post("/teams", {"name": "Claims", "slug": "claims"})
    assert made.headers["Location"] == "/teams/claims"
    assert "Nobody is in it." in client.get("/teams/claims").text
    taken = client.post("/teams/claims/members", {"user": "outsider", "role": "approver"}, follow=True)

    assert "outsider is approver of Claims now." in taken.text
    assert permissions.may(outsider, Permission.APPROVE_PROMOTION, team=Team.objects.get(slug="claims"))
    out = client.post("/teams/claims/members/leave", {"user": "outsider"}, follow=True)
    assert "outsider is not in Claims any more." in out.text
    assert "Nobody is in it." in out.text


@pytest.mark.parametrize(
    ("address", "given", "field"),
    [
        ("/teams", {"slug": "claims"}, "name"),
        ("/teams", {"name": "x" * 201, "slug": "claims"}, "name"),
        ("/teams", {"name": "Claims", "slug": "No Such"}, "slug"),
        ("/teams", {"name": "Claims", "slug": "credit"}, "slug"),
        ("/teams/credit/members", {"role": "member"}, "user"),
        ("/teams/credit/members", {"user": "nobody", "role": "member"}, "user"),
        ("/teams/credit/members", {"user": "a\x00b", "role": "member"}, "user"),
        ("/teams/credit/members", {"user": "owner", "role": "emperor"}, "role"),
    ],
)
def test_what_cannot_be_a_team_or_a_member_is_named_beside_its_field(
    team: Team, owner: User, administrator: User, sign_in: SignIn, address: str, given: dict[str, str], field: str
) -> None:
    answer = sign_in(administrator).post(address, given)

    assert answer.status_code == 422
    assert f'id="id_{field}-error"' in answer.text
    assert Team.objects.count() == 1


def test_others_see_no_form_and_change_no_team(team: Team, member: User, owner: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    assert "Make a team" not in client.get("/teams").text
    assert "Take somebody in" not in client.get("/teams/credit").text
    for address, given in (
        ("/teams", {}),
        ("/teams/credit/members", {}),
        ("/teams/credit/members/leave", {"user": "owner"}),
    ):
        assert client.post(address, given).status_code == 403
    # A maintainer changes their own team, and makes none.
    assert "Take somebody in" in sign_in(owner).get("/teams/credit").text
    assert sign_in(owner).post("/teams", {"name": "Claims", "slug": "claims"}).status_code == 403


def test_an_unknown_team_is_not_found(member: User, sign_in: SignIn) -> None:
    assert sign_in(member).get("/teams/nowhere").status_code == 404


@pytest.mark.parametrize("name", ["owner", "member", "outsider", "approver"])
def test_the_audit_log_is_closed_to_others(request: pytest.FixtureRequest, sign_in: SignIn, name: str) -> None:
    client = sign_in(request.getfixturevalue(name))

    assert client.get("/audit").status_code == 403
    assert 'href="/audit"' not in client.get("/teams").text


def test_an_auditor_reads_entries_by_subject(auditor: User, member: User, sign_in: SignIn) -> None:
    with transaction.atomic():
        audit.record(actor=member, action=Action.TOKEN_ISSUED, subject="token:1", detail={"name": "<b>CI</b>"})
        audit.record(actor=None, action=Action.GRAPH_REBUILT, subject="graph")
    client = sign_in(auditor)

    everything, one = client.get("/audit"), client.get("/audit?subject=token:1")

    assert 'href="/audit"' in client.get("/teams").text
    assert "the system" in everything.text
    assert "graph.rebuilt" in everything.text
    assert "graph.rebuilt" not in one.text
    assert "&lt;b&gt;CI" in one.text
    assert [row.subject for row in client.get("/audit?by=member").context["page"].rows] == ["token:1"]
    assert [row.subject for row in client.get("/audit?action=graph.rebuilt").context["page"].rows] == ["graph"]
    assert "No entry is left by these filters." in client.get("/audit?action=other").text


def test_the_audit_log_goes_on_by_cursor_within_its_budget(auditor: User, sign_in: SignIn) -> None:
    with transaction.atomic():
        for i in range(60):
            audit.record(actor=auditor, action=Action.TOKEN_ISSUED, subject=f"token:{i}")
    client = sign_in(auditor)

    with CaptureQueriesContext(connection) as queries:
        first = client.get("/audit").context["page"]
    second = client.get(f"/audit?after={first.following}").context["page"]

    assert [entry.subject for entry in [*first.rows, *second.rows]] == [f"token:{i}" for i in reversed(range(60))]
    assert len(queries) <= QUERY_BUDGET
