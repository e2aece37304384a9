"""Time travel: what held on a day, and what had been told by then.

The law: what is read `known_at` a day is what a graph grown from the events received by that day would give.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from governance.models import OwnerRole, Team, User
from governance.tokens import Scope
from lineage import identity, projection, selectors, traversal
from lineage.asof import Moment
from lineage.models import Asset, Event
from lineage.traversal import Direction
from tests import factories
from tests.lineage import growing, strategies

pytestmark = pytest.mark.django_db
LAW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
WALKED = 4
DAYS = st.integers(0, 8).map(lambda n: datetime(2026, 3, 1 + n // 3, 10 + n % 3, 30, tzinfo=UTC))


def seen(moment: Moment, share: int) -> dict[str, Any]:
    """Everything that can be read of every asset at the moment, but for times that later events may yet correct.

    Walks read nothing of edges but what all of them show at once, so that few walks are enough: those of one share of
    the assets, another one with each example.
    """
    answers: dict[str, Any] = {"edges": edges(moment)}
    for asset in Asset.objects.order_by("uuid"):
        versions = [(row.key, row.uuid, row.at, row.run) for row in selectors.versions(asset, moment=moment)]
        walked = walk(asset, moment) if asset.uuid.int % WALKED == share else None
        if walked or versions:
            answers[str(asset.uuid)] = (walked, versions)
    return answers


def edges(moment: Moment) -> set[Any]:
    """Where an edge was both shown and declared the shown one stands, as in walks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (1, 2, 3) s.uuid, t.uuid, e.relation, e.is_declared, e.valid_from "
            f"FROM {moment.edges()} AS e JOIN lineage_asset s ON s.id = e.source_id "
            "JOIN lineage_asset t ON t.id = e.target_id ORDER BY 1, 2, 3, 4, 5",
            moment.parameters,
        )
        return set(cursor.fetchall())


def walk(asset: Asset, moment: Moment) -> tuple[set[Any], set[Any]] | None:
    found = traversal.neighbourhood(
        root=asset.pk, root_uuid=asset.uuid, direction=Direction.BOTH, depth=3, moment=moment
    )
    links = {(link.source, link.target, link.relation, link.is_declared, link.valid_from) for link in found.links}
    nodes = {(node.uuid, node.depth, node.more_upstream, node.more_downstream) for node in found.nodes}
    return (nodes, links) if links else None


def grow(batches: Sequence[Sequence[dict[str, Any]]]) -> list[datetime]:
    """Receive the batches one after the other, and say when each had been received."""
    received = []
    for batch in batches:
        growing.append(batch)
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            received.append(cursor.fetchone()[0])
    return received


def named(*others: str) -> dict[str, Any]:
    """What people decided of one dataset, always at the same time: the greater digest has the last word."""
    said = [{"namespace": "n", "name": name} for name in others]
    return {
        "eventTime": "2026-03-02T10:00:00Z",
        "names": {"family": "dataset", "namespace": "n", "name": "a", "others": said},
    }


def declared(*inputs: str) -> dict[str, Any]:
    """The same of a job."""
    return {
        "eventTime": "2026-03-02T10:00:00Z",
        "producer": strategies.PRODUCER,
        "job": {"namespace": "jobs", "name": "a"},
        "inputs": [{"namespace": "n", "name": name} for name in inputs],
    }


@LAW
@example([[named("c")], [named()]], datetime(2026, 3, 2, 10, 30, tzinfo=UTC), 1, 0)
@example([[named()], [named("c")], [named("e")]], datetime(2026, 3, 2, 10, 30, tzinfo=UTC), 1, 0)
@example([[declared("a")], [declared("b")], [declared()]], datetime(2026, 3, 2, 10, 30, tzinfo=UTC), 1, 0)
@example([[declared()], [declared("b")], [declared("a")]], datetime(2026, 3, 2, 10, 30, tzinfo=UTC), 1, 0)
@given(
    st.lists(st.lists(strategies.EVENTS, min_size=1, max_size=5), min_size=2, max_size=4),
    DAYS,
    st.integers(1, 6),
    st.integers(0, WALKED - 1),
)
def test_what_was_known_is_what_the_events_received_by_then_show(
    batches: list[list[dict[str, Any]]], day: datetime, limit: int, share: int
) -> None:
    with transaction.atomic():
        received = grow(batches)
        growing.project(limit)
        known = [
            (seen(Moment(known_at=mark), share), seen(Moment(known_at=mark, as_of=day), share)) for mark in received
        ]
        transaction.set_rollback(True)
    for number in range(len(batches)):
        with transaction.atomic():
            grow(batches[: number + 1])
            growing.project()
            grown = seen(Moment(), share), seen(Moment(as_of=day), share)
            transaction.set_rollback(True)
        assert known[number] == grown


def test_projecting_again_in_another_order_gives_the_same_tellings() -> None:
    def event(hour: int) -> dict[str, Any]:
        return {
            "eventTime": f"2026-03-01T{hour:02}:00:00Z",
            "producer": "urn:assay:test",
            "run": {"runId": "0190a0b0-0000-7000-8000-000000000001"},
            "job": {"namespace": "jobs", "name": "j"},
            "inputs": [{"namespace": "n", "name": "d", "facets": {"version": {"datasetVersion": "1"}}}],
        }

    grow([[event(hour)] for hour in (12, 14, 9, 10, 3)])
    rows = "SELECT {}, known_at, also_told FROM {}"
    tables = {
        "lineage_edge": "valid_from",
        "lineage_runio": "first_seen_at",
        "lineage_assetversion": "seen_at",
    }

    def tellings() -> list[Any]:
        with connection.cursor() as cursor:
            found = []
            for table, column in tables.items():
                cursor.execute(rows.format(column, table))
                found += cursor.fetchall()
            return found

    growing.project(1)
    one_by_one = tellings()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lineage_edge; DELETE FROM lineage_runio; DELETE FROM lineage_assetversion")
        for event_id in Event.objects.order_by("-id").values_list("id", flat=True):
            cursor.execute("INSERT INTO lineage_outbox (event_id) VALUES (%s)", [event_id])
            projection.project()
    backwards = tellings()

    received = list(Event.objects.order_by("id").values_list("event_time", "received_at"))
    expected = [received[4], received[2], received[0]]
    assert one_by_one == backwards
    for at, known_at, also_told in one_by_one:
        assert [(at, known_at), *zip(also_told[::2], also_told[1::2], strict=True)] == expected


@pytest.fixture
def reader(member: User) -> Client:
    return factories.client(member, Scope.READ)


def written(day: int, version: str, **changes: Any) -> dict[str, Any]:
    return {
        "eventTime": f"2026-03-{day:02}T10:00:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": f"0190a0b0-0000-7000-8000-{day:012}"},
        "job": {"namespace": "jobs", "name": "load"},
        "outputs": [{"namespace": "n", "name": "loans", "facets": {"version": {"datasetVersion": version}} | changes}],
    }


LOANS = identity.asset("dataset", "n", "loans")


def read(reader: Client, path: str, **query: Any) -> dict[str, Any]:
    response = reader.get(f"/api/v1{path}", query)
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def test_an_asset_is_told_as_it_stood_on_the_day(reader: Client, team: Team, other_team: Team, owner: User) -> None:
    change = datetime(2026, 3, 4, tzinfo=UTC)
    factories.ownership(LOANS, OwnerRole.STEWARD, other_team, since=datetime(2026, 3, 1, tzinfo=UTC), until=change)
    factories.ownership(LOANS, OwnerRole.STEWARD, team, user=owner, since=change)
    growing.append([written(2, "1", documentation={"description": "old"})])
    growing.append([written(6, "2", documentation={"description": "new"})])
    growing.project()

    then = read(reader, f"/assets/{LOANS}", as_of="2026-03-03T00:00:00Z")
    now = read(reader, f"/assets/{LOANS}")
    before = read(reader, f"/assets/{LOANS}", as_of="2026-02-01T00:00:00Z")

    assert [row["key"] for row in then["versions"]] == ["1"]
    assert [row["key"] for row in now["versions"]] == ["2", "1"]
    assert then["owners"] == [{"role": "steward", "team": "marketing", "user": None}]
    assert now["owners"] == [{"role": "steward", "team": "credit", "user": "owner"}]
    assert then["facets"]["documentation"]["value"] == {"description": "old"}
    assert now["facets"]["documentation"] == {
        "value": {"description": "new"},
        "seen_at": "2026-03-06T10:00:00Z",
        "exact": True,
    }
    assert (before["versions"], before["owners"], before["facets"]) == ([], [], {})


def test_a_facet_that_cannot_be_told_for_sure_says_so(reader: Client) -> None:
    said = {"documentation": {"description": "daily"}}
    growing.append([written(day, str(day), **said) for day in (1, 9)])
    growing.append([written(4, "4", documentation={"description": "once"})])
    growing.project()

    between = read(reader, f"/assets/{LOANS}", as_of="2026-03-06T00:00:00Z")
    at_first = read(reader, f"/assets/{LOANS}", as_of="2026-03-03T00:00:00Z")

    assert between["facets"]["documentation"]["exact"] is False
    assert at_first["facets"]["documentation"] == {
        "value": {"description": "daily"},
        "seen_at": "2026-03-01T10:00:00Z",
        "exact": True,
    }


def test_history_that_was_imported_later_is_kept_apart(reader: Client) -> None:
    [mark] = grow([[written(8, "8")]])
    grow([[written(2, "2")]])
    growing.project()

    day = "2026-03-05T00:00:00Z"
    told_today = read(reader, "/graph", asset=LOANS, as_of=day)
    told_then = read(reader, "/graph", asset=LOANS, as_of=day, known_at=mark.isoformat())
    versions = read(reader, f"/assets/{LOANS}/versions", known_at=mark.isoformat())

    assert {node["name"] for node in told_today["nodes"]} == {"loans", "load"}
    assert {node["name"] for node in told_then["nodes"]} == {"loans"}
    assert told_then["known_at"] is not None
    assert [row["key"] for row in versions["results"]] == ["8"]


def test_nodes_come_with_their_owners_and_the_state_of_their_newest_run(
    reader: Client, team: Team, other_team: Team
) -> None:
    change = datetime(2026, 3, 4, tzinfo=UTC)
    factories.ownership(LOANS, OwnerRole.STEWARD, other_team, since=datetime(2026, 3, 1, tzinfo=UTC), until=change)
    factories.ownership(LOANS, OwnerRole.STEWARD, team, since=change)
    started = written(2, "1") | {"eventType": "START"}
    ended = written(2, "1") | {"eventType": "FAIL", "eventTime": "2026-03-05T10:00:00Z"}
    growing.append([started, ended])
    growing.project()

    def said(**query: Any) -> dict[str, tuple[str | None, list[str]]]:
        nodes = read(reader, "/graph", asset=LOANS, **query)["nodes"]
        return {node["name"]: (node["state"], [owner["team"] for owner in node["owners"]]) for node in nodes}

    assert said() == {"loans": (None, ["credit"]), "load": ("failed", [])}
    assert said(as_of="2026-03-03T00:00:00Z") == {"loans": (None, ["marketing"]), "load": ("running", [])}


def test_runs_are_told_as_they_stood_on_the_day_with_the_tags_they_had(reader: Client) -> None:
    def tagged(event: dict[str, Any], value: str) -> dict[str, Any]:
        return event | {"run": event["run"] | {"facets": {"tags": {"tags": [{"key": "try", "value": value}]}}}}

    started = tagged(written(2, "1") | {"eventType": "START"}, "first")
    ended = tagged(written(2, "1") | {"eventType": "FAIL", "eventTime": "2026-03-05T10:00:00Z"}, "last")
    [mark] = grow([[started, ended]])
    growing.append([written(4, "2"), written(1, "0")])
    growing.project()

    def runs(asset: UUID, **query: Any) -> list[tuple[str, str, list[str]]]:
        found = read(reader, f"/assets/{asset}/runs", **query)["results"]
        return [(run["id"][-2:], run["state"], [tag["value"] for tag in run["tags"]]) for run in found]

    for asset in (LOANS, identity.asset("job", "jobs", "load")):
        assert runs(asset) == [("02", "failed", ["last"]), ("04", "completed", []), ("01", "completed", [])]
        assert runs(asset, as_of="2026-03-03T00:00:00Z") == [("02", "running", ["first"]), ("01", "completed", [])]
        assert runs(asset, known_at=mark.isoformat()) == [("02", "failed", ["last"])]


@pytest.mark.parametrize("name", ["as_of", "known_at"])
@pytest.mark.parametrize("value", ["yesterday", "2026-03-01T10:00:00", "0001-01-01T00:00:00+10:00", ""])
@pytest.mark.parametrize("path", ["/graph?asset={}", "/assets/{}?", "/assets/{}/versions?", "/assets/{}/runs?"])
def test_a_time_that_cannot_be_read_is_refused_by_name(reader: Client, name: str, value: str, path: str) -> None:
    growing.append([written(2, "1")])
    growing.project()

    response = reader.get(f"/api/v1{path.format(LOANS)}", query_params=None, data=None)
    assert response.status_code == 200
    refused = reader.get(f"/api/v1{path.format(LOANS)}&{name}={value.replace('+', '%2B')}")

    assert refused.status_code == 400
    assert set(refused.json()["fields"]) == {name}


def test_an_offset_that_only_python_reads_is_understood(reader: Client) -> None:
    growing.append([written(2, "1")])
    growing.project()

    answer = read(reader, "/graph", asset=UUID(str(LOANS)), as_of="2026-03-02T23:00:00+20:00")

    assert len(answer["nodes"]) == 1
