"""Time travel: what held on a day, and what had been told by then.

The law: what is read `known_at` a day is what a graph grown from the events received by that day would give.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from governance import ownership
from governance.models import OwnerRole, Team, User
from governance.tokens import Scope
from lineage import identity, projection, retelling, search, selectors, traces, traversal
from lineage.asof import Moment
from lineage.identity import Family, Kind
from lineage.models import Asset, Event, Run, RunIO
from lineage.search import Filters
from lineage.traversal import Direction
from tests import factories
from tests.lineage import growing, strategies

pytestmark = pytest.mark.django_db
LAW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
WALKED = 4
CHANGES = [datetime(2026, 3, day, 11, tzinfo=UTC) for day in (1, 3)]
DAYS = st.integers(0, 8).map(lambda n: datetime(2026, 3, 1 + n // 3, 10 + n % 3, 30, tzinfo=UTC))


def seen(moment: Moment, share: int) -> dict[str, Any]:
    """Everything that can be read of every asset at the moment, but for times that later events may yet correct.

    Walks read nothing of edges but what all of them show at once, so that few walks are enough: those of one share of
    the assets, another one with each example. So it is with runs.
    """
    answers: dict[str, Any] = {"edges": edges(moment), "lists": lists(moment)}
    for asset in Asset.objects.order_by("uuid"):
        versions = [(row.key, row.uuid, row.at, row.run) for row in selectors.versions(asset, moment=moment)]
        is_walked = asset.uuid.int % WALKED == share
        walked = walk(asset, moment) if is_walked else None
        # A run is listed with the job that it is of today.
        ran = runs(asset, moment) if is_walked and asset.family == Family.DATASET else {}
        if walked or versions or ran:
            answers[str(asset.uuid)] = (walked, versions, ran)
    return answers


def lists(moment: Moment) -> dict[str, Any]:
    """The assets that lists show of the moment, with when each was seen first; with names, and by each filter."""
    named = list(selectors.listed(with_names=True, moment=moment))
    traces.told(named, moment)
    found: dict[str, Any] = {"named": {(asset.uuid, asset.first_seen_at) for asset in named}}
    asked = {"all": Filters(moment=moment), "tagged": Filters(moment=moment, tag="pii")}
    asked |= {str(at): Filters(moment=moment, changed_since=at) for at in CHANGES}
    for word, filters in asked.items():
        found[word] = set(search.matching(None, filters).values_list("uuid", flat=True))
    return found


def kinds(moment: Moment, share: int) -> dict[tuple[UUID, str], Any]:
    """The kind of each asset and whether that is exact; the same by which lists are filtered and counted."""
    assets = list(selectors.listed(with_names=True, moment=moment))
    unsure = traces.told(assets, moment).unsure
    for kind in list(Kind)[share::WALKED]:
        listed = selectors.listed(kind=kind, moment=moment).values_list("uuid", flat=True)
        assert set(listed) == {asset.uuid for asset in assets if asset.kind == kind}
    if share == 0:
        counted = Counter(asset.kind for asset in assets if asset.kind != Kind.NAME)
        assert search.counts(None, Filters(moment=moment)).kinds == counted
    return {(asset.uuid, "kind"): ((asset.kind, asset.processing), asset.uuid not in unsure) for asset in assets}


def runs(asset: Asset, moment: Moment) -> dict[UUID, Any]:
    """The runs that read or wrote the asset, with all that is told of each."""
    told = retelling.runs(list(selectors.runs(asset, moment=moment)), moment)
    return {
        run.uuid: (
            (run.external_id, run.job.uuid, run.parent, run.root, run.state, run.started_at, run.ended_at),
            (run.first_event_at, run.last_event_at, run.commit and run.commit.uuid),
            told.tags.get(run.uuid),
            [(row.direction, row.asset.uuid, row.version and row.version.uuid) for row in in_order(run, moment)],
        )
        for run in told.runs
    }


def in_order(run: Run, moment: Moment) -> list[RunIO]:
    return sorted(
        selectors.io(run, moment=moment),
        key=lambda row: (row.direction, row.asset.uuid, row.version.uuid if row.version else row.asset.uuid),
    )


def facets(moment: Moment, share: int) -> dict[tuple[UUID, str], Any]:
    """Each facet of the share with its value and whether that is exact; no value where it cannot be told."""
    found: dict[tuple[UUID, str], Any] = {}
    for asset in Asset.objects.all():
        if asset.uuid.int % WALKED != share:
            continue
        said = retelling.facets(asset, moment)
        found |= {(asset.uuid, facet.key): (facet.value, facet.is_exact) for facet in said.facets}
        found |= {(asset.uuid, key): (None, False) for key in said.unsure}
    return found


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
        said = [
            (facets(Moment(known_at=mark), share), facets(Moment(known_at=mark, as_of=day), share)) for mark in received
        ]
        of_kind = [
            (kinds(Moment(known_at=mark), share), kinds(Moment(known_at=mark, as_of=day), share)) for mark in received
        ]
        transaction.set_rollback(True)
    for number in range(len(batches)):
        with transaction.atomic():
            grow(batches[: number + 1])
            growing.project()
            grown = seen(Moment(), share), seen(Moment(as_of=day), share)
            grown_facets = facets(Moment(), share), facets(Moment(as_of=day), share)
            grown_kinds = kinds(Moment(), share), kinds(Moment(as_of=day), share)
            transaction.set_rollback(True)
        assert known[number] == grown
        for told, expected in zip(of_kind[number], grown_kinds, strict=True):
            agree(told, expected, is_whole=True)
        agree(said[number][0], grown_facets[0], is_whole=True)
        # The graph alone leaves a facet out that may have been deleted by the day.
        agree(said[number][1], grown_facets[1], is_whole=False)


def agree(told: dict[tuple[UUID, str], Any], expected: dict[tuple[UUID, str], Any], *, is_whole: bool) -> None:
    """What both call exact is the same in both."""
    nothing = (None, True)
    for place in told.keys() | expected.keys() if is_whole else told.keys() & expected.keys():
        (value, is_exact), (grown, is_grown_exact) = told.get(place, nothing), expected.get(place, nothing)
        assert value == grown or not (is_exact and is_grown_exact), place


def test_projecting_again_in_another_order_gives_the_same_tellings() -> None:
    def event(hour: int) -> dict[str, Any]:
        return {
            "eventTime": f"2026-03-01T{hour:02}:00:00Z",
            "producer": "urn:assay:test",
            "run": {"runId": "0190a0b0-0000-7000-8000-000000000001"},
            "job": {"namespace": "jobs", "name": "j"},
            "inputs": [{"namespace": "n", "name": "d", "facets": facets}],
        }

    facets = {"version": {"datasetVersion": "1"}, "datasetType": {"datasetType": "MODEL"}}
    grow([[event(hour)] for hour in (12, 14, 9, 10, 3)])
    rows = "SELECT {}, known_at, also_told FROM {}"
    tables = {
        "lineage_edge": "valid_from",
        "lineage_runio": "first_seen_at",
        "lineage_assetversion": "seen_at",
        "lineage_facetsighting": "first_seen_at",
        "lineage_assetkind": "first_seen_at",
        "lineage_asset": "shown_at",
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
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")
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


def later(event: dict[str, Any], kind: str, day: int) -> dict[str, Any]:
    return event | {"eventType": kind, "eventTime": f"2026-03-{day:02}T10:00:00Z"}


def test_a_run_is_told_as_its_events_received_by_then_tell_it(reader: Client) -> None:
    started = later(written(2, "1"), "START", 2)
    [mark] = grow([[started]])
    growing.append([later(started, "FAIL", 5) | {"job": {"namespace": "jobs", "name": "again"}}])
    growing.project()

    def told(**query: Any) -> dict[str, Any]:
        [run] = read(reader, f"/assets/{LOANS}/runs", **query)["results"]
        return {name: run[name] for name in ("job", "state", "ended_at", "last_event_at")}

    job, again = (str(identity.asset("job", "jobs", name)) for name in ("load", "again"))
    first, last = "2026-03-02T10:00:00Z", "2026-03-05T10:00:00Z"
    assert told() == {"job": again, "state": "failed", "ended_at": last, "last_event_at": last}
    assert told(known_at=mark.isoformat()) == {
        "job": job,
        "state": "running",
        "ended_at": None,
        "last_event_at": first,
    }


def test_a_run_that_tells_too_much_is_refused_by_name(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retelling, "MOST_EVENTS", 1)
    [mark] = grow([[later(written(2, "1"), "START", 2), later(written(2, "1"), "RUNNING", 3)]])
    growing.append([later(written(2, "1"), "FAIL", 5)])
    growing.project()

    refused = reader.get(f"/api/v1/assets/{LOANS}/runs", {"known_at": mark.isoformat()})

    assert refused.status_code == 413
    assert set(refused.json()["fields"]) == {"known_at"}


def test_facets_are_those_that_had_been_told(reader: Client) -> None:
    old, new = ({"documentation": {"description": word}} for word in ("old", "new"))
    first, second = grow([[written(2, "1", **old)], [written(6, "2", **new)]])
    growing.append([written(8, "3", **old)])
    growing.append([written(1, "0", documentation={"description": "imported"})])
    growing.project()

    def told(mark: datetime) -> dict[str, Any]:
        facet: dict[str, Any] = read(reader, f"/assets/{LOANS}", known_at=mark.isoformat())["facets"]["documentation"]
        return facet

    assert told(first)["value"] == {"description": "old"}
    assert told(first)["seen_at"] == "2026-03-02T10:00:00Z"
    # An event about the dataset alone may have said the old one again meanwhile.
    assert told(second) == {"value": {"description": "new"}, "seen_at": "2026-03-06T10:00:00Z", "exact": False}


def test_fields_are_those_of_the_schema_that_had_been_told(reader: Client) -> None:
    old, new = ({"schema": {"fields": [{"name": name, "type": "int"}]}} for name in ("old", "new"))
    [mark] = grow([[written(2, "1", **old)]])
    growing.append([written(6, "2", **new)])
    growing.project()

    then, now = (read(reader, f"/assets/{LOANS}/fields", **query) for query in ({"known_at": mark.isoformat()}, {}))

    assert [[field["name"] for field in answer["results"]] for answer in (then, now)] == [["old"], ["new"]]
    assert (then["unsure"], then["of_today"]) == (["schema"], ["results.arriving"])
    assert (now["unsure"], now["of_today"]) == ([], [])


def test_what_only_datasets_own_events_said_and_said_again_is_unsure(reader: Client) -> None:
    def described(day: int) -> dict[str, Any]:
        facets = {"documentation": {"description": "daily"}}
        return {
            "eventTime": f"2026-03-{day:02}T10:00:00Z",
            "producer": "urn:assay:test",
            "dataset": {"namespace": "n", "name": "loans", "facets": facets},
        }

    first, second = grow([[described(2)], [described(3)]])
    growing.project()

    then, now = (read(reader, f"/assets/{LOANS}", known_at=mark.isoformat()) for mark in (first, second))

    assert (then["facets"], then["unsure"]) == ({}, ["documentation"])
    assert (now["facets"]["documentation"]["exact"], now["unsure"]) == (True, [])


def test_owners_are_those_that_had_been_recorded(
    reader: Client, administrator: User, team: Team, other_team: Team
) -> None:
    def assign(to: Team, since: datetime | None = None) -> datetime:
        ownership.assign(actor=administrator, asset=LOANS, role="steward", team=to, since=since)
        return clock()

    def clock() -> datetime:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            at: datetime = cursor.fetchone()[0]
            return at

    growing.append([written(2, "1")])
    growing.project()
    nobody = clock()
    first = assign(team, since=datetime(2026, 4, 1, tzinfo=UTC))
    # Recorded now, of a day in the past.
    second = assign(other_team, since=datetime(2026, 5, 1, tzinfo=UTC))
    ownership.end(actor=administrator, asset=LOANS, role="steward", at=datetime(2026, 6, 1, tzinfo=UTC))

    def owners(known_at: datetime, as_of: str = "2026-07-01T00:00:00Z") -> list[str]:
        query = {"as_of": as_of, "known_at": known_at.isoformat()}
        [node] = read(reader, "/graph", asset=LOANS, depth="0", **query)["nodes"]
        found = [owner["team"] for owner in read(reader, f"/assets/{LOANS}", **query)["owners"]]
        assert [owner["team"] for owner in node["owners"]] == found
        for slug in ("credit", "marketing"):
            listed = read(reader, "/assets", team=slug, **query)["results"]
            assert (str(LOANS) in {row["id"] for row in listed}) is (slug in found)
        return found

    assert owners(nobody) == []
    assert owners(first) == ["credit"]
    assert owners(second) == ["marketing"]
    assert owners(clock()) == []
    assert owners(clock(), as_of="2026-04-15T00:00:00Z") == ["credit"]
    assert owners(first, as_of="2026-05-15T00:00:00Z") == ["credit"]
    assert owners(clock(), as_of="2026-05-15T00:00:00Z") == ["marketing"]


@pytest.mark.parametrize("path", ["", "/versions", "/runs", "/fields", "/names", "/impact"])
def test_every_answer_of_today_says_nothing_of_days(reader: Client, path: str) -> None:
    growing.append([written(2, "1")])
    growing.project()

    assert read(reader, f"/assets/{LOANS}{path}").get("of_today", []) == []
    assert "of_today" not in read(reader, "/assets")


@pytest.mark.parametrize("name", ["as_of", "known_at"])
@pytest.mark.parametrize("value", ["yesterday", "2026-03-01T10:00:00", "0001-01-01T00:00:00+10:00", ""])
@pytest.mark.parametrize(
    "path", ["/assets?text={}", "/graph?asset={}", "/assets/{}?", "/assets/{}/versions?", "/assets/{}/runs?"]
)
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
