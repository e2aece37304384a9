"""What a change of an asset touches, and who owns that."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from governance.models import OwnerRole, Team, User
from governance.tokens import Scope
from lineage import identity
from tests import factories
from tests.lineage import growing

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(member: User) -> Client:
    return factories.client(member, Scope.READ)


def data(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": "n", "name": name, "facets": facets}


def model(version: str) -> dict[str, Any]:
    return data("credit", datasetType={"datasetType": "MODEL"}, version={"datasetVersion": version})


def event(
    number: int, job: str, reads: list[Any], writes: list[Any], at: datetime | None = None, **changes: Any
) -> dict[str, Any]:
    return {
        "eventTime": (at or datetime(2026, 3, 1, 10, number, tzinfo=UTC)).isoformat(),
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": f"0190a0b0-0000-7000-8000-{number:012}"},
        "job": {"namespace": "jobs", "name": job},
        "inputs": reads,
        "outputs": writes,
    } | changes


def serving(number: int, version: str, **changes: Any) -> dict[str, Any]:
    service = {"namespace": "jobs", "name": "scoring", "facets": {"jobType": {"processingType": "SERVICE"}}}
    return event(number, "scoring", [model(version)], [], **changes) | {"job": service}


def dataset(name: str) -> UUID:
    return identity.asset("dataset", "n", name)


@pytest.fixture
def company() -> None:
    """raw -> clean -> features -> the model credit -> the deployment scoring; raw -> report."""
    growing.append(
        [
            event(1, "load", [data("raw")], [data("clean")]),
            event(2, "build", [data("clean")], [data("features")]),
            event(3, "train", [data("features")], [model("7")]),
            serving(4, "6"),
            serving(5, "7", at=timezone.now() - timedelta(days=2)),
            event(6, "summarise", [data("raw")], [data("report")]),
        ]
    )
    growing.project()


def impact(reader: Client, name: str, **query: Any) -> dict[str, Any]:
    response = reader.get(f"/api/v1/assets/{dataset(name)}/impact", query)
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


@pytest.mark.usefixtures("company")
def test_everything_downstream_is_listed_with_its_owners(
    reader: Client, team: Team, other_team: Team, owner: User
) -> None:
    factories.ownership(dataset("clean"), OwnerRole.TECHNICAL_OWNER, team)
    factories.ownership(dataset("clean"), OwnerRole.BUSINESS_OWNER, team, user=owner)
    factories.ownership(dataset("report"), OwnerRole.STEWARD, other_team)

    answer = impact(reader, "raw")

    assert [(row["kind"], row["name"]) for row in answer["assets"]] == [
        ("dataset", "clean"),
        ("dataset", "features"),
        ("dataset", "report"),
        ("deployment", "scoring"),
        ("job", "build"),
        ("job", "load"),
        ("job", "summarise"),
        ("job", "train"),
        ("model", "credit"),
    ]
    assert answer["assets"][0]["owners"] == [
        {"role": "business_owner", "team": "credit", "user": "owner"},
        {"role": "technical_owner", "team": "credit", "user": None},
    ]
    assert answer["kinds"] == {"dataset": 3, "deployment": 1, "job": 4, "model": 1}
    assert answer["teams"] == {"credit": 1, "marketing": 1}
    assert answer["without_owner"] == 7
    assert answer["truncated"] is False
    assert answer["decisions"] is None


@pytest.mark.usefixtures("company")
def test_models_are_told_with_what_deploys_them(reader: Client) -> None:
    answer = impact(reader, "features")

    [deployed] = answer["models_deployed"]
    [deployment] = answer["deployments"]
    assert (deployed["model"], deployed["version"]) == (str(dataset("credit")), "7")
    assert deployed["deployment"] == deployment["id"] == str(identity.asset("job", "jobs", "scoring"))
    assert deployment["runs"] == 1
    assert impact(reader, "features", days=3000)["deployments"][0]["runs"] == 2
    assert impact(reader, "features", days=1)["deployments"][0]["runs"] == 0
    assert impact(reader, "credit")["models_deployed"] == answer["models_deployed"]
    assert impact(reader, "report")["assets"] == []


@pytest.mark.usefixtures("company")
def test_a_service_that_still_runs_counts_however_long_ago_it_began(reader: Client) -> None:
    growing.append([serving(8, "7", eventType="START")])
    growing.project()

    assert impact(reader, "features", days=1)["deployments"][0]["runs"] == 1


@pytest.mark.usefixtures("company")
def test_on_another_day_less_was_touched(reader: Client) -> None:
    answer = impact(reader, "raw", as_of="2026-03-01T10:03:30Z")

    assert {row["name"] for row in answer["assets"]} == {"load", "clean", "build", "features", "train", "credit"}
    assert answer["models_deployed"] == []
    then = impact(reader, "raw", as_of="2026-03-01T10:04:30Z")
    assert [row["version"] for row in then["models_deployed"]] == ["6"]


@pytest.mark.usefixtures("company")
def test_what_is_cut_says_so(reader: Client) -> None:
    answer = impact(reader, "raw", limit=8)

    assert (answer["truncated"], len(answer["assets"]), sum(answer["kinds"].values())) == (True, 8, 8)
    assert impact(reader, "raw", limit=9)["truncated"] is False


@pytest.mark.usefixtures("company")
def test_a_thousand_assets_cost_as_many_queries_as_one(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    growing.append([event(9, "fan-out", [data("raw")], [data(f"d{number}") for number in range(1_000)])])
    growing.project()

    impact(reader, "raw")  # The token is looked up with the first request alone.
    for name, datasets in (("features", 0), ("raw", 1_003)):
        with django_assert_num_queries(6):
            assert impact(reader, name)["kinds"].get("dataset", 0) == datasets


def table(reader: Client, name: str, **query: Any) -> list[list[str]]:
    response = reader.get(f"/api/v1/assets/{dataset(name)}/impact.csv", query)
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment")
    return list(csv.reader(io.StringIO(response.content.decode())))


@pytest.mark.usefixtures("company")
def test_as_a_table(reader: Client, team: Team, owner: User) -> None:
    factories.ownership(dataset("credit"), OwnerRole.BUSINESS_OWNER, team, user=owner)

    header, *lines = table(reader, "features")

    assert header == [
        "kind",
        "namespace",
        "name",
        "id",
        "business_owner",
        "technical_owner",
        "steward",
        "deployed_as",
        "fields",
        "assumed",
    ]
    assert lines == [
        ["deployment", "jobs", "scoring", str(identity.asset("job", "jobs", "scoring")), "", "", "", "", "", ""],
        ["job", "jobs", "train", str(identity.asset("job", "jobs", "train")), "", "", "", "", "", ""],
        ["model", "n", "credit", str(dataset("credit")), "credit (owner)", "", "", "scoring (version 7)", "", ""],
    ]
    assert table(reader, "features", limit=1)[-1][0] == "(truncated)"


def test_names_are_no_formulas_for_a_spreadsheet(reader: Client) -> None:
    growing.append([event(1, "=cmd|' /C calc'!A0", [data("raw")], [data("@SUM(A1)"), data('a,"b"')])])
    growing.project()

    names = [line[2] for line in table(reader, "raw")[1:]]

    assert names == ["'@SUM(A1)", 'a,"b"', "'=cmd|' /C calc'!A0"]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"days": "0"}, "days"), ({"limit": "0"}, "limit"), ({"limit": "50001"}, "limit"), ({"depth": "1"}, "depth")],
)
@pytest.mark.parametrize("path", ["impact", "impact.csv"])
@pytest.mark.usefixtures("company")
def test_bad_questions_are_refused_by_name(reader: Client, path: str, query: dict[str, str], field: str) -> None:
    response = reader.get(f"/api/v1/assets/{dataset('raw')}/{path}", query)

    assert response.status_code == 400
    assert set(response.json()["fields"]) == {field}
    assert reader.get(f"/api/v1/assets/{UUID(int=1)}/{path}").status_code == 404


def test_a_deployment_that_did_not_work_in_these_days_has_no_time_of_work(company: None, reader: Client) -> None:
    assert impact(reader, "raw", days=1)["deployments"][0]["last_run_at"] is None
