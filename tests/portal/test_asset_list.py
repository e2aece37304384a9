"""The list of assets: found by text and kind, page by page, and safe with any name."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.criticality import Tier
from governance.models import OwnerRole, Team, User
from policies import approvals
from policies.models import Promotion
from tests import factories
from tests.lineage import growing
from tests.portal.scenes import HOSTILE, dataset, run_event

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
# Session and user, rights, words, counts by kind, team, tier, tag and stage, assets, owners; none for each row.
QUERY_BUDGET = 12


@pytest.mark.parametrize("name", ["owner", "member", "outsider", "approver", "auditor"])
def test_everyone_who_is_signed_in_sees_all_assets(
    request: pytest.FixtureRequest, graph: UUID, sign_in: SignIn, name: str
) -> None:
    answer = sign_in(request.getfixturevalue(name)).get("/assets")

    assert answer.status_code == 200
    assert "credit-risk" in answer.text
    assert "applications" in answer.text


def test_every_word_must_occur_in_name_or_namespace(graph: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    assert "credit-risk" in client.get("/assets?q=CREDIT registry").text
    assert "Nothing matches" in client.get("/assets?q=credit nowhere").text


def test_the_kind_narrows_the_list(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get("/assets?kind=model")

    assert "credit-risk" in answer.text
    assert "applications" not in answer.text
    assert "1 asset found" in " ".join(answer.text.split())


def test_a_search_gets_the_part_and_the_page_gets_the_same_part(graph: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    part, page = client.get("/assets?q=credit&kind=", headers=HTMX), client.get("/assets?q=credit")

    found, _, filters = part.text.strip().partition('<div class="list-tools__filters"')
    assert found.startswith('<section class="section" id="asset-list"')
    assert found.strip() in page.text
    assert 'hx-swap-oob="true"' in filters
    assert part.headers["HX-Replace-Url"] == "/assets?q=credit"
    assert "HX-Request" in part.headers["Vary"]


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_a_boosted_link_and_a_history_restore_get_the_page(
    graph: UUID, member: User, sign_in: SignIn, header: str
) -> None:
    answer = sign_in(member).get("/assets", headers=HTMX | {header: "true"})

    assert "<!doctype html>" in answer.text


def test_a_hostile_name_is_shown_as_text(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get("/assets?q=名前")

    assert "&lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text
    assert HOSTILE not in answer.text


def test_pages_follow_each_other_without_gap_or_repeat(member: User, sign_in: SignIn) -> None:
    growing.append([run_event("many", inputs=[], outputs=[dataset(f"part-{i:03}") for i in range(120)])])
    growing.project()
    client, address, seen = sign_in(member), "/assets", []

    while address:
        rows = client.get(address).context["page"]
        seen += [row.asset.name for row in rows.rows]
        address = f"/assets?after={rows.following}" if rows.following else ""

    assert len(seen) == len(set(seen)) == 121


def test_owners_stand_beside_their_assets(graph: UUID, member: User, team: Team, sign_in: SignIn) -> None:
    factories.ownership(graph, OwnerRole.STEWARD, team)
    factories.ownership(graph, OwnerRole.BUSINESS_OWNER, team)

    row = sign_in(member).get("/assets?kind=model").context["page"].rows[0]

    assert [(holder.who, holder.roles) for holder in row.owners] == [(team.name, "Business owner, Steward")]


def test_an_asset_without_owners_says_so(graph: UUID, member: User, sign_in: SignIn) -> None:
    assert "No owner" in sign_in(member).get("/assets?kind=model").text


def test_a_list_is_not_called_empty_while_events_wait_for_the_graph(member: User, sign_in: SignIn) -> None:
    growing.append([run_event("train", inputs=[], outputs=[dataset("scores")])])
    client = sign_in(member)

    assert "Events wait to be drawn into the graph" in client.get("/assets").text
    growing.project()
    assert "scores" in client.get("/assets").text


def test_the_empty_list_says_how_to_send_the_first_event(member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get("/assets")

    assert "/api/v1/lineage" in answer.text
    assert "curl" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "kind=table",
        "q=%00",
        "q=" + "x" * 501,
        "after=abc",
        "after=" + "9" * 30,
        "after=-1",
        "after=%00",
        "sort=age",
        "changed=2",
        "tier=none",
        "q=a&after=x",
    ],
)
def test_a_broken_address_is_refused_with_a_page(member: User, sign_in: SignIn, query: str) -> None:
    answer = sign_in(member).get(f"/assets?{query}")

    assert answer.status_code == 400
    assert "cannot be read" in answer.text


def test_a_longer_list_costs_no_more_queries(graph: UUID, member: User, sign_in: SignIn) -> None:
    growing.append([run_event("many", inputs=[], outputs=[dataset(f"part-{i:03}") for i in range(60)])])
    growing.project()
    client = sign_in(member)

    with CaptureQueriesContext(connection) as queries:
        client.get("/assets")

    assert len(queries) <= QUERY_BUDGET


def test_a_slip_of_the_pen_is_taken_for_what_was_meant_and_said(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get("/assets?q=aplications")

    assert [row.asset.name for row in answer.context["page"].rows] == ["applications"]
    assert "did you mean <strong>applications</strong>?" in answer.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("team=credit", {"credit-risk"}),
        ("team=nobody&kind=dataset", {"applications", HOSTILE}),
        ("tag=pii", {"applications"}),
        ("tier=high", {"credit-risk"}),
        ("tier=low", set()),
        ("stage=production", set()),
        ("changed=1&kind=model", set()),
    ],
)
def test_filters_narrow_the_list(
    graph: UUID, member: User, administrator: User, team: Team, sign_in: SignIn, query: str, found: set[str]
) -> None:
    factories.ownership(graph, OwnerRole.STEWARD, team)
    factories.classification(graph, Tier.HIGH, administrator)

    rows = sign_in(member).get(f"/assets?{query}").context["page"].rows

    assert {row.asset.name for row in rows} == found


def test_each_choice_says_how_many_it_would_give(graph: UUID, member: User, team: Team, sign_in: SignIn) -> None:
    factories.ownership(graph, OwnerRole.STEWARD, team)

    choices = sign_in(member).get("/assets?kind=model").context["choices"]

    assert {choice.value: choice.count for choice in choices["kind"]} == {
        "dataset": 2,
        "model": 1,
        "job": 2,
        "deployment": 0,
        "repository": 1,
    }
    assert [(choice.value, choice.count) for choice in choices["team"]] == [("nobody", 0), ("credit", 1)]


def test_a_model_is_found_by_the_stage_it_passed_to(
    ask: Callable[..., Promotion], judge: Callable[[Promotion], Promotion], approver: User, sign_in: SignIn
) -> None:
    promotion = judge(ask())
    client = sign_in(approver)
    before = client.get("/assets?stage=production").context["page"].rows

    approvals.record(actor=approver, promotion=promotion, decision="approve", reason="Seen.")

    assert before == []
    assert [row.asset.name for row in client.get("/assets?stage=production").context["page"].rows] == ["credit-risk"]
    for stage, names in (("production", ["credit-risk"]), ("staging", [])):
        found = client.get(f"/api/v1/assets?stage={stage}&q=credit").json()["results"]
        assert [row["name"] for row in found] == names


def test_the_list_is_sorted_page_by_page(member: User, sign_in: SignIn) -> None:
    growing.append([run_event("many", inputs=[], outputs=[dataset(f"part-{i:03}") for i in range(120)])])
    growing.project()
    client, address, seen = sign_in(member), "/assets?sort=-name", []

    while address:
        page = client.get(address).context["page"]
        seen += [row.asset.name for row in page.rows]
        address = f"/assets?sort=-name&after={page.following}" if page.following else ""

    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 121
    found = client.get("/assets?q=part&sort=name").context
    assert [row.asset.name for row in found["page"].rows][:2] == ["part-000", "part-001"]
    assert found["columns"]["name"].order == "ascending"


def test_what_is_too_long_to_sort_says_so(
    graph: UUID, member: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.assetlist.MOST_SORTED", 3)

    answer = sign_in(member).get("/assets?sort=name")

    assert "are not put in order" in answer.text
    assert len(answer.context["page"].rows) == 6
