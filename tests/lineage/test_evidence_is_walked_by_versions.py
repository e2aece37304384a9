"""The evidence: which run read and wrote exactly which version."""

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.models import OwnerRole, Team, User
from governance.tokens import Scope
from lineage import evidence, identity, provenance
from lineage.asof import NOW
from lineage.models import Asset, AssetVersion, Run
from lineage.provenance import Arrow, Spot
from tests import factories
from tests.lineage import growing, strategies

pytestmark = pytest.mark.django_db
LAW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def reader(member: User) -> Client:
    return factories.client(member, Scope.READ)


def data(name: str, version: str | None = None) -> dict[str, Any]:
    return {"namespace": "n", "name": name} | ({"facets": {"version": {"datasetVersion": version}}} if version else {})


def run_id(number: int) -> str:
    return f"0190a0b0-0000-7000-8000-{number:012}"


def event(number: int, job: str, reads: list[Any], writes: list[Any], **changes: Any) -> dict[str, Any]:
    return {
        "eventTime": f"2026-03-01T10:{number:02}:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": run_id(number)},
        "job": {"namespace": "jobs", "name": job},
        "inputs": reads,
        "outputs": writes,
    } | changes


def grow(*events: dict[str, Any]) -> None:
    growing.append(events)
    growing.project()


def dataset(name: str) -> UUID:
    return identity.asset("dataset", "n", name)


def walk(reader: Client, **query: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"graph": "evidence", "depth": 10} | query
    response = reader.get("/api/v1/graph", asked)
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def said(answer: dict[str, Any]) -> set[str]:
    """Each edge as words, an inferred one with a question mark."""
    names = {
        node["id"]: node["name"] + ("" if node["type"] == "run" else f"@{node['version']}") for node in answer["nodes"]
    }
    return {
        f"{names[edge['source']]} {edge['relation']}{'?' if edge['inferred'] else ''} {names[edge['target']]}"
        for edge in answer["edges"]
    }


def test_a_job_whose_runs_differ_shows_each_run_with_its_own_inputs_and_outputs(reader: Client) -> None:
    grow(
        event(1, "copy", [data("a", "1")], [data("x", "1")]),
        event(2, "copy", [data("b", "7")], [data("y", "1"), data("x", "2")]),
    )

    first = walk(reader, asset=dataset("x"), version="1")
    second = walk(reader, asset=dataset("x"), version="2")

    assert said(first) == {"a@1 consumed copy", "copy produced x@1"}
    assert said(second) == {"b@7 consumed copy", "copy produced x@2"}
    assert said(walk(reader, run=run_id(2))) == said(second) | {"copy produced y@1"}


def test_what_nobody_pinned_is_inferred_and_says_so_in_both_directions(reader: Client) -> None:
    grow(
        event(1, "load", [], [data("raw")]),
        event(3, "load", [], [data("raw", "v3")]),
        event(2, "early", [data("raw")], [data("e", "1")]),
        event(4, "late", [data("raw"), data("never")], [data("l", "1")]),
    )

    unnamed = f"raw@run:{run_id(1)}"
    assert said(walk(reader, asset=dataset("e"))) == {
        "load produced " + unnamed,
        unnamed + " consumed? early",
        "early produced e@1",
    }
    assert said(walk(reader, asset=dataset("raw"), version=f"run:{run_id(1)}")) == said(
        walk(reader, asset=dataset("e"))
    )
    assert said(walk(reader, asset=dataset("raw"))) == {
        "load produced raw@v3",
        "raw@v3 consumed? late",
        "late produced l@1",
    }
    assert said(walk(reader, asset=dataset("never"))) == {"never@None consumed? late", "late produced l@1"}


def test_a_producer_that_comes_late_changes_what_is_inferred(reader: Client) -> None:
    grow(event(9, "use", [data("d")], [data("out", "1")]))
    assert "d@None consumed? use" in said(walk(reader, asset=dataset("out")))

    grow(event(2, "make", [], [data("d", "5")]))

    assert said(walk(reader, asset=dataset("out"))) == {
        "make produced d@5",
        "d@5 consumed? use",
        "use produced out@1",
    }


def test_a_run_that_writes_what_it_reads_did_not_read_its_own_output(reader: Client) -> None:
    grow(
        event(1, "merge", [data("t")], [data("t", "1")]),
        event(2, "merge", [data("t")], [data("t", "2")]),
    )

    answer = walk(reader, asset=dataset("t"), version="2", direction="upstream")

    assert said(answer) == {
        "t@None consumed? merge",
        "merge produced t@1",
        "t@1 consumed? merge",
        "merge produced t@2",
    }


def test_commits_lead_to_the_runs_that_were_built_from_them(reader: Client) -> None:
    def built(number: int, sha: str) -> dict[str, Any]:
        location = {"type": "git", "url": "https://git.example/r", "repoUrl": "https://git.example/r", "version": sha}
        job = {"namespace": "jobs", "name": "train", "facets": {"sourceCodeLocation": location}}
        return event(number, "train", [], [data("m", str(number))]) | {"job": job}

    grow(built(1, "aaa"), built(2, "bbb"))
    repository = identity.asset("repository", "git", "https://git.example/r")

    assert said(walk(reader, asset=dataset("m"), version="1")) == {
        "https://git.example/r@aaa built_from train",
        "train produced m@1",
    }
    assert said(walk(reader, asset=repository, version="bbb")) == {
        "https://git.example/r@bbb built_from train",
        "train produced m@2",
    }


def test_a_job_stands_at_its_newest_run_and_any_run_can_be_named(reader: Client) -> None:
    grow(event(1, "copy", [data("a", "1")], []), event(2, "copy", [data("a", "2")], []))
    job = identity.asset("job", "jobs", "copy")

    assert walk(reader, asset=job)["root"] == run_id(2)
    assert walk(reader, asset=job, as_of="2026-03-01T10:01:30Z")["root"] == run_id(1)
    assert said(walk(reader, run=run_id(1))) == {"a@1 consumed copy"}


def test_the_budget_and_the_depth_bound_the_answer_and_the_rest_is_counted(reader: Client) -> None:
    grow(event(1, "load", [], [data("d", "1")]), *(event(n, f"use-{n}", [data("d", "1")], []) for n in range(2, 9)))

    cut = walk(reader, asset=dataset("d"), budget=3)
    near = walk(reader, asset=dataset("d"), depth=0)

    assert (len(cut["nodes"]), cut["truncated"], cut["exact_counts"]) == (3, True, True)
    assert "3 versions and runs" in cut["reason"]
    [node] = near["nodes"]
    assert (node["more_upstream"], node["more_downstream"], near["truncated"]) == (1, 7, False)


def test_nodes_come_with_owners_states_and_times(reader: Client, team: Team) -> None:
    factories.ownership(dataset("d"), OwnerRole.STEWARD, team)
    started = event(1, "load", [], [data("d", "1")], eventType="START")
    grow(started, started | {"eventType": "FAIL", "eventTime": "2026-03-01T11:00:00Z"})

    version, run = walk(reader, asset=dataset("d"))["nodes"]

    assert [owner["team"] for owner in version["owners"]] == ["credit"]
    assert (version["type"], version["version"], version["at"]) == ("version", "1", "2026-03-01T10:01:00Z")
    assert (run["type"], run["state"], run["ended_at"]) == ("run", "failed", "2026-03-01T11:00:00Z")


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"asset": str(dataset("d")), "version": "1", "graph": "map"}, 400, "version"),
        ({"run": run_id(1), "graph": "map"}, 400, "run"),
        ({"graph": "chart", "asset": str(dataset("d"))}, 400, "graph"),
        ({"graph": "evidence"}, 400, "asset"),
        ({"graph": "evidence", "asset": str(dataset("d")), "run": run_id(1)}, 400, "run"),
        ({"graph": "evidence", "run": run_id(5)}, 404, "run"),
        ({"graph": "evidence", "asset": str(dataset("d")), "version": "9"}, 404, "version"),
        ({"graph": "evidence", "asset": str(dataset("d")), "version": "run:x"}, 404, "version"),
        (
            {"graph": "evidence", "asset": str(dataset("d")), "version": "1", "as_of": "2020-01-01T00:00:00Z"},
            404,
            "version",
        ),
    ],
)
def test_bad_questions_are_refused_by_name(reader: Client, query: dict[str, str], status: int, field: str) -> None:
    grow(event(1, "load", [], [data("d", "1")]))

    response = reader.get("/api/v1/graph", query)

    assert response.status_code == status
    assert set(response.json()["fields"]) == {field}


@LAW
@given(st.lists(strategies.EVENTS, min_size=1, max_size=12))
def test_upstream_is_downstream_turned_round(events: list[dict[str, Any]]) -> None:
    """Each way finds the arrows by queries of its own, so that they must agree on all of them."""
    with transaction.atomic():
        grow(*events)
        runs = [Spot(None, None, run.uuid) for run in Run.objects.all()]
        unknown = [Spot(asset.pk, None, None) for asset in Asset.objects.all()]
        named = [Spot(version.asset_id, version.pk, None) for version in AssetVersion.objects.all()]
        down: set[Arrow] = set(provenance.downstream([*runs, *unknown, *named], NOW, 10_000))
        left = [arrow.target for arrow in down if arrow.target.run and not arrow.target.is_run]
        down |= set(provenance.downstream(left, NOW, 10_000))
        up = set(provenance.upstream([*runs, *named, *left], NOW, 10_000))
        transaction.set_rollback(True)

    assert up == down


def test_gates_and_graph_infer_the_same(reader: Client) -> None:
    grow(
        event(1, "load", [], [data("d")]),
        event(2, "train", [data("d")], [data("m", "1")], eventTime="2026-03-01T10:05:00Z"),
    )
    version = AssetVersion.objects.get(asset__name="m")

    [run] = evidence.producing_runs(version.uuid)

    assert [row.version for row in run.inputs] == [f"run:{run_id(1)}"]
    assert f"d@run:{run_id(1)} consumed? train" in said(walk(reader, asset=dataset("m")))
