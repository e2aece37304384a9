"""The graph page: what an address shows, how it is opened, grouped, listed and taken along."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.models import OwnerRole, Team, User
from lineage import expansion, identity
from lineage.expansion import Asked, Opening
from lineage.models import Asset
from lineage.traversal import Direction
from tests import factories
from tests.lineage import growing
from tests.portal.scenes import HOSTILE, REGISTRY, WAREHOUSE, dataset, run_event

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
READERS = 40
# Session and user, rights, the asset; the walk, the edges, the hidden, the nodes, the states, the owners.
QUERY_BUDGET = 16


def table(name: str) -> UUID:
    return identity.asset("dataset", WAREHOUSE, name)


def job(name: str) -> UUID:
    return identity.asset("job", "demo", name)


@pytest.fixture
def hub(rows: None) -> UUID:
    """A table that forty jobs read, each of which writes one; one of those is read by the job `last`."""
    events = [
        run_event(
            f"reader-{number:02}",
            inputs=[dataset("hub", version={"datasetVersion": "1"})],
            outputs=[dataset(f"mart-{number:02}", version={"datasetVersion": "1"})],
            run=f"0f5b6b0c-8d3e-4c53-9b0f-{number:012}",
            at=f"2026-01-02T10:{number:02}:00Z",
        )
        for number in range(READERS)
    ]
    events.append(
        run_event(
            "last", inputs=[dataset("mart-00")], outputs=[dataset("end")], run="0f5b6b0c-8d3e-4c53-9b0f-9a8c2f3c1d99"
        )
    )
    growing.append(events)
    growing.project()
    return table("hub")


@pytest.fixture
def view(member: User, sign_in: SignIn) -> Callable[..., dict[str, Any]]:
    """What the script of the page gets for an address."""

    def seen(asset: UUID, **query: Any) -> dict[str, Any]:
        answer = sign_in(member).get("/graph/drawing", {"asset": str(asset)} | query)
        assert answer.status_code == 200, answer.content
        document: dict[str, Any] = answer.json()
        return document

    return seen


def names(document: dict[str, Any]) -> set[str]:
    return {node["name"] for node in document["nodes"]}


def test_at_first_one_level_is_shown(graph: UUID, view: Callable[..., dict[str, Any]]) -> None:
    document = view(graph)

    assert names(document) == {"credit-risk", "train", HOSTILE}
    assert {node["name"]: (node["up"], node["down"]) for node in document["nodes"]}["train"] == (2, 0)


def test_a_node_is_opened_on_one_side(graph: UUID, view: Callable[..., dict[str, Any]]) -> None:
    document = view(graph, up=str(job("train")))

    assert "applications" in names(document)
    assert {node["name"]: node["up"] for node in document["nodes"]}["train"] == 0


def test_what_was_opened_behind_a_closed_node_is_not_shown(graph: UUID, view: Callable[..., dict[str, Any]]) -> None:
    opened = f"{table('applications')}"

    assert names(view(graph, up=opened)) == names(view(graph))


def test_openings_count_in_any_order(hub: UUID, view: Callable[..., dict[str, Any]]) -> None:
    deep = [str(table("mart-00")), str(job("reader-00")), str(job("last"))]

    there, back = (view(hub, down=order) for order in (deep, deep[::-1]))

    assert names(there) == names(back) >= {"mart-00", "last", "end"}


def test_a_hub_is_a_count_and_opening_gives_the_first_few(hub: UUID, view: Callable[..., dict[str, Any]]) -> None:
    first, whole = view(hub), view(hub, down=f"{hub}.50")

    assert len(first["nodes"]) == 1 + expansion.HUB
    assert first["nodes"][0]["down"] == READERS - expansion.HUB
    assert len(whole["nodes"]) == 1 + READERS
    assert whole["nodes"][0]["down"] == 0


def test_a_hub_on_the_way_stays_closed_however_many_steps(hub: UUID, view: Callable[..., dict[str, Any]]) -> None:
    feed = run_event("feed", inputs=[dataset("source")], outputs=[dataset("hub")], run=str(UUID(int=7)))
    growing.append([feed])
    growing.project()

    document = view(table("source"), depth=10)

    assert names(document) == {"source", "feed", "hub"}
    assert {node["name"]: node["down"] for node in document["nodes"]}["hub"] == READERS


def test_the_search_inside_a_hub_finds_what_is_not_shown(
    hub: UUID, member: User, sign_in: SignIn, view: Callable[..., dict[str, Any]]
) -> None:
    hidden = min({f"reader-{number:02}" for number in range(READERS)} - names(view(hub)))
    query = {"asset": str(hub), "node": str(hub), "side": "downstream", "q": hidden.upper().replace("-", " ")}

    found = sign_in(member).get("/graph/neighbours", query).json()["found"]
    picked = view(hub, show=found[0]["id"])

    assert [one["name"] for one in found] == [hidden]
    assert hidden in names(picked)
    assert picked["nodes"][0]["down"] == READERS - expansion.HUB - 1


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 26), ("reader", 26), ("_", 0), ("%", 0), ("\\", 0), ("reader-0", 10), ("demo reader-11", 1)],
)
def test_the_search_takes_words_as_they_are(hub: UUID, text: str, count: int) -> None:
    asset = Asset.objects.get(uuid=hub)

    found = expansion.neighbours(asset=asset, side=Direction.DOWNSTREAM, text=text, limit=26)

    assert len(found) == count


def test_the_evidence_shows_runs_and_versions_and_opens_them(hub: UUID, view: Callable[..., dict[str, Any]]) -> None:
    first = view(hub, view="evidence")
    run = next(node for node in first["nodes"] if node["kind"] == "run")

    opened = view(hub, view="evidence", down=run["id"])

    assert len(first["nodes"]) == 1 + expansion.HUB
    assert first["nodes"][0]["caption"] == "version 1"
    assert {node["kind"] for node in opened["nodes"]} == {"run", "dataset"}
    assert len(opened["nodes"]) == len(first["nodes"]) + 1


def test_the_search_inside_the_evidence_finds_runs(hub: UUID, member: User, sign_in: SignIn) -> None:
    version = identity.version(hub, "1")
    query = {"asset": str(hub), "view": "evidence", "node": str(version), "side": "downstream", "q": "reader-38"}

    found = sign_in(member).get("/graph/neighbours", query).json()["found"]

    assert [one["id"] for one in found] == ["0f5b6b0c-8d3e-4c53-9b0f-000000000038"]


def test_fields_are_shown_by_the_dataset_they_belong_to(rows: None, view: Callable[..., dict[str, Any]]) -> None:
    lineage = {"fields": {"total": {"inputFields": [{"namespace": WAREHOUSE, "name": "raw", "field": "amount"}]}}}
    growing.append(
        [run_event("sum", inputs=[dataset("raw")], outputs=[dataset("clean", columnLineage=lineage)])],
    )
    growing.project()

    document = view(table("clean"), view="field")

    assert {(node["name"], node["caption"]) for node in document["nodes"]} == {("total", "clean"), ("amount", "raw")}
    assert [edge["relation"] for edge in document["edges"]] == ["becomes"]


def test_another_day_shows_what_stood_then(hub: UUID, view: Callable[..., dict[str, Any]]) -> None:
    document = view(hub, as_of="2026-01-02T10:02:30Z")

    assert names(document) == {"hub", "reader-00", "reader-01", "reader-02"}


@pytest.mark.parametrize("group", ["namespace", "team", "job"])
def test_groups_are_drawn_as_one_and_opened(
    hub: UUID, team: Team, view: Callable[..., dict[str, Any]], group: str
) -> None:
    for number in range(3):
        factories.ownership(job(f"reader-{number:02}"), OwnerRole.STEWARD, team)

    closed = view(hub, depth=2, group=group)
    groups = [node for node in closed["nodes"] if node["members"]]
    opened = view(hub, depth=2, group=group, part=groups[0]["id"].removeprefix("group-"))

    whole = view(hub, depth=2)
    assert sum(node["members"] or 1 for node in closed["nodes"]) == len(whole["nodes"])
    assert len(opened["nodes"]) == len(closed["nodes"]) + groups[0]["members"] - 1
    assert [part["name"] for part in opened["parts"]] == [groups[0]["name"]]
    ends = {end for edge in closed["edges"] for end in (edge["source"], edge["target"])}
    assert ends <= {node["id"] for node in closed["nodes"]}


def test_the_address_is_kept_whole(hub: UUID, view: Callable[..., dict[str, Any]]) -> None:
    asked = {
        "direction": "downstream",
        "depth": "2",
        "group": "team",
        "as_of": "2026-02-01",
        "find": "mart",
        "at": str(hub),
        "down": f"{hub}.50",
        "part": "abc",
    }

    document = view(hub, **asked)

    assert dict(pair.split("=") for pair in document["query"].split("&")) == {"asset": str(hub)} | asked


def test_the_page_carries_what_its_script_would_ask_for(hub: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)
    address = f"asset={hub}&down={job('reader-00')}"

    page = client.get(f"/graph?{address}")

    assert page.context["drawing"] == client.get(f"/graph/drawing?{address}").json()


def test_the_list_says_the_same_and_leads_on(hub: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)
    address = f"/graph?asset={hub}&form=list"

    listed = client.get(address)
    row = next(row for row in listed.context["listed"].rows if row.node.is_root)
    more = client.get(f"/graph?{row.after.more}")
    fewer = next(row for row in more.context["listed"].rows if row.node.is_root).after.fewer

    assert row.after.hidden == READERS - expansion.HUB
    assert more.context["listed"].total == 1 + READERS
    assert client.get(f"/graph?{fewer}").context["listed"].total == 1 + expansion.HUB
    assert "reader-00" in listed.text


def test_the_list_is_searched_and_cut_into_pages(hub: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    pages = [client.get(f"/graph?asset={hub}&depth=2&down={hub}.50&form=list&page={page}") for page in (1, 9)]

    assert client.get(f"/graph?asset={hub}&form=list&find=reader-07").context["listed"].total == 1
    assert [answer.context["listed"].number for answer in pages] == [1, 1]
    assert "No node of this view" in client.get(f"/graph?asset={hub}&form=list&find=nowhere").text


def lines_of(answer: Any) -> list[dict[str, Any]]:
    assert isinstance(answer, StreamingHttpResponse)
    parts: Iterator[bytes] = answer.streaming_content  # type: ignore[assignment]
    return [json.loads(line) for line in b"".join(parts).splitlines()]


def test_the_events_behind_the_view_are_those_that_were_sent(hub: UUID, member: User, sign_in: SignIn) -> None:
    described = {
        "eventTime": "2026-01-03T00:00:00Z",
        "producer": "https://example.com/p",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
        "dataset": dataset("end", documentation={"description": "The end of it."}),
    }
    growing.append([described])
    growing.project()
    client = sign_in(member)

    answer = client.get(f"/graph/events?asset={table('end')}")
    of_run = client.get(f"/graph/events?asset={table('end')}&view=evidence")

    assert answer["Content-Type"] == "application/x-ndjson"
    said = lines_of(answer)
    assert [one["job"]["name"] for one in said if "job" in one] == ["last"]
    assert described in said
    assert {one["run"]["runId"] for one in lines_of(of_run) if "run" in one} == {"0f5b6b0c-8d3e-4c53-9b0f-9a8c2f3c1d99"}


def test_events_of_a_past_view_are_those_of_that_time(hub: UUID, member: User, sign_in: SignIn) -> None:
    answer = sign_in(member).get(f"/graph/events?asset={hub}&as_of=2026-01-02T10:04:00Z")

    assert len(lines_of(answer)) == 5


def test_more_events_than_a_file_should_hold_are_refused(
    hub: UUID, member: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineage.export.MOST_EVENTS", 5)

    answer = sign_in(member).get(f"/graph/events?asset={hub}")

    assert answer.status_code == 413
    assert "More than 5 events" in answer.text


def test_what_has_no_room_is_left_out_and_said(hub: UUID) -> None:
    found = expansion.of_map(
        Asset.objects.get(uuid=hub), Asked(openings=(Opening(hub, Direction.DOWNSTREAM, 50),), budget=10)
    )

    assert len(found.nodes) == 10
    assert found.is_truncated
    assert "room for 10" in found.reason


@pytest.mark.parametrize(
    "query",
    [
        "asset=x",
        "depth=4",
        "view=tree",
        "group=owner",
        "as_of=yesterday",
        "as_of=2026-02-30",
        "as_of=2026-01-02T10:00:00",
        "up=x",
        "up=00000000-0000-0000-0000-000000000001.0",
        "up=00000000-0000-0000-0000-000000000001.999999",
        "show=1",
        "part=" + "x" * 40,
        "find=%00",
        "form=list&page=0",
        "view=evidence&run=x",
    ],
)
def test_a_broken_address_is_refused_with_a_page(graph: UUID, member: User, sign_in: SignIn, query: str) -> None:
    answer = sign_in(member).get(f"/graph?{query}" if query.startswith("asset") else f"/graph?asset={graph}&{query}")

    assert answer.status_code == 400
    assert "cannot be read" in answer.text


def test_too_many_openings_are_refused(graph: UUID, member: User, sign_in: SignIn) -> None:
    opened = "&".join(f"up={UUID(int=number)}" for number in range(201))

    assert sign_in(member).get(f"/graph?asset={graph}&{opened}").status_code == 400


def test_an_unknown_asset_or_run_is_not_found(graph: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    assert client.get(f"/graph?asset={UUID(int=1)}").status_code == 404
    assert client.get(f"/graph?asset={graph}&view=evidence&run={UUID(int=1)}").status_code == 404


def test_without_an_asset_the_page_says_where_to_begin(member: User, sign_in: SignIn) -> None:
    assert "Choose an asset" in sign_in(member).get("/graph").text


def test_the_asset_page_leads_to_the_graph(graph: UUID, member: User, sign_in: SignIn) -> None:
    assert f"/graph?asset={graph}" in sign_in(member).get(f"/assets/{graph}").text


def test_a_hostile_name_is_shown_as_text(graph: UUID, member: User, sign_in: SignIn) -> None:
    text = sign_in(member).get(f"/graph?asset={job(HOSTILE)}").text

    assert "<script>alert" not in text


def test_a_larger_view_costs_no_more_queries(hub: UUID, member: User, sign_in: SignIn) -> None:
    client = sign_in(member)

    with CaptureQueriesContext(connection) as queries:
        client.get(f"/graph?asset={hub}&depth=2")

    assert len(queries) <= QUERY_BUDGET


def test_a_model_is_its_versions_in_the_evidence(graph: UUID, view: Callable[..., dict[str, Any]]) -> None:
    document = view(graph, view="evidence", version="7")

    root = next(node for node in document["nodes"] if node["isRoot"])
    assert (root["kind"], root["name"], root["caption"]) == ("model", "credit-risk", "version 7")
    assert root["namespace"] == REGISTRY
