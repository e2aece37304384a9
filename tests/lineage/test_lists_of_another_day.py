"""Lists of assets as they stood on a day, by what had been told by then. The law is in what was known by a day."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from governance.models import User
from governance.tokens import Scope
from lineage import hiding, tags
from tests import factories
from tests.lineage import growing, strategies
from tests.lineage.test_what_was_known_by_a_day import LOANS, grow, later, read, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(member: User) -> Client:
    return factories.client(member, Scope.READ)


def test_lists_hold_what_had_been_told_of_by_then(reader: Client, administrator: User) -> None:
    [mark] = grow([[written(8, "8")]])
    imported = written(2, "2") | {"job": {"namespace": "jobs", "name": "old load"}}
    growing.append([imported | {"inputs": [{"namespace": "n", "name": "old loans"}]}])
    growing.project()
    hiding.hide(actor=administrator, asset=LOANS, reason="A test.")

    def names(**query: Any) -> list[str]:
        return sorted(row["name"] for row in read(reader, "/assets", **query)["results"])

    day = "2026-03-05T00:00:00Z"
    assert names() == ["load", "old load", "old loans"]
    assert names(as_of=day) == ["loans", "old load", "old loans"]
    assert names(known_at=mark.isoformat()) == ["load", "loans"]
    assert names(known_at=mark.isoformat(), as_of=day) == []
    assert names(known_at=mark.isoformat(), q="load") == ["load"]
    counted = read(reader, "/assets", known_at=mark.isoformat(), counts="true", q="loa")
    assert counted["counts"]["kinds"] == {"dataset": 1, "job": 1}
    assert counted["of_today"] == ["last_seen_at"]


def test_lists_hold_what_had_only_been_named_or_described(reader: Client) -> None:
    told = written(2, "1") | {
        "run": {
            "runId": "0190a0b0-0000-7000-8000-000000000002",
            "facets": {
                "parent": {
                    "run": {"runId": "0190a0b0-0000-7000-8000-000000000009"},
                    "job": {"namespace": "jobs", "name": "parent"},
                }
            },
        }
    }
    [nothing, named, described] = grow([[], [told], [strategies.told_names("2026-03-03T10:00:00Z", "desc", "other")]])
    growing.append([written(4, "2")])
    growing.append([later(written(5, "3"), "START", 5) | {"outputs": [{"namespace": "n", "name": "other"}]}])
    growing.project()

    def names(known_at: datetime, **query: Any) -> list[str]:
        found = read(reader, "/assets", known_at=known_at.isoformat(), **query)["results"]
        return sorted(row["name"] for row in found)

    assert names(nothing) == []
    assert names(named) == ["load", "loans", "parent"]
    assert names(described) == ["desc", "load", "loans", "parent"]
    # By then it was no more than a name, which lists have only for those who type it.
    assert names(described, q="other") == ["other"]
    assert names(described, kind="name") == ["other"]
    assert names(named, q="other") == []


def test_lists_are_filtered_by_the_tags_and_changes_that_had_been_told(reader: Client, administrator: User) -> None:
    def tagged(day: int, key: str) -> dict[str, Any]:
        return written(day, str(day), tags={"tags": [{"key": key, "value": "true"}]})

    first, second = grow([[tagged(8, "gold")], [tagged(9, "pii")]])
    growing.append([tagged(2, "pii")])
    growing.project()
    tags.put(actor=administrator, asset=LOANS, key="ours")

    def is_listed(mark: datetime, **query: Any) -> bool:
        found = read(reader, "/assets", known_at=mark.isoformat(), **query)["results"]
        return str(LOANS) in {row["id"] for row in found}

    assert [is_listed(mark, tag="pii") for mark in (first, second)] == [False, True]
    assert [is_listed(mark, tag="gold") for mark in (first, second)] == [True, True]
    assert [is_listed(mark, tag="ours") for mark in (first, second)] == [False, False]
    assert [is_listed(mark, tag="pii", as_of="2026-03-05T00:00:00Z") for mark in (first, second)] == [False, False]
    late = {"changed_since": "2026-03-09T00:00:00Z"}
    assert [is_listed(mark, **late) for mark in (first, second)] == [False, True]
    # What was imported since is not what was new then.
    new = {"changed_since": "2026-03-05T00:00:00Z"}
    assert [is_listed(mark, **new) for mark in (first, second)] == [True, True]


def test_an_asset_is_of_the_kind_that_had_been_told(reader: Client) -> None:
    def typed(day: int, word: str) -> dict[str, Any]:
        return written(day, str(day), datasetType={"datasetType": word})

    plain, model, table = grow([[written(2, "2")], [typed(3, "MODEL"), typed(5, "MODEL")], [typed(6, "TABLE")]])
    growing.append([typed(9, "TABLE")])
    growing.project()

    def told(query: dict[str, str]) -> str:
        asset = read(reader, f"/assets/{LOANS}", **query)
        assert asset["kind_exact"] is True
        listed = read(reader, "/assets", kind=asset["kind"], counts="true", **query)
        assert str(LOANS) in {row["id"] for row in listed["results"]}
        assert listed["unsure"] == []
        assert {row["kind"] for row in listed["results"]} == {asset["kind"]}
        kind: str = asset["kind"]
        return kind

    assert [told({"known_at": mark.isoformat()}) for mark in (plain, model, table)] == ["dataset", "model", "dataset"]
    days = ["2026-03-02T12:00:00Z", "2026-03-04T12:00:00Z", "2026-03-07T12:00:00Z"]
    assert [told({"as_of": day}) for day in days] == ["dataset", "model", "dataset"]
    assert read(reader, f"/assets/{LOANS}", as_of="2026-03-01T00:00:00Z")["kind"] == "name"


def test_a_kind_that_cannot_be_told_for_sure_says_so(reader: Client) -> None:
    def typed(day: int, word: str) -> dict[str, Any]:
        return written(day, str(day), datasetType={"datasetType": word})

    growing.append([typed(2, "MODEL"), typed(3, "TABLE"), typed(8, "MODEL"), typed(9, "TABLE")])
    growing.project()

    between = {"as_of": "2026-03-05T00:00:00Z"}
    assert read(reader, f"/assets/{LOANS}", **between)["kind_exact"] is False
    assert read(reader, "/assets", **between)["unsure"] == [str(LOANS)]
    assert read(reader, f"/assets/{LOANS}")["kind_exact"] is True
