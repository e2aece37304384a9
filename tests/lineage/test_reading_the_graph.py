"""Assets, versions, runs and neighbourhoods over the API."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from governance import tokens
from governance.models import User
from lineage import identity, selectors, traversal
from lineage.asof import Moment
from lineage.traversal import Direction
from tests.lineage import growing

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def client(member: User) -> Client:
    """Sends a token that may read."""
    _, secret = tokens.issue(actor=member, user=member, scopes=["read"], name="test")
    return Client(headers={"Authorization": f"Bearer {secret}"})


def run(number: int, reads: list[str], writes: list[str], **changes: Any) -> dict[str, Any]:
    return {
        "eventTime": f"2026-03-01T10:{number:02}:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": f"0190a0b0-0000-7000-8000-{number:012}"},
        "job": {"namespace": "jobs", "name": f"job-{number}"},
        "inputs": [{"namespace": "n", "name": name} for name in reads],
        "outputs": [{"namespace": "n", "name": name} for name in writes],
    } | changes


def dataset(name: str) -> UUID:
    return identity.asset("dataset", "n", name)


@pytest.fixture
def chain() -> None:
    """raw -> job-1 -> clean -> job-2 -> features -> job-3 -> report, and job-2 also reads what it writes."""
    growing.append(
        [run(1, ["raw"], ["clean"]), run(2, ["clean", "features"], ["features"]), run(3, ["features"], ["report"])]
    )
    growing.project()


def names(answer: dict[str, Any]) -> set[str]:
    return {node["name"] for node in answer["nodes"]}


def graph(client: Client, **query: Any) -> dict[str, Any]:
    response = client.get(f"{API}/graph", query)
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


@pytest.mark.usefixtures("chain")
class TestNeighbourhood:
    def test_upstream_and_downstream_are_told_apart(self, client: Client) -> None:
        up = graph(client, asset=dataset("clean"), direction="upstream", depth=10)
        down = graph(client, asset=dataset("clean"), direction="downstream", depth=10)

        assert names(up) == {"clean", "job-1", "raw"}
        assert names(down) == {"clean", "job-2", "features", "job-3", "report"}

    def test_upstream_is_downstream_turned_round(self, client: Client) -> None:
        down = graph(client, asset=dataset("raw"), direction="downstream", depth=10)

        for node in down["nodes"]:
            assert "raw" in names(graph(client, asset=node["id"], direction="upstream", depth=10))

    def test_the_depth_bounds_the_answer_and_each_node_counts_what_is_left_out(self, client: Client) -> None:
        answer = graph(client, asset=dataset("features"), direction="both", depth=1)

        assert names(answer) == {"job-2", "features", "job-3"}
        assert answer["truncated"] is False
        hidden = {node["name"]: (node["more_upstream"], node["more_downstream"]) for node in answer["nodes"]}
        assert hidden == {"features": (0, 0), "job-2": (1, 0), "job-3": (0, 1)}

    def test_a_hub_is_counted_to_the_end_only_where_the_walk_begins(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        growing.append([run(number, ["clean"], []) for number in range(11, 18)])
        growing.project()
        monkeypatch.setattr(traversal, "MOST_COUNTED", 3)
        told = [
            {
                node["name"]: (node["more_downstream"], node["exact_counts"])
                for node in graph(client, asset=dataset(root), direction="upstream", depth=2)["nodes"]
            }
            for root in ("clean", "features")
        ]

        assert told[0] == {"clean": (8, True), "job-1": (0, True), "raw": (0, True)}
        assert told[1]["clean"] == (2, False)
        assert told[1]["job-2"] == (0, True)

    def test_a_budget_that_runs_out_says_so(self, client: Client) -> None:
        answer = graph(client, asset=dataset("raw"), direction="downstream", depth=10, budget=3)

        assert len(answer["nodes"]) == 3
        assert answer["truncated"] is True
        assert "3 assets" in answer["reason"]

    def test_a_budget_that_just_suffices_is_not_called_cut(self, client: Client) -> None:
        answer = graph(client, asset=dataset("raw"), direction="downstream", depth=10, budget=7)

        assert len(answer["nodes"]) == 7
        assert answer["truncated"] is False

    def test_a_smaller_budget_gives_the_nearest_of_what_a_larger_gives(self, client: Client) -> None:
        answers = [graph(client, asset=dataset("features"), depth=10, budget=budget) for budget in range(1, 9)]

        assert [len(answer["nodes"]) for answer in answers] == [1, 2, 3, 4, 5, 6, 7, 7]
        assert [answer["truncated"] for answer in answers] == [True] * 6 + [False] * 2
        assert all(names(smaller) <= names(larger) for smaller, larger in pairwise(answers))

    def test_an_edge_tells_its_times_to_the_microsecond(self, client: Client) -> None:
        growing.append([run(11, ["clean"], [], eventTime="2026-03-01T11:00:00.120001+05:30")])
        growing.project()

        answer = graph(client, asset=identity.asset("job", "jobs", "job-11"))

        assert [(edge["valid_from"], edge["valid_to"], edge["last_seen_at"]) for edge in answer["edges"]] == [
            ("2026-03-01T05:30:00.120001Z", None, "2026-03-01T05:30:00.120001Z")
        ]

    @pytest.mark.parametrize(
        "moment",
        [
            Moment(),
            Moment(as_of=datetime(2026, 3, 1, 12, tzinfo=UTC)),
            Moment(known_at=datetime(9999, 1, 1, tzinfo=UTC)),
        ],
    )
    def test_a_closure_is_what_a_walk_without_end_finds(self, client: Client, moment: Moment) -> None:
        ids = selectors.numbers([dataset("clean"), dataset("features")])
        for name in ("clean", "features"):
            for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM):
                walked = graph(client, asset=dataset(name), direction=direction, depth=100)
                closure, has_more = traversal.closure(
                    root=ids[dataset(name)], direction=direction, limit=len(walked["nodes"]) - 1, moment=moment
                )

                assert {asset.name for asset in selectors.in_order(closure)} == names(walked) - {name}
                assert has_more is False

    def test_a_closure_says_when_there_is_more_and_without_a_root_is_empty(self) -> None:
        root = selectors.asset(dataset("clean")).pk

        cut, has_more = traversal.closure(root=root, direction=Direction.DOWNSTREAM, limit=2)

        assert (len(cut), has_more) == (2, True)
        assert traversal.reached(roots=[], direction=Direction.DOWNSTREAM, limit=2) == ([], False)

    def test_a_cycle_is_drawn_and_ends(self, client: Client) -> None:
        answer = graph(client, asset=dataset("features"), direction="both", depth=50)

        assert names(answer) == {"raw", "job-1", "clean", "job-2", "features", "job-3", "report"}
        rank = {node["name"]: node["rank"] for node in answer["nodes"]}
        assert rank["features"] == rank["job-2"]
        assert rank["raw"] < rank["clean"] < rank["features"] < rank["report"]

    def test_the_day_before_an_edge_was_seen_it_is_not_there(self, client: Client) -> None:
        answer = graph(client, asset=dataset("raw"), direction="downstream", depth=10, as_of="2026-03-01T10:01:30Z")

        assert names(answer) == {"raw", "job-1", "clean"}

    def test_an_asset_is_found_by_its_name(self, client: Client) -> None:
        answer = graph(client, kind="dataset", namespace="n", name="raw", depth=0)

        assert answer["root"] == str(dataset("raw"))

    @pytest.mark.parametrize(
        ("query", "status", "field"),
        [
            ({}, 400, "asset"),
            ({"asset": "no-uuid"}, 400, "asset"),
            ({"asset": "8d1f5bb4-5b0e-4b8c-9a55-2f6f3f0c9a41"}, 404, "asset"),
            ({"asset": str(dataset("raw")), "depth": "-1"}, 400, "depth"),
            ({"asset": str(dataset("raw")), "depth": "many"}, 400, "depth"),
            ({"asset": str(dataset("raw")), "budget": "999999"}, 400, "budget"),
            ({"asset": str(dataset("raw")), "direction": "sideways"}, 400, "direction"),
            ({"asset": str(dataset("raw")), "as_of": "yesterday"}, 400, "as_of"),
            ({"asset": str(dataset("raw")), "as_of": "2026-03-01T10:00:00"}, 400, "as_of"),
            ({"asset": str(dataset("raw")), "dept": "3"}, 400, "dept"),
            ({"kind": "planet", "name": "x"}, 400, "kind"),
            ({"kind": "dataset", "namespace": "n", "name": "nothing"}, 404, "name"),
        ],
    )
    def test_bad_input_names_the_field(self, client: Client, query: dict[str, str], status: int, field: str) -> None:
        response = client.get(f"{API}/graph", query)

        assert response.status_code == status, response.content
        assert response["Content-Type"] == "application/problem+json"
        assert list(response.json()["fields"]) == [field]


@pytest.mark.usefixtures("chain")
def test_assets_are_searched_by_words_and_kind(client: Client) -> None:
    response = client.get(f"{API}/assets", {"text": "job", "kind": "job", "count": "true", "limit": "2"})

    answer = response.json()
    assert len(answer["results"]) == 2
    assert answer["count"] == 3
    rest = client.get(f"{API}/assets", {"text": "job", "kind": "job", "limit": "2", "cursor": answer["next"]}).json()
    assert sorted(asset["name"] for asset in answer["results"] + rest["results"]) == ["job-1", "job-2", "job-3"]
    assert rest["next"] is None


def test_an_asset_shows_its_current_facets(client: Client) -> None:
    def said(minute: int, **facets: Any) -> dict[str, Any]:
        return {
            "eventTime": f"2026-03-01T10:{minute:02}:00Z",
            "producer": "urn:assay:test",
            "dataset": {"namespace": "n", "name": "d", "facets": facets},
        }

    growing.append(
        [
            said(3, documentation={"description": "newest"}),
            said(1, documentation={"description": "older"}, tags={"tags": [{"key": "pii"}]}),
            said(2, tags={"_deleted": True}, schema={"fields": [{"name": "x"}]}),
        ]
    )
    growing.project()

    facets = client.get(f"{API}/assets/{dataset('d')}").json()["facets"]

    assert {key: facet["value"] for key, facet in facets.items()} == {
        "documentation": {"description": "newest"},
        "schema": {"fields": [{"name": "x"}]},
    }


def test_versions_are_those_that_senders_named_and_those_that_runs_left(client: Client) -> None:
    pinned = run(1, [], [], outputs=[{"namespace": "n", "name": "d", "facets": {"version": {"datasetVersion": "v1"}}}])
    growing.append([pinned, run(2, [], ["d"])])
    growing.project()

    first = client.get(f"{API}/assets/{dataset('d')}/versions", {"limit": "1"}).json()
    second = client.get(f"{API}/assets/{dataset('d')}/versions", {"limit": "1", "before": first["next"]}).json()

    assert [(row["key"], row["inferred"]) for row in first["results"] + second["results"]] == [
        ("run:0190a0b0-0000-7000-8000-000000000002", True),
        ("v1", False),
    ]
    assert second["next"] is None


@pytest.mark.usefixtures("chain")
def test_runs_of_a_job_and_of_a_dataset(client: Client) -> None:
    of_job = client.get(f"{API}/assets/{identity.asset('job', 'jobs', 'job-1')}/runs").json()
    of_dataset = client.get(f"{API}/assets/{dataset('features')}/runs").json()

    assert [row["external_id"][-1] for row in of_job["results"]] == ["1"]
    assert [row["external_id"][-1] for row in of_dataset["results"]] == ["3", "2"]


def test_a_model_is_a_dataset_that_says_so(client: Client) -> None:
    output = {"namespace": "registry://r", "name": "credit", "facets": {"datasetType": {"datasetType": "MODEL"}}}
    growing.append([run(1, [], [], outputs=[output])])
    growing.project()

    answer = client.get(f"{API}/assets", {"kind": "model"}).json()

    assert [(asset["namespace"], asset["name"]) for asset in answer["results"]] == [("registry://r", "credit")]


@pytest.mark.parametrize("path", ["assets", "graph"])
def test_without_a_token_nothing_is_read(path: str) -> None:
    assert Client().get(f"{API}/{path}").status_code == 401


def test_a_token_for_writing_may_not_read(member: User) -> None:
    _, secret = tokens.issue(actor=member, user=member, scopes=["lineage:write"], name="test")

    response = Client(headers={"Authorization": f"Bearer {secret}"}).get(f"{API}/assets")

    assert response.status_code == 403
    assert response.json()["fields"] == {"scope": "read"}
