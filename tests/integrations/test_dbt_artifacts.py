"""dbt's artifacts become runs of models and tests; what was skipped has not failed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.systems import dbt_artifacts
from integrations.systems.base import Context, Refused
from integrations.systems.dbt_artifacts import DbtOptions
from tests.integrations import replaying

CONTEXT = Context(namespace="dbt://churn", options=DbtOptions(warehouse="snowflake://acme"))
NOW = datetime(2026, 3, 3, tzinfo=UTC)


def test_a_run_says_how_each_node_went() -> None:
    told = replaying.told(dbt_artifacts.SYSTEM, "run__with_failed_and_skipped_tests.json", context=CONTEXT)

    ends = {event["job"]["name"]: event["eventType"] for event in told if event["eventType"] != "START"}
    assert ends == {
        "model.churn.customers": "COMPLETE",
        "model.churn.step": "COMPLETE",
        "test.churn.not_null_age": "FAIL",
        "test.churn.unique_id": "COMPLETE",
        "test.churn.later": "ABORT",
        "dbt-run-churn": "FAIL",
    }
    by_name = {event["job"]["name"]: event for event in told}
    model = by_name["model.churn.customers"]
    assert [(one["namespace"], one["name"]) for one in model["inputs"]] == [("snowflake://acme", "dwh.crm.accounts")]
    [table] = model["outputs"]
    assert table["name"] == "dwh.mart.customers"
    assert table["facets"]["schema"]["fields"] == [{"name": "age", "type": "int", "description": "in years"}]
    code = replaying.facets(model, "job", "facets", "sourceCodeLocation")
    assert (code["repoUrl"], code["version"]) == ("https://git.example/acme/churn", "4f2c9d1e" * 5)
    assert model["run"]["facets"]["parent"]["run"]["runId"] == "69cb856e-0000-4000-8000-c5e57e256351"
    assert by_name["model.churn.step"]["outputs"] == []

    def asserted(test: str) -> list[tuple[str, str | None, bool, str]]:
        [read] = by_name[test]["inputs"]
        found = read["facets"]["dataQualityAssertions"]["assertions"]
        return [(one["assertion"], one.get("column"), one["success"], one["severity"]) for one in found]

    assert asserted("test.churn.not_null_age") == [("not_null", "age", False, "error")]
    assert asserted("test.churn.unique_id") == [("unique", "id", False, "warn")]
    assert by_name["test.churn.later"]["inputs"] == []


def test_a_manifest_alone_says_what_models_are_made_from() -> None:
    told = replaying.told(dbt_artifacts.SYSTEM, "manifest__alone.json", context=CONTEXT)

    assert [(event["job"]["name"], len(event["inputs"]), len(event["outputs"])) for event in told] == [
        ("model.churn.customers", 1, 1),
        ("model.churn.step", 1, 0),
    ]


def test_the_folder_of_a_run_is_read(tmp_path: Path) -> None:
    fixture = json.loads((replaying.FIXTURES / "dbt_artifacts" / "run__with_failed_and_skipped_tests.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**fixture["manifest"], "macros": {"large": "x"}}))
    (tmp_path / "run_results.json").write_text(json.dumps(fixture["run_results"]))

    assert dbt_artifacts.SYSTEM.read_files is not None
    [message] = dbt_artifacts.SYSTEM.read_files(tmp_path, NOW)
    assert (message.type, message.document) == ("run", fixture)
    [alone] = dbt_artifacts.SYSTEM.read_files(tmp_path / "manifest.json", NOW)
    assert alone.type == "manifest"
    with pytest.raises(Refused, match=r"no manifest\.json"):
        list(dbt_artifacts.SYSTEM.read_files(tmp_path.parent, NOW))
