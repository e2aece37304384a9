"""The `lineage` facet says which input feeds which output; it is read on jobs and datasets, of runs and as declared."""

from typing import Any

import pytest

from lineage.fieldmodels import FieldLink
from lineage.models import Edge, RunIO
from tests.lineage import growing

pytestmark = pytest.mark.django_db
RUN = {"runId": "0190a0b0-0000-7000-8000-000000000001"}
COPY = {"type": "DIRECT", "subtype": "IDENTITY", "masking": False}


def made(target: str, *sources: dict[str, Any], **fields: list[dict[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"namespace": "n", "name": target, "type": "DATASET", "inputs": list(sources)}
    return entry | {"fields": {name: {"inputs": inputs} for name, inputs in fields.items()}}


def dataset(name: str, **more: Any) -> dict[str, Any]:
    return {"namespace": "n", "name": name, "type": "DATASET"} | more


def job(name: str) -> dict[str, Any]:
    return {"namespace": "jobs", "name": name, "type": "JOB"}


def grow(*entries: dict[str, Any], **changes: Any) -> None:
    event = {
        "eventTime": "2026-03-01T10:00:00Z",
        "producer": "urn:assay:test",
        "run": RUN,
        "job": {"namespace": "jobs", "name": "own", "facets": {"lineage": {"entries": list(entries)}}},
    } | changes
    growing.append([{key: value for key, value in event.items() if value is not None}])
    growing.project()


def edges() -> set[tuple[str, str, str]]:
    return set(Edge.objects.values_list("source__name", "relation", "target__name"))


def links() -> set[tuple[str, str, str, str, bool]]:
    rows = FieldLink.objects.values_list("source__name", "source_field", "target__name", "target_field", "is_direct")
    return set(rows)


def test_a_run_says_which_input_feeds_which_output() -> None:
    grow(
        made("a2", dataset("a1"), x=[dataset("a1", field="y", transformations=[COPY])]),
        made("b2", dataset("b1"), dataset("b0", field="filter")),
    )

    assert edges() == {
        ("a1", "consumed", "own"),
        ("b1", "consumed", "own"),
        ("b0", "consumed", "own"),
        ("own", "produced", "a2"),
        ("own", "produced", "b2"),
    }
    assert links() == {
        ("a1", "", "a2", "", True),
        ("a1", "y", "a2", "x", True),
        ("b1", "", "b2", "", True),
        ("b0", "filter", "b2", "", False),
    }
    assert set(RunIO.objects.values_list("direction", "asset__name")) == {
        ("input", "a1"),
        ("input", "b1"),
        ("input", "b0"),
        ("output", "a2"),
        ("output", "b2"),
    }


def test_jobs_as_sources_and_targets() -> None:
    grow(
        made("made-by-another", job("other")),
        job("third") | {"inputs": [dataset("read"), job("other")]},
        {"type": "JOB", "inputs": [dataset("read-by-own")]},
    )

    assert edges() == {
        ("other", "produced", "made-by-another"),
        ("own", "produced", "made-by-another"),
        ("read", "consumed", "third"),
        ("other", "feeds", "third"),
        ("read-by-own", "consumed", "own"),
    }


def test_nothing_upstream_is_said_by_an_empty_list() -> None:
    grow(made("generated"))

    assert edges() == {("own", "produced", "generated")}


def test_a_job_declares() -> None:
    grow(made("a2", dataset("a1")), run=None, outputs=[{"namespace": "n", "name": "b2"}])

    assert edges() == {("a1", "consumed", "own"), ("own", "produced", "a2"), ("own", "produced", "b2")}
    assert all(Edge.objects.values_list("is_declared", flat=True))


def test_a_dataset_tells_of_itself() -> None:
    facet = {"inputs": [dataset("source")], "fields": {"x": {"inputs": [dataset("source", field="y")]}}}
    grow(run=None, job=None, dataset={"namespace": "n", "name": "view", "facets": {"lineage": facet}})

    assert edges() == {("source", "feeds", "view")}
    assert ("source", "y", "view", "x", True) in links()


@pytest.mark.parametrize("facet", [None, 3, {"entries": 3}, {"entries": [3, {}, {"type": "DATASET"}, {"type": 7}]}])
def test_what_is_not_of_its_form_is_left_out(facet: Any) -> None:
    grow(job={"namespace": "jobs", "name": "own", "facets": {"lineage": facet}})

    assert edges() == set()
