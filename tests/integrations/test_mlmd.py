"""Stores of ML Metadata become tasks of pipelines with what they read, wrote, measured and blessed."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.systems import mlmd
from integrations.systems.base import Context, Refused
from integrations.systems.pipelineruns import PipelineOptions
from tests.integrations import replaying

CONTEXT = Context(namespace="mlmd://tfx.example", options=PipelineOptions())
NOW = datetime(2026, 3, 3, tzinfo=UTC)


def test_a_training_says_what_it_read_and_wrote_and_from_which_code() -> None:
    start, end, *_ = replaying.told(mlmd.SYSTEM, "store__of_tfx.json", context=CONTEXT)

    assert (start["eventType"], start["eventTime"]) == ("START", "2026-03-02T08:00:00+00:00")
    assert (end["eventType"], end["eventTime"]) == ("COMPLETE", "2026-03-02T08:01:00+00:00")
    assert end["job"]["name"] == "churn.Trainer"
    assert replaying.facets(end, "job", "facets", "sourceCodeLocation")["version"] == "ab" * 20
    assert end["run"]["facets"]["parent"]["job"] == {"namespace": "mlmd://tfx.example", "name": "churn"}
    assert end["run"]["facets"]["assay_trainingParameters"]["parameters"] == {"train_steps": 500}
    [examples] = end["inputs"]
    assert (examples["namespace"], examples["name"]) == ("gs://lake", "churn/examples/3")
    assert examples["facets"]["version"]["datasetVersion"] == "split:train,num_files:1"
    # The model that was never written is none.
    [model] = end["outputs"]
    assert (model["namespace"], model["name"]) == ("mlmd://tfx.example", "churn/model")
    assert model["facets"]["version"]["datasetVersion"] == "12"
    assert model["facets"]["assay_modelFiles"]["places"] == [{"namespace": "gs://lake", "name": "churn/model/4"}]


def test_an_evaluation_measures_the_model_that_it_read_and_may_not_bless_it() -> None:
    end = replaying.told(mlmd.SYSTEM, "store__of_tfx.json", context=CONTEXT)[3]

    # It is called as it was written, though the evaluator calls it otherwise.
    [model] = end["inputs"]
    assert (model["name"], model["facets"]["version"]["datasetVersion"]) == ("churn/model", "12")
    metrics = {one["name"]: one["value"] for one in model["facets"]["assay_modelMetrics"]["metrics"]}
    assert metrics == {"auc": 0.87, "examples": 4000.0}
    [result] = end["run"]["facets"]["assay_testResults"]["results"]
    assert (result["name"], result["outcome"]) == ("blessing", "failed")


def test_a_task_that_goes_on_is_named_by_its_node_and_structure_is_no_task() -> None:
    told = replaying.told(mlmd.SYSTEM, "store__of_tfx.json", context=CONTEXT)

    assert len(told) == 5
    assert (told[4]["eventType"], told[4]["job"]["name"], told[4]["inputs"]) == ("START", "churn.Trainer", [])


def test_where_another_registry_names_models_their_files_do() -> None:
    context = Context(namespace="mlmd://tfx.example", options=PipelineOptions(registers=False))

    end = replaying.told(mlmd.SYSTEM, "store__of_tfx.json", context=context)[1]

    [files] = end["outputs"]
    assert (files["namespace"], files["name"]) == ("gs://lake", "churn/model/4")


def store(path: Path, executions: int) -> None:
    """The tables of a store, as ML Metadata 1.17 makes them."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE Type (id INTEGER PRIMARY KEY, name TEXT, version TEXT, type_kind INT);
            CREATE TABLE Artifact (id INTEGER PRIMARY KEY, type_id INT, uri TEXT, state INT, name TEXT,
                create_time_since_epoch INT, last_update_time_since_epoch INT);
            CREATE TABLE ArtifactProperty (artifact_id INT, name TEXT, is_custom_property INT, int_value INT,
                double_value DOUBLE, string_value TEXT, byte_value BLOB, proto_value BLOB, bool_value INT);
            CREATE TABLE Execution (id INTEGER PRIMARY KEY, type_id INT, last_known_state INT, name TEXT,
                create_time_since_epoch INT, last_update_time_since_epoch INT);
            CREATE TABLE ExecutionProperty (execution_id INT, name TEXT, is_custom_property INT, int_value INT,
                double_value DOUBLE, string_value TEXT, byte_value BLOB, proto_value BLOB, bool_value INT);
            CREATE TABLE Context (id INTEGER PRIMARY KEY, type_id INT, name TEXT,
                create_time_since_epoch INT, last_update_time_since_epoch INT);
            CREATE TABLE Event (id INTEGER PRIMARY KEY, artifact_id INT, execution_id INT, type INT);
            CREATE TABLE EventPath (event_id INT, is_index_step INT, step_index INT, step_key TEXT);
            CREATE TABLE Association (id INTEGER PRIMARY KEY, context_id INT, execution_id INT);
            CREATE TABLE Attribution (id INTEGER PRIMARY KEY, context_id INT, artifact_id INT);
            INSERT INTO Type VALUES (1, 'Model', NULL, 1), (2, 'Trainer', NULL, 0), (3, 'pipeline', NULL, 2);
            INSERT INTO Context VALUES (1, 3, 'churn', 0, 0);
        """)
        for number in range(1, executions + 1):
            connection.executescript(f"""
                INSERT INTO Execution VALUES ({number}, 2, 3, NULL, 1772438400000, 1772438460000);
                INSERT INTO ExecutionProperty (execution_id, name, is_custom_property, int_value)
                    VALUES ({number}, 'depth', 1, {number});
                INSERT INTO Artifact VALUES ({number}, 1, 's3://models/{number}', 2, NULL, 0, 0);
                INSERT INTO Event VALUES ({number}, {number}, {number}, 4);
                INSERT INTO EventPath VALUES ({number}, 0, NULL, 'model');
                INSERT INTO Association (context_id, execution_id) VALUES (1, {number});
                INSERT INTO Attribution (context_id, artifact_id) VALUES (1, {number});
            """)
        connection.commit()


def test_a_sqlite_file_is_read_in_parts_and_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlmd, "CHUNK", 4)
    path = tmp_path / "a store?.sqlite"
    store(path, 10)
    before = path.read_bytes()

    messages = list(mlmd.read_files(path, NOW))

    assert [len(message.document["executions"]) for message in messages] == [4, 4, 2]
    events = [event for message in messages for event in mlmd.SYSTEM.events(message, CONTEXT)]
    assert len(events) == 20
    assert events[1]["outputs"][0]["name"] == "churn/model"
    assert events[1]["run"]["facets"]["assay_trainingParameters"]["parameters"] == {"depth": 1}
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a store", b"SQLite format 3\0 but broken", b"\xff\xfe"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(Refused):
        list(mlmd.read_files(path, NOW))
