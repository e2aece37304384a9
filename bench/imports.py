"""How long a store of ML Metadata takes to be imported, beside the projector, and what it costs to do so again."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench import rows
from bench.rows import Better, Row, Target
from bench.scene import Scene, Service

EXECUTIONS = 100_000
STEPS = ("ingest", "validate", "train", "evaluate", "push")
PIPELINES = 40
BEGUN_MS = 1_772_438_400_000
TARGET_S = 120.0
# The tables and indexes that matter here, as ML Metadata makes them.
_TABLES = """
CREATE TABLE Type (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(255) NOT NULL, type_kind TINYINT NOT NULL);
CREATE TABLE Artifact (id INTEGER PRIMARY KEY AUTOINCREMENT, type_id INT NOT NULL, uri TEXT, state INT,
    name VARCHAR(255), create_time_since_epoch INT NOT NULL, last_update_time_since_epoch INT NOT NULL,
    UNIQUE (type_id, name));
CREATE TABLE ArtifactProperty (artifact_id INT NOT NULL, name VARCHAR(255) NOT NULL,
    is_custom_property TINYINT NOT NULL, int_value INT, double_value DOUBLE, string_value TEXT, bool_value BOOLEAN,
    PRIMARY KEY (artifact_id, name, is_custom_property));
CREATE TABLE Execution (id INTEGER PRIMARY KEY AUTOINCREMENT, type_id INT NOT NULL, last_known_state INT,
    name VARCHAR(255), create_time_since_epoch INT NOT NULL, last_update_time_since_epoch INT NOT NULL,
    UNIQUE (type_id, name));
CREATE TABLE ExecutionProperty (execution_id INT NOT NULL, name VARCHAR(255) NOT NULL,
    is_custom_property TINYINT NOT NULL, int_value INT, double_value DOUBLE, string_value TEXT, bool_value BOOLEAN,
    PRIMARY KEY (execution_id, name, is_custom_property));
CREATE TABLE Event (id INTEGER PRIMARY KEY AUTOINCREMENT, artifact_id INT NOT NULL, execution_id INT NOT NULL,
    type INT NOT NULL, UNIQUE (artifact_id, execution_id, type));
CREATE TABLE EventPath (event_id INT NOT NULL, is_index_step TINYINT NOT NULL, step_index INT, step_key TEXT);
CREATE TABLE Context (id INTEGER PRIMARY KEY AUTOINCREMENT, type_id INT NOT NULL, name VARCHAR(255) NOT NULL,
    UNIQUE (type_id, name));
CREATE TABLE Association (id INTEGER PRIMARY KEY AUTOINCREMENT, context_id INT NOT NULL, execution_id INT NOT NULL,
    UNIQUE (context_id, execution_id));
CREATE TABLE Attribution (id INTEGER PRIMARY KEY AUTOINCREMENT, context_id INT NOT NULL, artifact_id INT NOT NULL,
    UNIQUE (context_id, artifact_id));
CREATE INDEX idx_event_execution_id ON Event (execution_id);
CREATE INDEX idx_eventpath_event_id ON EventPath (event_id);
"""
# Of each step the type of what it writes, and what was said of that.
_KINDS = ("Examples", "ExampleAnomalies", "Model", "ModelEvaluation", "PushedModel")
_COMPLETE, _LIVE, _INPUT, _OUTPUT = 3, 2, 3, 4
# Types by their numbers: of executions, of artifacts, of contexts.
_EXECUTION_TYPE, _ARTIFACT_TYPE, _PIPELINE_TYPE, _RUN_TYPE, _NODE_TYPE = 1, 10, 20, 21, 22


def run(stage: Scene) -> Iterator[Row]:
    count = EXECUTIONS // 50 if stage.quick else EXECUTIONS
    store = stage.data / "mlmd.sqlite"
    stage.say(f"imports: a store of {count:,} executions")
    try:
        write(store, executions=count)
        with stage.service() as service:
            connect(service)
            stage.say("imports: the first time")
            first, settled, said = _import(service, store)
            stage.say("imports: again")
            again, _, _ = _import(service, store)
    finally:
        store.unlink(missing_ok=True)
    yield rows.measured(
        "imports",
        f"ML Metadata store of {count:,} executions, `manage.py import_from`",
        [first],
        "s",
        better=Better.LESS,
        target=Target(value=TARGET_S),
        note=said,
    )
    yield rows.measured(
        "imports", "the same, from its end until all is in the graph", [settled], "s", better=Better.LESS
    )
    yield rows.measured("imports", "the same store again, in which nothing is new", [again], "s", better=Better.LESS)


def connect(service: Service) -> None:
    """A team, and its connection to the store."""
    service.call("POST", "/teams", {"slug": "bench", "name": "Bench"})
    service.call(
        "POST",
        "/connections",
        {"slug": "store", "team": "bench", "system": "mlmd", "title": "Store", "namespace": "mlmd://bench.example"},
    )


def _import(service: Service, store: Path) -> tuple[float, float, str]:
    """Seconds of the command, with the start of Python, and until all was in the graph; and what it printed."""
    begun = time.perf_counter()
    said = service.manage("import_from", "mlmd", str(store), "--no-progress")
    ended = time.perf_counter()
    return ended - begun, service.settle() - ended, said.partition(": ")[2]


def write(path: Path, *, executions: int) -> None:
    """Pipelines of five steps, run again and again: each step reads what the one before it wrote."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as store, store:
        store.executescript(_TABLES)
        types = [(_EXECUTION_TYPE + place, step, 0) for place, step in enumerate(STEPS)]
        types += [(_ARTIFACT_TYPE + place, kind, 1) for place, kind in enumerate(_KINDS)]
        types += [(_PIPELINE_TYPE, "pipeline", 2), (_RUN_TYPE, "pipeline_run", 2), (_NODE_TYPE, "node", 2)]
        store.executemany("INSERT INTO Type (id, name, type_kind) VALUES (?, ?, ?)", types)
        contexts = Contexts(store)
        for number in range(executions):
            _execution(store, contexts, number)


class Contexts:
    """The contexts that are written, by name."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self._store = store
        self._known: dict[str, int] = {}

    def of(self, type_id: int, name: str) -> int:
        if name not in self._known:
            self._known[name] = len(self._known) + 1
            columns = (self._known[name], type_id, name)
            self._store.execute("INSERT INTO Context (id, type_id, name) VALUES (?, ?, ?)", columns)
        return self._known[name]


def _execution(store: sqlite3.Connection, contexts: Contexts, number: int) -> None:
    run, step = divmod(number, len(STEPS))
    pipeline, identity, at = f"credit-{run % PIPELINES}", number + 1, BEGUN_MS + number * 1_000
    store.execute(
        "INSERT INTO Execution VALUES (?, ?, ?, ?, ?, ?)",
        (identity, _EXECUTION_TYPE + step, _COMPLETE, f"{pipeline}.{run}.{STEPS[step]}", at, at + 900),
    )
    said = [(f"p{one}", 1, one, None, None, None) for one in range(5)]
    store.executemany("INSERT INTO ExecutionProperty VALUES (?, ?, ?, ?, ?, ?, ?)", [(identity, *one) for one in said])
    uri = f"s3://lake/{pipeline}/{run}/{STEPS[step]}"
    store.execute(
        "INSERT INTO Artifact VALUES (?, ?, ?, ?, ?, ?, ?)",
        (identity, _ARTIFACT_TYPE + step, uri, _LIVE, None, at + 900, at + 900),
    )
    store.execute("INSERT INTO ArtifactProperty VALUES (?, 'auc', 1, NULL, ?, NULL, NULL)", (identity, 0.9))
    writes = store.execute(
        "INSERT INTO Event (artifact_id, execution_id, type) VALUES (?, ?, ?)", (identity, identity, _OUTPUT)
    )
    store.execute("INSERT INTO EventPath VALUES (?, 0, NULL, ?)", (writes.lastrowid, _KINDS[step].lower()))
    if step:
        columns = (identity - 1, identity, _INPUT)
        store.execute("INSERT INTO Event (artifact_id, execution_id, type) VALUES (?, ?, ?)", columns)
    above = (
        contexts.of(_PIPELINE_TYPE, pipeline),
        contexts.of(_RUN_TYPE, f"{pipeline}.{run}"),
        contexts.of(_NODE_TYPE, f"{pipeline}.{STEPS[step]}"),
    )
    for context in above:
        store.execute("INSERT INTO Association (context_id, execution_id) VALUES (?, ?)", (context, identity))
    store.execute("INSERT INTO Attribution (context_id, artifact_id) VALUES (?, ?)", (above[0], identity))
