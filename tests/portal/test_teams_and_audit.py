"""Teams are open to everyone who is signed in, the audit log to auditors alone."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance import audit
from governance.actions import Action
from governance.models import OwnerRole, Team, User
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
