"""Run details: what is taken from which facet, and that nothing of another form gets in."""

import json
from typing import Any

import pytest

from lineage import details, eventlog, events, identity, projection
from lineage.details import Detail
from lineage.models import RunDetail

DATA = identity.asset("dataset", "n", "data")


def dataset(facets: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"namespace": "n", "name": "data", "facets": {"version": {"datasetVersion": "1"}} | (facets or {})} | more


@pytest.mark.parametrize(
    ("facets", "expected"),
    [
        (
            {"assay_run": {"trigger": "ci", "environment": "staging", "actor": {"name": "bot", "kind": "service"}}},
            (Detail.EXECUTION, {"trigger": "ci", "environment": "staging", "actor": "bot", "actor_kind": "service"}),
        ),
        ({"airflowDagRun": {"dagRun": {"run_type": "scheduled"}}}, (Detail.EXECUTION, {"trigger": "schedule"})),
        ({"airflow": {"dagRun": {"run_type": "asset_triggered"}}}, (Detail.EXECUTION, {"trigger": "event"})),
        ({"assay_trainingParameters": {"parameters": {"depth": 3}}}, (Detail.EXECUTION, {"parameters": True})),
        (
            {"test": {"tests": [{"name": "t", "status": "fail", "type": "model.unit", "severity": "error"}]}},
            (
                Detail.TESTS,
                {"results": [{"category": "model.unit", "passed": False, "automated": True, "blocking": True}]},
            ),
        ),
        (
            {
                "tags": {
                    "tags": [{"key": "env", "value": "prod", "source": "AIRFLOW"}, {"key": "retry", "value": False}]
                }
            },
            (
                Detail.TAGS,
                {
                    "tags": [
                        {"key": "env", "value": "prod", "source": "AIRFLOW"},
                        {"key": "retry", "value": "false", "source": ""},
                    ]
                },
            ),
        ),
        ({"tags": {"_deleted": True}}, (Detail.TAGS, {"tags": []})),
        ({"assay_decisionSamples": {"count": 12}}, (Detail.SAMPLES, {"has_samples": True})),
        (
            {"assay_monitors": {"monitors": [{"kind": "skew", "hasLimit": True, "limit": 0.25}]}},
            (
                Detail.MONITORS,
                {"monitors": [{"kind": "skew", "has_limit": True, "has_recipient": False, "limit": "0.25"}]},
            ),
        ),
        (
            {"assay_alerts": {"alerts": [{"id": "a", "limit": "p99 > 1 s"}, {"id": "b", "limit": True}]}},
            (Detail.ALERTS, {"alerts": [{"id": "a", "limit": "p99 > 1 s"}, {"id": "b"}]}),
        ),
        ({"assay_relay": {"receivedAt": "2026-03-01T10:00:00+01:00"}}, None),
        ({"assay_drill": {"rule": "rollback", "passed": True}}, (Detail.DRILL, {"rule": "rollback", "passed": True})),
    ],
)
def test_a_facet_becomes_a_document(facets: dict[str, Any], expected: tuple[Detail, Any] | None) -> None:
    found = list(details.of(facets, []))

    assert found == [expected or (Detail.RELAY, {"received_at": "2026-03-01T09:00:00+00:00"})]


@pytest.mark.parametrize(
    "facets",
    [
        {"assay_run": {"trigger": "magic", "environment": 7, "actor": "me", "trials": -1}},
        {"assay_run": "schedule"},
        {"airflow": {"dagRun": {"run_type": "other"}}},
        {"assay_testResults": {"results": [{"category": "model.unit"}, "passed", {"outcome": "passed"}]}},
        {"assay_alerts": {"alerts": [{"severity": "critical"}]}},
        {"assay_promotion": {"state": "surely"}},
        {"assay_relay": {"receivedAt": "yesterday"}},
        {"assay_decisionSamples": {"count": True}},
    ],
)
def test_what_is_of_another_form_is_not_known(facets: dict[str, Any]) -> None:
    assert list(details.of(facets, [])) == []


def test_assertions_on_a_dataset_tell_form_from_values() -> None:
    read = dataset(
        inputFacets={
            "dataQualityAssertions": {
                "assertions": [
                    {"assertion": "expect_table_columns_to_match_set", "success": True},
                    {"assertion": "not_null", "success": False, "column": "age", "severity": "warn"},
                ]
            }
        }
    )

    ((name, said),) = details.of({}, [read])

    same = {"asset": str(DATA), "version": str(identity.version(DATA, "1"))}
    assert name is Detail.DATA_CHECKS
    assert said["results"] == [
        same | {"kind": "schema", "passed": True, "can_block": True, "blocks": False},
        same | {"kind": "values", "passed": False, "can_block": False, "blocks": False},
    ]


def test_a_registry_says_what_it_holds() -> None:
    said = [dataset({"lifecycleStateChange": {"lifecycleStateChange": word}}) for word in ("CREATE", "DROP")]

    ((name, found),) = details.of({}, said)

    assert (name, [one["is_dropped"] for one in found["versions"]]) == (Detail.REGISTRY, [False, True])


@pytest.mark.django_db
def test_the_same_said_twice_is_kept_once_with_its_first_and_last_time() -> None:
    def event(at: str) -> bytes:
        run = {"runId": "r", "facets": {"assay_deployment": {"stage": "canary"}}}
        return json.dumps({"eventTime": at, "run": run, "job": {"namespace": "n", "name": "j"}}).encode()

    for at in ("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", "2026-03-01T00:00:00Z"):
        eventlog.append([events.read(event(at))], sender=None)
    projection.project()

    found = RunDetail.objects.get()
    assert (found.name, found.body) == ("deployment", {"stage": "canary"})
    assert (found.first_seen_at.day, found.last_seen_at.day) == (1, 3)
