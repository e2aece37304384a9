"""Runs of Kubeflow Pipelines become runs of pipelines and tasks, from the API and from the local runner."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from integrations.systems import kubeflow_pipelines
from integrations.systems.base import Client, Context, Refused
from integrations.systems.pipelineruns import PipelineOptions
from tests.integrations import polled, replaying

CONTEXT = Context(namespace="kfp://ml.example", options=PipelineOptions())
SYSTEM = kubeflow_pipelines.SYSTEM
NOW = datetime(2026, 3, 3, tzinfo=UTC)
RUN = "3f0c3b1e-3a51-4a3e-9c10-8b0c5f0f0001"


def test_a_run_comes_with_its_tasks_and_their_artifacts() -> None:
    start, end, _, trained = replaying.told(SYSTEM, "run__with_tasks.json", context=CONTEXT)

    assert (start["eventType"], end["eventType"], end["eventTime"]) == (
        "START",
        "COMPLETE",
        "2026-03-02T08:10:00+00:00",
    )
    assert (end["job"]["name"], end["run"]["runId"]) == ("churn", RUN)
    assert replaying.facets(end, "run", "facets", "assay_run") == {"trigger": "schedule"}
    assert trained["job"]["name"] == "churn.train"
    assert trained["run"]["facets"]["parent"]["run"]["runId"] == RUN
    assert trained["run"]["facets"]["assay_trainingParameters"]["parameters"] == {"depth": 6}
    [data], [model] = trained["inputs"], trained["outputs"]
    assert (data["namespace"], data["name"], data["facets"]["version"]["datasetVersion"]) == (
        "s3://lake",
        "churn/3",
        "a1",
    )
    assert (model["name"], model["facets"]["version"]["datasetVersion"]) == ("churn/model", "a2")
    assert model["facets"]["assay_modelMetrics"]["metrics"][0]["value"] == 0.88


def test_a_run_that_goes_on_has_no_end() -> None:
    [start] = replaying.told(SYSTEM, "run__goes_on.json", context=CONTEXT)

    assert (start["eventType"], start["job"]["name"]) == ("START", "p1")


def test_a_compiled_pipeline_names_its_tasks() -> None:
    told = replaying.told(SYSTEM, "pipeline__compiled.json", context=CONTEXT)

    assert [event["job"]["name"] for event in told] == ["churn", "churn.prepare", "churn.train"]


def test_the_local_runner_leaves_what_tasks_wrote_and_the_pipeline_says_who_read_it() -> None:
    told = replaying.told(SYSTEM, "executor_output__run.json", context=CONTEXT)
    prepared, trained = (event for event in told if event["eventType"] == "COMPLETE")

    assert (trained["job"]["name"], trained["eventTime"]) == ("churn.train", "2026-03-02T08:00:00.250000+00:00")
    [written], [read], [model] = prepared["outputs"], trained["inputs"], trained["outputs"]
    assert read["name"] == written["name"] == "/data/out/churn-2026-03-02-08-00-00-250000/prepare/ds"
    assert read["facets"]["version"] == written["facets"]["version"]
    assert (model["name"], model["facets"]["datasetType"]["datasetType"]) == ("churn/fitted", "MODEL")
    assert model["facets"]["assay_modelMetrics"]["metrics"][0] | {"measuredAt": ""} == {
        "name": "auc",
        "value": 0.9,
        "measuredAt": "",
    }


def test_a_folder_of_the_local_runner_is_read_with_the_pipeline_beside_it(tmp_path: Path) -> None:
    fixture = json.loads((replaying.FIXTURES / "kubeflow_pipelines" / "executor_output__run.json").read_text())
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump_all([fixture["pipeline"], {"platforms": {}}]))
    for task, output in zip(("prepare", "train"), fixture["outputs"], strict=True):
        folder = tmp_path / "churn-2026-03-02-08-00-00-250000" / task
        folder.mkdir(parents=True)
        (folder / "executor_output.json").write_text(json.dumps(output))

    assert SYSTEM.read_files is not None
    compiled, ran = SYSTEM.read_files(tmp_path, NOW)

    assert (compiled.type, ran.type) == ("pipeline", "executor_output")
    assert ran.document == fixture
    shutil.rmtree(tmp_path / "churn-2026-03-02-08-00-00-250000")
    [alone] = SYSTEM.read_files(tmp_path / "pipeline.yaml", NOW)
    assert alone.document == compiled.document


def poll(client: Client, cursor: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    found: list[str] = []
    for page in kubeflow_pipelines.poll(client, CONTEXT, cursor, NOW):
        found += [f"{one.document['pipeline_name']} {one.document['run_id']}" for one in page.messages]
        cursor = json.loads(json.dumps(page.cursor))
    return found, dict(cursor)


def test_a_poll_goes_back_to_the_oldest_run_that_was_not_over() -> None:
    runs = [
        {
            "run_id": str(number),
            "created_at": f"2026-03-02T0{number}:00:00Z",
            "state": "SUCCEEDED",
            "pipeline_version_reference": {"pipeline_id": "p1"},
        }
        for number in range(5)
    ]
    runs[2]["state"] = "RUNNING"

    def search(asked: Mapping[str, Any]) -> dict[str, Any]:
        start = int(asked.get("page_token", 0))
        newest = sorted(runs, key=lambda one: str(one["created_at"]), reverse=True)
        after = {"next_page_token": str(start + 2)} if start + 2 < len(runs) else {}
        return {"runs": newest[start : start + 2], **after}

    answers = {
        "/apis/v2beta1/runs": search,
        "/apis/v2beta1/pipelines/p1": lambda asked: {"display_name": "churn"},
        **{f"/apis/v2beta1/runs/{number}/tasks": lambda asked: {"tasks": []} for number in range(6)},
    }
    with polled.serving(answers) as client:
        first, cursor = poll(client, {})
        assert first == [f"churn {number}" for number in (4, 3, 2, 1, 0)]
        runs[2]["state"] = "FAILED"
        again, cursor = poll(client, cursor)
        assert again == [f"churn {number}" for number in (4, 3, 2)]
        last, cursor = poll(client, cursor)
        assert last == ["churn 4"]


class WithoutTasks:
    """A server before tasks were in the API: our client refuses its 404."""

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        if path.endswith("/tasks"):
            raise Refused("", "404")
        return {"runs": [{"run_id": "1", "created_at": "2026-03-02T01:00:00Z", "state": "SUCCEEDED"}]}

    post = lines = get


def test_a_server_without_tasks_tells_its_runs_all_the_same() -> None:
    found, _ = poll(WithoutTasks(), {})

    assert found == [" 1"]
