"""dbt's artifacts: what was built from what (`manifest.json`), and how it went (`run_results.json`).

For those who cannot run `dbt-ol`. Jobs are called by dbt's own unique ids.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Options, Refused, System, Tested
from integrations.systems.reading import Reader

RUN, RESULTS, MANIFEST = "run", "run_results", "manifest"
MAX_FILE_BYTES = 500_000_000
# What was skipped did not fail: something before it did.
ENDS = {
    "success": Type.COMPLETE,
    "pass": Type.COMPLETE,
    "warn": Type.COMPLETE,
    "error": Type.FAIL,
    "fail": Type.FAIL,
    "runtime error": Type.FAIL,
    "partial success": Type.FAIL,
    "skipped": Type.ABORT,
    "no-op": Type.ABORT,
}
TESTED = {"pass": True, "warn": False, "fail": False}
# By convention these environment variables of dbt's own prefix tell the commit.
COMMIT, REPOSITORY = "DBT_ENV_CUSTOM_ENV_GIT_COMMIT", "DBT_ENV_CUSTOM_ENV_GIT_REPOSITORY"
MOST_COLUMNS = 2_000


class DbtOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`warehouse`: what OpenLineage calls the database, such as `snowflake://acme-eu` or `postgres://db.example:5432`;
    empty: the connection's own name. `repository`: of the project, for the commit that the run tells."""

    warehouse: str = ""
    repository: str = ""


def type_of(message: Message) -> str:
    said = Reader(message.document)
    if said.at("manifest") and said.at("run_results"):
        return RUN
    schema = said.text("metadata", "dbt_schema_version")
    if "/run-results/" in schema or said.at("results"):
        return RESULTS
    if "/manifest/" in schema or said.at("nodes"):
        return MANIFEST
    raise Refused("metadata.dbt_schema_version", "is none of a manifest or of run results.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    if message.type == MANIFEST:
        yield from _declared(_Project(said, context), said)
        return
    manifest, results = (said.at("manifest"), said.at("run_results")) if message.type == RUN else (Reader({}), said)
    yield from _ran(_Project(manifest, context), results)


class _Project:
    """What the manifest says of nodes: their tables, and what they are made from."""

    def __init__(self, manifest: Reader, context: Context) -> None:
        self.context = context
        self.name = manifest.text("metadata", "project_name")
        kinds = ("nodes", "sources", "disabled")
        self.nodes = {key: one for kind in kinds[:2] for key, one in manifest.entries(kind)}
        variables = manifest.at("metadata", "env")
        self.commit = variables.text(COMMIT)
        self.repository = variables.text(REPOSITORY) or context.options.repository

    def job(self, node: str) -> Job:
        kind = {"processingType": "BATCH", "integration": "DBT", "jobType": node.partition(".")[0].upper()}
        path = self.nodes[node].text("original_file_path") if node in self.nodes else ""
        return self.context.job(node).saying(jobType=kind).built_from(self.repository, self.commit, path=path)

    def table(self, node: str) -> Dataset | None:
        one = self.nodes.get(node)
        if one is None or one.text("resource_type") not in {"model", "seed", "snapshot", "source"}:
            return None
        parts = (one.text("database"), one.text("schema"), one.text("alias") or one.text("identifier"))
        parts = (*parts[:2], parts[2] or one.text("name"))
        namespace = self.context.options.warehouse or self.context.namespace
        dataset = Dataset(namespace, ".".join(part for part in parts if part))
        fields = [
            {"name": name, "type": column.text("data_type")} | _described(column)
            for name, column in list(one.entries("columns"))[:MOST_COLUMNS]
        ]
        return dataset.saying(schema={"fields": fields}) if fields else dataset

    def read(self, node: str) -> list[Dataset]:
        """The tables that a node is made from."""
        one = self.nodes.get(node, Reader({}))
        above = dict.fromkeys(name.text() for name in one.items("depends_on", "nodes"))
        return [table for name in above if (table := self.table(name)) is not None]

    def written(self, node: str) -> list[Dataset]:
        table = self.table(node)
        # An ephemeral model is no table of its own.
        is_table = node in self.nodes and self.nodes[node].text("config", "materialized") != "ephemeral"
        return [table] if table is not None and is_table else []


def _described(column: Reader) -> dict[str, str]:
    return {"description": column.text("description")} if column.text("description") else {}


def _declared(project: _Project, said: Reader) -> Iterator[Event]:
    at = said.need_time("metadata", "generated_at")
    for node, one in said.entries("nodes"):
        if one.text("resource_type") in {"model", "seed", "snapshot"}:
            yield openlineage.of_job(project.job(node), at=at, inputs=project.read(node), outputs=project.written(node))


def _ran(project: _Project, results: Reader) -> Iterator[Event]:
    metadata = results.at("metadata")
    invocation, generated = metadata.need("invocation_id"), metadata.need_time("generated_at")
    whole = project.context.job(f"dbt-run-{project.name}" if project.name else "dbt-run")
    run = openlineage.run_id(project.context.namespace, invocation)
    began = metadata.time("invocation_started_at") or generated
    facets = {"dbt_run": {"invocation_id": invocation}, "parent": openlineage.parent(whole, run)}
    yield openlineage.of_run(Type.START, at=began, run=run, job=whole)
    failed = False
    for one in results.items("results"):
        status = one.text("status").lower()
        end = ENDS.get(status, Type.OTHER)
        failed = failed or end is Type.FAIL
        yield from _result(project, one, status, end, invocation, generated, facets)
    yield openlineage.of_run(Type.FAIL if failed else Type.COMPLETE, at=generated, run=run, job=whole)


def _result(
    project: _Project,
    one: Reader,
    status: str,
    end: Type,
    invocation: str,
    generated: datetime,
    facets: Mapping[str, Mapping[str, Any]],
) -> Iterator[Event]:
    node = one.need("unique_id")
    run = openlineage.run_id(project.context.namespace, invocation, node)
    starts = [time for timing in one.items("timing") if (time := timing.time("started_at"))]
    ends = [time for timing in one.items("timing") if (time := timing.time("completed_at"))]
    inputs, outputs, job = project.read(node), project.written(node), project.job(node)
    if node.startswith(("test.", "unit_test.")):
        inputs = [_asserted(project, table, node, status) for table in inputs]
    if end is Type.ABORT:
        # It read and wrote nothing.
        inputs, outputs = [], []
    if starts:
        yield openlineage.of_run(Type.START, at=min(starts), run=run, job=job, inputs=inputs, facets=facets)
    at = max(ends, default=generated)
    yield openlineage.of_run(end, at=at, run=run, job=job, inputs=inputs, outputs=outputs, facets=facets)


def _asserted(project: _Project, table: Dataset, node: str, status: str) -> Dataset:
    """A test that could not be carried out says nothing of the data."""
    if status not in TESTED:
        return table
    said = project.nodes[node]
    told: dict[str, Any] = {
        "assertion": said.text("test_metadata", "name") or said.text("name") or node,
        "success": TESTED[status],
        "severity": "warn" if status == "warn" or said.text("config", "severity").lower() == "warn" else "error",
    }
    if column := said.text("column_name") or said.text("test_metadata", "kwargs", "column_name"):
        told["column"] = column
    return table.saying(dataQualityAssertions={"assertions": [told]})


def read_files(path: Path, received_at: datetime) -> Iterator[Message]:
    """The folder `target` with both artifacts, or one of them. Raises Refused."""
    if path.is_file():
        message = Message(received_at=received_at, document=_json(path))
        yield Message(received_at=received_at, document=message.document, type=type_of(message))
        return
    manifest, results = path / "manifest.json", path / "run_results.json"
    if not manifest.is_file():
        raise Refused("", f"there is no manifest.json in {path.name}: it is made by every dbt command.")
    if not results.is_file():
        yield Message(received_at=received_at, document=_json(manifest), type=MANIFEST)
        return
    document = {"manifest": _needed(_json(manifest)), "run_results": _json(results)}
    yield Message(received_at=received_at, document=document, type=RUN)


def _needed(manifest: Any) -> Any:
    """Macros and documentation make up most of a manifest, and say nothing of runs."""
    kept = ("metadata", "nodes", "sources")
    return {key: manifest[key] for key in kept if key in manifest} if isinstance(manifest, dict) else manifest


def _json(path: Path) -> Any:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise Refused("", f"{path.name} is larger than 500 MB.")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Refused("", f"{path.name} is not JSON: {error}.") from None


SYSTEM = System(
    slug="dbt_artifacts",
    title="dbt (artifacts)",
    group=Group.DATA,
    mechanisms=(Mechanism.IMPORT,),
    tested=Tested.REAL,
    handled={
        RUN: "runs of models, seeds and tests with their tables, and what tests found; skipped is not failed",
        RESULTS: "the same without tables, which only the manifest knows",
        MANIFEST: "what models are made from",
    },
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.DATASET, Fact.COMMIT, Fact.CHECK}),
    setup=(
        "After each run import dbt's folder: `manage.py import_from dbt_artifacts target/`. Set the option `warehouse` "
        "to what OpenLineage calls your database, so that its tables are those of other senders; name the instance as "
        "`OPENLINEAGE_NAMESPACE` does where `dbt-ol` runs too, so that its jobs are. For the commit set "
        "`DBT_ENV_CUSTOM_ENV_GIT_COMMIT` and `DBT_ENV_CUSTOM_ENV_GIT_REPOSITORY` when dbt runs. With `dbt-ol` the same "
        "comes by itself, but it reports skipped tests as failed."
    ),
    options=DbtOptions,
    type_of=type_of,
    translate=translate,
    read_files=read_files,
)
