"""Model versions, their measurements and the runs behind them."""

from typing import Any

import pytest

from governance.errors import Conflict, NotFound
from lineage import evidence, projection
from tests.lineage import growing

pytestmark = pytest.mark.django_db


def model(version: str, namespace: str = "registry://r", **facets: Any) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "name": "credit",
        "facets": {"datasetType": {"datasetType": "MODEL"}, "version": {"datasetVersion": version}} | facets,
    }


def event(minute: int, **changes: Any) -> dict[str, Any]:
    return {
        "eventTime": f"2026-03-01T10:{minute:02}:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "run": {"runId": f"0190a0b0-0000-7000-8000-{minute:012}"},
        "job": {"namespace": "jobs", "name": "train"},
    } | changes


def grow(*documents: dict[str, Any]) -> None:
    growing.append(documents)
    growing.project()


def metrics(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"assay_modelMetrics": {"metrics": list(entries)}}


def test_an_unknown_model_and_an_unknown_version_are_told_apart() -> None:
    grow(event(1, outputs=[model("1")]))

    with pytest.raises(NotFound) as unknown_model:
        evidence.model_version(name="fraud", version="1")
    with pytest.raises(NotFound) as unknown_version:
        evidence.model_version(name="credit", version="2")

    assert list(unknown_model.value.fields) == ["model"]
    assert list(unknown_version.value.fields) == ["version"]


def test_a_name_in_two_registries_asks_for_the_namespace() -> None:
    grow(event(1, outputs=[model("1"), model("1", namespace="registry://other")]))

    with pytest.raises(Conflict):
        evidence.model_version(name="credit", version="1")
    assert evidence.model_version(name="credit", version="1", namespace="registry://r").namespace == "registry://r"


def test_the_newest_measurement_counts_and_one_that_is_no_number_hides_the_older() -> None:
    grow(
        event(3, inputs=[model("1", **metrics({"name": "auc", "value": 0.9}))]),
        event(2, inputs=[model("1", **metrics({"name": "auc", "value": 0.8}, {"name": "f1", "value": 0.7}))]),
        event(4, inputs=[model("1", **metrics({"name": "f1", "value": None}))]),
    )
    version = evidence.model_version(name="credit", version="1")

    measured = {row.metric: row.value for row in evidence.measurements(version.uuid)}

    assert measured == {"auc": 0.9, "f1": None}


def test_a_later_event_corrects_a_measurement_of_the_same_moment() -> None:
    at = "2026-02-01T00:00:00Z"
    grow(
        event(5, inputs=[model("1", **metrics({"name": "auc", "value": 0.7, "measuredAt": at}))]),
        event(4, inputs=[model("1", **metrics({"name": "auc", "value": 0.9, "measuredAt": at}))]),
    )
    version = evidence.model_version(name="credit", version="1")

    assert [row.value for row in evidence.measurements(version.uuid, ["auc"])] == [0.7]


def test_an_input_is_pinned_by_its_sender_or_inferred_from_what_was_valid_when_the_run_began() -> None:
    def data(name: str, version: str | None = None) -> dict[str, Any]:
        return {"namespace": "n", "name": name} | (
            {"facets": {"version": {"datasetVersion": version}}} if version else {}
        )

    grow(
        event(9, outputs=[model("1")], inputs=[data("pinned", "v7"), data("named"), data("unnamed"), data("never")]),
        event(2, outputs=[data("named", "v1")]),
        event(3, outputs=[data("named", "v2"), data("unnamed")]),
        event(12, outputs=[data("named", "v3"), data("unnamed")]),
    )
    version = evidence.model_version(name="credit", version="1")

    [run] = evidence.producing_runs(version.uuid)

    assert {row.name: (row.version, row.is_pinned) for row in run.inputs} == {
        "pinned": ("v7", True),
        "named": ("v2", False),
        "unnamed": ("run:0190a0b0-0000-7000-8000-000000000003", False),
        "never": (None, False),
    }


def test_a_late_producer_changes_what_is_inferred() -> None:
    grow(event(9, outputs=[model("1")], inputs=[{"namespace": "n", "name": "d"}]))
    version = evidence.model_version(name="credit", version="1")
    assert evidence.producing_runs(version.uuid)[0].inputs[0].version is None

    grow(event(2, outputs=[{"namespace": "n", "name": "d"}]))

    assert evidence.producing_runs(version.uuid)[0].inputs[0].version == "run:0190a0b0-0000-7000-8000-000000000002"


def test_an_event_counts_once_its_watermark_is_passed() -> None:
    growing.append([event(1, outputs=[model("1")])])
    mark = evidence.watermark()

    assert not evidence.is_projected(mark)
    projection.project()
    assert evidence.is_projected(mark)
