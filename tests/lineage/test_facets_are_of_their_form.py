"""Facets that checks read: their forms, what is told of those that are wrong, and what is kept of all."""

import json
from pathlib import Path
from typing import Any

import pytest

from lineage import events, facetschemas, identity, remarks
from lineage.facetschemas import EXAMPLES, OF_DATASETS, OF_RUNS
from lineage.management.commands import facets
from lineage.models import Remark
from lineage.remarks import Scope
from tests.lineage import growing

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "facets.md"
FORMS = {**OF_DATASETS, **OF_RUNS}
RUN = "0190a0b0-0000-7000-8000-000000000001"
MODEL = {"datasetType": {"datasetType": "MODEL"}, "version": {"datasetVersion": "7"}}


def run_event(**more: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-03-01T10:00:00Z",
        "eventType": "COMPLETE",
        "producer": "urn:assay:test",
        "schemaURL": "urn:assay:test",
        "run": {"runId": RUN, "facets": {}},
        "job": {"namespace": "jobs", "name": "train"},
    } | more


def dataset(name: str = "data", version: str | None = "v7", **facets: Any) -> dict[str, Any]:
    told = {"version": {"datasetVersion": version}} if version else {}
    return {"namespace": "n", "name": name, "facets": told | facets}


def version(name: str = "data", key: str = "v7") -> Any:
    return identity.version(identity.asset("dataset", "n", name), key)


def test_the_document_is_made_from_the_forms() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == facets.document(), "Run: manage.py facets > docs/facets.md"


@pytest.mark.parametrize("key", EXAMPLES)
def test_the_examples_are_of_their_form(key: str) -> None:
    assert facetschemas.read(FORMS[key], EXAMPLES[key]) is not None


@pytest.mark.parametrize(
    ("facet", "warning"),
    [
        (
            {"assay_license": {"expression": ""}},
            "outputs[0].facets.assay_license is not of its form: Expected `str` of length >= 1 at expression, "
            "and is not read.",
        ),
        (
            {"assay_canary": {"outcome": "fine"}},
            "outputs[0].facets.assay_canary is not of its form: Invalid enum value 'fine' at outcome, and is not read.",
        ),
        (
            {"assay_dataProfile": {"columns": [{"name": "age", "edges": [1, 0, 2], "counts": [1, 2]}]}},
            "outputs[0].facets.assay_dataProfile is not of its form: column age has edges that do not ascend, "
            "and is not read.",
        ),
        ({"assay_license": {"_deleted": True}}, None),
        ({"assay_license": {"expression": "MIT", "_producer": "x", "more": 1}}, None),
        ({"assay_unheardOf": {"anything": 1}}, None),
    ],
)
def test_a_facet_of_another_form_is_a_warning_and_no_refusal(facet: dict[str, Any], warning: str | None) -> None:
    event = events.read(json.dumps(run_event(outputs=[dataset(**facet)])).encode())

    assert [one for one in event.warnings if "assay" in one] == ([warning] if warning else [])


def test_an_event_has_no_more_warnings_than_help() -> None:
    outputs = [dataset(f"d{number}", assay_license={}) for number in range(50)]

    assert len(events.read(json.dumps(run_event(outputs=outputs)).encode()).warnings) == events.MAX_FACET_WARNINGS


@pytest.mark.django_db
def test_what_is_said_of_a_version_of_its_asset_and_of_a_run_is_told_apart() -> None:
    growing.append(
        [
            run_event(
                run={"runId": RUN, "facets": {"assay_testResults": {"results": []}}},
                outputs=[dataset(assay_license={"expression": "MIT"})],
            ),
            {
                "eventTime": "2026-03-02T10:00:00Z",
                "producer": "urn:assay:test",
                "dataset": dataset(version=None, assay_license={"expression": "CC0-1.0"}),
            },
        ]
    )
    growing.project()

    said = remarks.of_version(version(), ["assay_license", "assay_testResults"])

    assert {(one.key, one.scope, one.run is not None) for one in said} == {
        ("assay_license", Scope.ASSET, False),
        ("assay_license", Scope.VERSION, True),
        ("assay_testResults", Scope.VERSION, True),
    }


@pytest.mark.django_db
def test_a_later_event_of_the_run_replaces_a_facet_and_may_take_it_back() -> None:
    first = run_event(outputs=[dataset(assay_license={"expression": "MIT"})])
    second = run_event(eventTime="2026-03-01T11:00:00Z", outputs=[dataset(assay_license={"expression": "CC0-1.0"})])
    last = run_event(eventTime="2026-03-01T12:00:00Z", outputs=[dataset(assay_license={"_deleted": True})])
    growing.append([second, first])
    growing.project()

    assert [one.body["expression"] for one in remarks.of_version(version(), ["assay_license"])] == ["CC0-1.0"]

    growing.append([last])
    growing.project()

    assert remarks.of_version(version(), ["assay_license"]) == []
    assert Remark.objects.count() == 1


@pytest.mark.django_db
def test_what_testers_say_of_data_whose_version_they_did_not_name_is_inferred() -> None:
    tester = "0190a0b0-0000-7000-8000-000000000002"
    checked = {"assertions": [{"assertion": "unique", "success": True}]}
    growing.append(
        [
            run_event(outputs=[dataset()]),
            run_event(
                eventTime="2026-03-02T10:00:00Z",
                run={"runId": tester, "facets": {"test": {"tests": [{"name": "fresh", "status": "pass"}]}}},
                job={"namespace": "jobs", "name": "expectations"},
                inputs=[dataset(version=None) | {"inputFacets": {"dataQualityAssertions": checked}}],
            ),
        ]
    )
    growing.project()
    keys = ["dataQualityAssertions", "test"]

    told = remarks.of_version(version(), keys, of_testers=True)
    inferred = remarks.of_version(version(), keys, of_testers=True, with_inferred=True)

    assert [(one.key, one.scope) for one in told] == [("dataQualityAssertions", Scope.ASSET)]
    assert {one.key for one in inferred if one.scope is Scope.INFERRED} == set(keys)
