"""Assets of Airflow that its provider of OpenLineage leaves out of inputs and outputs are read from its own facet."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineage import airflow
from lineage.models import Asset, Edge, RunIO
from tests.lineage import growing

FEATURES = "[{'uri': 's3://acme-features/loans/v3', 'extra': {}, 'type': 'asset'}]"
RAW = "[{'uri': 's3://acme-raw/loans/2026-01-01.csv', 'extra': {'owner': \"it's me\"}, 'type': 'asset'}]"


def task(number: int, name: str, *, inlets: Any = "[]", outlets: Any = "[]", **changes: Any) -> dict[str, Any]:
    """The end of a task, as the provider 2.20 tells it."""
    return {
        "eventTime": f"2026-03-01T10:{number:02}:00Z",
        "eventType": "COMPLETE",
        "producer": "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3",
        "run": {
            "runId": f"0190a0b0-0000-7000-8000-{number:012}",
            "facets": {"airflow": {"task": {"task_id": name, "inlets": inlets, "outlets": outlets}}},
        },
        "job": {"namespace": "airflow", "name": f"credit.{name}"},
        "inputs": [],
        "outputs": [],
    } | changes


def said(inlets: Any) -> list[tuple[str, str]]:
    listed = airflow.with_assets([], {"airflow": {"task": {"inlets": inlets}}}, "inlets")
    return [(one["namespace"], one["name"]) for one in listed]


@pytest.mark.django_db
def test_tasks_are_joined_by_the_assets_between_them() -> None:
    growing.append([task(1, "prepare", inlets=RAW, outlets=FEATURES), task(2, "train", inlets=FEATURES)])
    growing.project()

    assert set(Asset.objects.filter(family="dataset").values_list("namespace", "name")) == {
        ("s3://acme-raw", "loans/2026-01-01.csv"),
        ("s3://acme-features", "loans/v3"),
    }
    ends = Edge.objects.values_list("source__name", "target__name", "relation")
    assert set(ends) == {
        ("loans/2026-01-01.csv", "credit.prepare", "consumed"),
        ("credit.prepare", "loans/v3", "produced"),
        ("loans/v3", "credit.train", "consumed"),
    }


@pytest.mark.django_db
def test_what_is_told_as_a_dataset_is_not_told_again_by_its_asset() -> None:
    versioned = {"namespace": "s3://acme-features", "name": "loans/v3", "facets": {"version": {"datasetVersion": "3"}}}
    growing.append([task(1, "train", inlets=FEATURES, inputs=[versioned])])
    growing.project()

    assert [one.version_id is not None for one in RunIO.objects.all()] == [True]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        # As the providers of these schemes name them.
        ("s3://lake/loans/v3", ("s3://lake", "loans/v3")),
        ("s3://lake", ("s3://lake", "/")),
        ("gs://lake/a b", ("gs://lake", "a b")),
        ("file://localhost/srv/x.csv", ("file://localhost", "/srv/x.csv")),
        ("file:///srv/x.csv", ("file", "/srv/x.csv")),
        # As OpenLineage names tables.
        ("postgres://db.example:5432/bank/public/loans", ("postgres://db.example:5432", "bank.public.loans")),
        ("mysql://db.example:3306/bank/loans", ("mysql://db.example:3306", "bank.loans")),
        ("bigquery://project/dataset/table", ("bigquery", "project.dataset.table")),
        ("abfss://box@account.dfs.core.windows.net/a", ("abfss://box@account.dfs.core.windows.net", "a")),
        # No password becomes a part of a name.
        ("ftp://me:secret@host.example/a", ("ftp://host.example", "a")),
    ],
)
def test_an_asset_is_called_as_others_call_the_dataset(uri: str, name: tuple[str, str]) -> None:
    assert said(repr([{"uri": uri}])) == [name]
    assert said([{"uri": uri}]) == [name]


@pytest.mark.parametrize(
    "inlets",
    [
        None,
        7,
        "",
        "[]",
        "[Asset(uri='s3://lake/a')]",
        "[{'uri': 's3://lake/a'",
        "{'uri': 's3://lake/a'}",
        "['uri']",
        "[{'uri': 7}]",
        "[{'uri': 'loans'}]",
        "[{'uri': 's3:///a'}]",
        "[{'uri': 'http://[x/a'}]",
        "[{'uri': 's3://lake/\\x00'}]",
        "[{'uri': 's3://lake/\\ud800'}]",
        "[{'uri': " + "(" * 5_000 + "}]",
        "[{'uri': 's3://lake/" + "a" * 20_000 + "'}]",
        "[{'uri': 's3://lake/" + "a" * 200_000 + "'}]",
        "__import__('os').getcwd() or 'uri'",
    ],
)
def test_what_is_no_asset_is_left_out(inlets: Any) -> None:
    assert said(inlets) == []


@given(st.one_of(st.text(), st.builds("[{{'uri': {}}}]".format, st.text())))
@example("[{'uri': '\\N{x}'}]")
def test_no_text_is_too_much(inlets: str) -> None:
    for namespace, name in said(inlets):
        assert namespace
        assert name
