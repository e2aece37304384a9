"""ML Metadata, and TFX and Kubeflow Pipelines through it: tasks of pipelines with what they read and wrote.

A store is read straight from its SQLite file, some hundred executions at a time, each with all that belongs to it. A
dump of a store in the form of its Protocol Buffers as JSON holds the same, and both are read alike.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from integrations.openlineage import Event, Type
from integrations.systems import pipelineruns
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, System, Tested
from integrations.systems.pipelineruns import Artifact, PipelineOptions, Task
from integrations.systems.reading import Reader

STORE = "store"
CHUNK = 500
MAX_DUMP_BYTES = 200_000_000
# The numbers of `Execution.State` and `Event.Type`, in words.
STATES = {1: "NEW", 2: "RUNNING", 3: "COMPLETE", 4: "FAILED", 5: "CACHED", 6: "CANCELED"}
EVENTS = {
    1: "DECLARED_OUTPUT",
    2: "DECLARED_INPUT",
    3: "INPUT",
    4: "OUTPUT",
    5: "INTERNAL_INPUT",
    6: "INTERNAL_OUTPUT",
    7: "PENDING_OUTPUT",
}
ENDS = {"COMPLETE": Type.COMPLETE, "CACHED": Type.COMPLETE, "FAILED": Type.FAIL, "CANCELED": Type.ABORT}
INPUTS, OUTPUTS = frozenset({"INPUT", "DECLARED_INPUT"}), frozenset({"OUTPUT", "DECLARED_OUTPUT"})
# Of an artifact in these states there is nothing: it was to be written and never was.
ABSENT = frozenset({"ABANDONED", "PENDING"})
ARTIFACT_STATES = {1: "PENDING", 2: "LIVE", 3: "MARKED_FOR_DELETION", 4: "DELETED", 5: "ABANDONED", 6: "REFERENCE"}
# Contexts, in the words of TFX and of Kubeflow Pipelines.
PIPELINE, RUN = frozenset({"pipeline", "system.Pipeline"}), frozenset({"pipeline_run", "system.PipelineRun"})
# Executions that only hold others, or that look artifacts up.
STRUCTURE = ("system.DAGExecution", "system.Run", "tfx.dsl.components.common.resolver.Resolver")
# What Kubeflow Pipelines and TFX note for themselves.
OWN = frozenset(
    {
        "display_name",
        "task_name",
        "image",
        "pod_name",
        "pod_uid",
        "namespace",
        "cache_fingerprint",
        "cached_execution_id",
        "inputs",
        "outputs",
        "parent_dag_id",
        "component_id",
        "pipeline_name",
        "pipeline_root",
        "run_id",
        "state",
    }
)


def translate(message: Message, context: Context) -> Iterator[Event]:
    for task in tasks(Reader(message.document)):
        yield from pipelineruns.events(task, context)


def tasks(said: Reader) -> Iterator[Task]:
    """The tasks in a dump, or in a part of one."""
    kinds = {one.text("id"): one.text("name") for key in _TYPES for one in said.items(key)}
    artifacts = {one.text("id"): one for one in said.items("artifacts")}
    makers = _makers(said, kinds)
    contexts = {one.text("id"): one for one in said.items("contexts")}
    of_execution: dict[str, list[str]] = {}
    for context, listed in said.entries("executions_by_context"):
        for one in listed.items():
            of_execution.setdefault(one.text(), []).append(context)
    events: dict[str, list[Reader]] = {}
    for event in said.items("events"):
        events.setdefault(event.text("execution_id"), []).append(event)
    for one in said.items("executions"):
        kind = one.text("type") or kinds.get(one.text("type_id"), "")
        above = [contexts[key] for key in of_execution.get(one.text("id"), ()) if key in contexts]
        if kind not in STRUCTURE:
            found = [(event, artifacts.get(event.text("artifact_id"))) for event in events.get(one.text("id"), ())]
            yield _task(one, kind, above, found, kinds, makers)


_TYPES = ("artifact_types", "execution_types", "context_types")


def _makers(said: Reader, kinds: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Of each artifact the pipeline and the output as which it was written, as far as that is known."""
    found = {one.text("id"): (one.text("pipeline"), one.text("output")) for one in said.items("artifacts")}
    pipelines = {
        one.text("id"): one.text("name")
        for one in said.items("contexts")
        if (one.text("type") or kinds.get(one.text("type_id"), "")) in PIPELINE
    }
    for context, listed in said.entries("artifacts_by_context"):
        for one in listed.items():
            pipeline, output = found.get(one.text(), ("", ""))
            found[one.text()] = (pipeline or pipelines.get(context, ""), output)
    for event in said.items("events"):
        pipeline, output = found.get(event.text("artifact_id"), ("", ""))
        if _word(event, "type", EVENTS) in OUTPUTS:
            found[event.text("artifact_id")] = (pipeline, output or _key(event))
    return found


def _key(event: Reader) -> str:
    return next((step.text("key") for step in event.items("path", "steps") if step.text("key")), "")


def _task(
    one: Reader,
    kind: str,
    above: Sequence[Reader],
    found: Sequence[tuple[Reader, Reader | None]],
    kinds: Mapping[str, str],
    makers: Mapping[str, tuple[str, str]],
) -> Task:
    named = {kinds.get(each.text("type_id"), "") or each.text("type"): each.text("name") for each in above}
    pipeline = next((name for word, name in sorted(named.items()) if word in PIPELINE), "")
    run = next((name for word, name in sorted(named.items()) if word in RUN), "")
    node = named.get("node", "").removeprefix(f"{pipeline}.")
    properties = _properties(one)
    name = next(
        (text for key in ("task_name", "display_name", "component_id") if isinstance(text := properties.get(key), str)),
        node or kind.rpartition(".")[2] or "task",
    )
    began = one.need_time("create_time_since_epoch")
    state = ENDS.get(_word(one, "last_known_state", STATES))
    parameters = properties.pop("inputs", None)
    told = {key: value for key, value in properties.items() if key not in OWN}
    return Task(
        pipeline=pipeline,
        run=run,
        name=name[:500],
        id=one.need("id"),
        began=began,
        ended=(one.time("last_update_time_since_epoch") or began) if state else None,
        state=state,
        inputs=tuple(_artifacts(found, INPUTS, kinds, makers)),
        outputs=tuple(_artifacts(found, OUTPUTS, kinds, makers)),
        parameters=told | (parameters if isinstance(parameters, dict) else {}),
    )


def _artifacts(
    found: Sequence[tuple[Reader, Reader | None]],
    words: frozenset[str],
    kinds: Mapping[str, str],
    makers: Mapping[str, tuple[str, str]],
) -> Iterator[Artifact]:
    for event, one in found:
        if one is None or _word(event, "type", EVENTS) not in words or _word(one, "state", ARTIFACT_STATES) in ABSENT:
            continue
        kind = one.text("type") or kinds.get(one.text("type_id"), "")
        pipeline, output = makers.get(one.text("id"), ("", ""))
        yield Artifact(
            id=one.text("id"),
            type=kind,
            name=output or _key(event) or one.text("name") or kind or "artifact",
            pipeline=pipeline,
            uri=one.text("uri"),
            properties=_properties(one),
        )


def _word(one: Reader, key: str, words: Mapping[int, str]) -> str:
    """A state or type, which is a word in a dump and a number in the database."""
    number = one.count(key)
    return one.text(key) if number is None else words.get(number, "")


def _properties(one: Reader) -> dict[str, Any]:
    """Properties and custom properties; integers come as text from Protocol Buffers."""
    found: dict[str, Any] = {}
    for which in ("properties", "custom_properties"):
        for name, value in one.entries(which):
            if (number := value.count("int_value")) is not None:
                found[name] = number
            elif (real := value.number("double_value")) is not None:
                found[name] = real
            elif text := value.text("string_value"):
                found[name] = text
            elif (flag := value.flag("bool_value")) is not None:
                found[name] = flag
            elif isinstance(value.at("struct_value").value, dict):
                found[name] = value.at("struct_value").value
    return found


def read_files(path: Path, received_at: datetime) -> Iterator[Message]:
    """A store's SQLite file, or its dump as JSON. Raises Refused."""
    with path.open("rb") as file:
        is_database = file.read(16).startswith(b"SQLite format 3")
    if is_database:
        # Opened for reading alone: a store that is in use stays as it is.
        with sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True) as connection:
            yield from chunks(connection, received_at)
        connection.close()
        return
    if path.stat().st_size > MAX_DUMP_BYTES:
        raise Refused("", "a dump of more than 200 MB is not read; give the SQLite file itself.")
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise Refused("", f"neither a SQLite file nor JSON: {error}.") from None
    yield Message(received_at=received_at, document=document, type=STORE)


# A store has no index by artifact of the one and by execution of the other, so each part would read them whole.
_LOOKUPS = """
CREATE TEMP TABLE made_in AS
    SELECT a.artifact_id, min(c.name) AS pipeline
    FROM Attribution AS a JOIN Context AS c ON c.id = a.context_id JOIN Type AS t ON t.id = c.type_id
    WHERE t.name IN ('pipeline', 'system.Pipeline') GROUP BY a.artifact_id;
CREATE INDEX temp.made_in_by_artifact ON made_in (artifact_id);
CREATE TEMP TABLE held AS SELECT context_id, execution_id FROM Association;
CREATE INDEX temp.held_by_execution ON held (execution_id);
"""


def chunks(connection: sqlite3.Connection, received_at: datetime) -> Iterator[Message]:
    """Parts of the store of some hundred executions each, in the form of a dump."""
    try:
        connection.executescript(_LOOKUPS)
        [[first, last]] = connection.execute("SELECT coalesce(min(id), 0), coalesce(max(id), -1) FROM Execution")
        for start in range(first, last + 1, CHUNK):
            document = _chunk(connection, start, start + CHUNK - 1)
            if document["executions"]:
                yield Message(received_at=received_at, document=document, type=STORE)
    except sqlite3.Error as error:
        raise Refused("", f"is not a store of ML Metadata that can be read: {error}.") from None


def _chunk(connection: sqlite3.Connection, first: int, last: int) -> dict[str, Any]:
    between = "BETWEEN ? AND ?"
    of_chunk = f"SELECT artifact_id FROM Event WHERE execution_id {between}"
    contexts = f"SELECT context_id FROM held WHERE execution_id {between}"

    def rows(sql: str) -> list[dict[str, Any]]:
        cursor = connection.execute(sql, (first, last))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    columns = "e.id, e.type_id, t.name AS type, e.name, e.create_time_since_epoch, e.last_update_time_since_epoch"
    joined = "AS e LEFT JOIN Type AS t ON t.id = e.type_id WHERE e.id"
    document: dict[str, Any] = {
        "executions": rows(f"SELECT {columns}, e.last_known_state FROM Execution {joined} {between} ORDER BY e.id"),
        "artifacts": rows(f"SELECT {columns}, e.uri, e.state FROM Artifact {joined} IN ({of_chunk}) ORDER BY e.id"),
        "contexts": rows(
            f"SELECT e.id, e.type_id, t.name AS type, e.name FROM Context {joined} IN ({contexts}) ORDER BY e.id"
        ),
    }
    made = {
        row["artifact_id"]: row
        for row in rows(
            f"""SELECT w.artifact_id, min(p.step_key) AS output, min(m.pipeline) AS pipeline
            FROM Event AS w LEFT JOIN EventPath AS p ON p.event_id = w.id AND p.step_key <> ''
            LEFT JOIN made_in AS m ON m.artifact_id = w.artifact_id
            WHERE w.type IN (1, 4) AND w.artifact_id IN ({of_chunk}) GROUP BY w.artifact_id"""
        )
    }
    for one in document["artifacts"]:
        one |= {key: value for key, value in made.get(one["id"], {}).items() if key != "artifact_id" and value}
    _with_properties(document["executions"], rows(f"SELECT * FROM ExecutionProperty WHERE execution_id {between}"))
    _with_properties(document["artifacts"], rows(f"SELECT * FROM ArtifactProperty WHERE artifact_id IN ({of_chunk})"))
    paths: dict[int, list[dict[str, Any]]] = {}
    for step in rows(f"SELECT * FROM EventPath WHERE event_id IN (SELECT id FROM Event WHERE execution_id {between})"):
        paths.setdefault(step["event_id"], []).append({"key": step["step_key"]} if step["step_key"] else {})
    document["events"] = [
        {**event, "path": {"steps": paths.get(event["id"], [])}}
        for event in rows(f"SELECT id, artifact_id, execution_id, type FROM Event WHERE execution_id {between}")
    ]
    by_context: dict[str, list[int]] = {}
    for one in rows(
        f"SELECT context_id, execution_id FROM held WHERE execution_id {between} ORDER BY context_id, execution_id"
    ):
        by_context.setdefault(str(one["context_id"]), []).append(one["execution_id"])
    document["executions_by_context"] = by_context
    return document


def _with_properties(owners: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    by_id = {one["id"]: one for one in owners}
    for row in rows:
        owner = by_id.get(row.get("execution_id") or row.get("artifact_id") or 0)
        if owner is None:
            continue
        which = "custom_properties" if row["is_custom_property"] else "properties"
        value = {key: row[key] for key in ("int_value", "double_value", "string_value") if row.get(key) is not None}
        if row.get("bool_value") is not None:
            value["bool_value"] = bool(row["bool_value"])
        owner.setdefault(which, {})[row["name"]] = value


SYSTEM = System(
    slug="mlmd",
    title="ML Metadata and TFX",
    group=Group.PIPELINES,
    mechanisms=(Mechanism.IMPORT,),
    tested=Tested.REAL,
    handled={STORE: "tasks of pipelines, with the artifacts and models that they read and wrote, metrics, blessings"},
    brings=frozenset(
        {Fact.JOB, Fact.RUN, Fact.DATASET, Fact.COMMIT, Fact.MODEL, Fact.MODEL_VERSION, Fact.KPI, Fact.CHECK}
    ),
    setup=(
        "ML Metadata sends nothing. Import the store's SQLite file, as often as you like; what is known is not told "
        "twice:\n\n"
        "```sh\nmanage.py import_from mlmd metadata.sqlite\n```\n\n"
        "A store in PostgreSQL or MySQL is copied to a SQLite file first, as is shown below, or dumped as JSON in the "
        "form of its Protocol Buffers. Models are called by their pipeline and output; where MLflow or another "
        "registry names them, set the option `registers` to false, and they are found by the places of their files."
    ),
    options=PipelineOptions,
    translate=translate,
    read_files=read_files,
)
