"""The page of one asset: what it is, where it comes from, who answers for it."""

import json
import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import OwnerRole, Team, User
from lineage import identity
from tests import factories
from tests.lineage import growing
from tests.portal.scenes import HOSTILE, RUN, WAREHOUSE, dataset, run_event

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
QUERY_BUDGET = 30


@pytest.mark.parametrize("name", ["owner", "member", "outsider", "approver", "auditor"])
def test_everyone_who_is_signed_in_sees_an_asset(
    request: pytest.FixtureRequest, graph: UUID, sign_in: SignIn, name: str
) -> None:
    answer = sign_in(request.getfixturevalue(name)).get(f"/assets/{graph}")

    assert answer.status_code == 200
    assert "credit-risk" in answer.text


def test_a_model_shows_what_was_measured_of_its_newest_version(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/assets/{graph}")

    assert "0.873123" in answer.text
    assert "24,000" in answer.text


def test_known_facets_have_their_form_and_others_are_json(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/assets/{identity.asset('dataset', WAREHOUSE, 'applications')}")

    assert "decimal(12,2)" in answer.text
    assert "Loan applications as they came in." in answer.text
    assert "income_eur: pii=yes" in answer.text
    assert "unheardOf" in answer.text
    assert "&quot;answer&quot;: 42" in answer.text


def test_the_drawing_and_the_list_hold_the_same_graph(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/assets/{graph}")

    found = re.search(r'<script id="lineage-data" type="application/json">(.*?)</script>', answer.text)
    assert found is not None
    drawn = json.loads(found[1])
    relations = {(edge["source"], edge["relation"], edge["target"]) for edge in drawn["edges"]}
    listed = {(str(row.source.uuid), row.relation, str(row.target.uuid)) for row in answer.context["relations"]}
    assert relations == listed
    train = str(identity.asset("job", "demo", "train"))
    assert (train, "writes", str(graph)) in relations
    assert {node["href"] for node in drawn["nodes"]} == {f"/assets/{node['id']}" for node in drawn["nodes"]}


def test_the_drawing_keeps_the_size_of_its_page(graph: UUID, member: User, sign_in: SignIn) -> None:
    client, address = sign_in(member), f"/assets/{graph}/lineage?direction=upstream"

    beside, alone = client.get(address, headers=HTMX), client.get(address)
    alone_again = client.get(f"{address}&size=large", headers=HTMX)

    assert "lineage__canvas--tall" not in beside.text
    assert "lineage__canvas--tall" in alone.text
    assert "lineage__canvas--tall" in alone_again.text
    assert 'name="size" value="large"' in alone.text


def test_a_cut_picture_says_that_it_is_cut(member: User, sign_in: SignIn) -> None:
    growing.append([run_event("wide", inputs=[], outputs=[dataset(f"part-{i:03}") for i in range(100)])])
    growing.project()

    answer = sign_in(member).get(f"/assets/{identity.asset('job', 'demo', 'wide')}")

    assert answer.context["graph"].is_truncated
    assert "This is not the whole picture" in answer.text


def test_a_hostile_name_is_shown_as_text_everywhere(graph: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    for family, namespace in (("dataset", WAREHOUSE), ("job", "demo")):
        answer = client.get(f"/assets/{identity.asset(family, namespace, HOSTILE)}")

        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;" in answer.text


def test_a_role_that_nobody_holds_is_called_out(graph: UUID, member: User, team: Team, sign_in: SignIn) -> None:
    factories.ownership(graph, OwnerRole.STEWARD, team)

    answer = sign_in(member).get(f"/assets/{graph}")

    assert answer.text.count("Nobody answers for this") == 2


@pytest.mark.parametrize("part", ["lineage?direction=upstream&depth=5&size=large", "versions", "runs"])
def test_a_part_stands_alone_as_a_page_and_as_a_fragment(graph: UUID, member: User, sign_in: SignIn, part: str) -> None:
    client = sign_in(member)

    page, fragment = client.get(f"/assets/{graph}/{part}"), client.get(f"/assets/{graph}/{part}", headers=HTMX)

    assert fragment.text.strip() in page.text
    assert fragment.text.strip().startswith("<section")


def test_long_tables_go_on_by_cursor(member: User, sign_in: SignIn) -> None:
    growing.append(
        [
            run_event(
                "often",
                inputs=[],
                outputs=[dataset("daily", version={"datasetVersion": f"v{i}"})],
                run=str(uuid4()),
                at=f"2026-01-{i + 1:02}T10:00:00Z",
            )
            for i in range(25)
        ]
    )
    growing.project()
    client, asset = sign_in(member), identity.asset("dataset", WAREHOUSE, "daily")

    for part, name in (("versions", "versions"), ("runs", "runs")):
        address, seen = f"/assets/{asset}/{part}", []
        while address:
            answer = client.get(address)
            rows = answer.context[name]
            seen += [row.version.key if part == "versions" else row.uuid for row in rows.rows]
            address = f"/assets/{asset}/{part}" if rows.following else ""
            if address:
                address = f"{address}?after={rows.following.replace('+', '%2B')}"
        assert len(seen) == len(set(seen)) == 25


@pytest.mark.parametrize(
    "query",
    [
        "lineage?direction=sideways",
        "lineage?depth=99",
        "lineage?depth=x",
        "runs?after=x",
        "runs?after=2026-01-01T00:00:00Z~x",
        "versions?after=2026-01-01",
        "versions?after=x",
    ],
)
def test_a_broken_address_is_refused_with_a_page(graph: UUID, member: User, sign_in: SignIn, query: str) -> None:
    answer = sign_in(member).get(f"/assets/{graph}/{query}")

    assert answer.status_code == 400
    assert "cannot be read" in answer.text


@pytest.mark.parametrize("address", ["assets", "runs", "versions"])
def test_what_was_never_reported_is_not_found(member: User, sign_in: SignIn, address: str) -> None:
    answer = sign_in(member).get(f"/{address}/{uuid4()}")

    assert answer.status_code == 404
    assert "nothing at this address" in answer.text


def test_a_run_shows_what_it_read_and_wrote(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/runs/{RUN}")

    assert answer.status_code == 200
    assert [row.asset.name for row in answer.context["inputs"]] == ["applications"]
    assert [row.asset.name for row in answer.context["outputs"]] == ["credit-risk"]
    assert "9f2c9f2c9f2c" in answer.text


def test_runs_of_one_job_that_differ_show_each_their_own(member: User, sign_in: SignIn) -> None:
    runs = {str(identity.asset("job", "n", name)): name for name in ("monday", "tuesday")}
    for run, name in runs.items():
        tagged = {"runId": run, "facets": {"tags": {"tags": [{"key": "day", "value": name, "source": "cron"}]}}}
        read, wrote = ([dataset(f"{what}-of-{name}")] for what in ("orders", "report"))
        growing.append([run_event("report", inputs=read, outputs=wrote, run=run) | {"run": tagged}])
    growing.project()
    client = sign_in(member)

    for run, name in runs.items():
        answer = client.get(f"/runs/{run}")
        assert [row.asset.name for row in answer.context["inputs"]] == [f"orders-of-{name}"]
        assert [row.asset.name for row in answer.context["outputs"]] == [f"report-of-{name}"]
        assert f"day={name}" in answer.text
    listed = client.get(f"/assets/{identity.asset('job', 'demo', 'report')}").text
    assert all(f"/runs/{run}" in listed for run in runs)


def test_a_version_shows_its_measurements_and_how_it_was_made(graph: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/versions/{identity.version(graph, '7')}")

    assert answer.status_code == 200
    assert "0.873123" in answer.text
    assert "2026-01" in answer.text


def test_the_page_keeps_to_its_budget_of_queries(graph: UUID, member: User, team: Team, sign_in: SignIn) -> None:
    factories.ownership(graph, OwnerRole.STEWARD, team)
    client = sign_in(member)

    with CaptureQueriesContext(connection) as queries:
        client.get(f"/assets/{graph}")

    assert len(queries) <= QUERY_BUDGET
