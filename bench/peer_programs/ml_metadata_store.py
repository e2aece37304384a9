"""Stores the facts of OpenLineage events in ML Metadata and prints how long it took, as JSON.

Runs in the peers' own environment, where neither the service nor Django is installed. The mapping is the
one that its authors' tools use and the cheapest that keeps the facts: a run is an execution, a version of a
data set or model is an artifact, reads and writes are events; job, commit, parent and schema are
properties. What the client has stored once it knows by id.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as proto

STATES = {
    "START": proto.Execution.RUNNING,
    "RUNNING": proto.Execution.RUNNING,
    "COMPLETE": proto.Execution.COMPLETE,
    "FAIL": proto.Execution.FAILED,
    "ABORT": proto.Execution.CANCELED,
}
Write = tuple[proto.Artifact, proto.Event]


class Client:
    def __init__(self, store: metadata_store.MetadataStore) -> None:
        self.store = store
        self.run_type = store.put_execution_type(_type(proto.ExecutionType, "Run"), can_add_fields=True)
        self.artifact_types = {
            name: store.put_artifact_type(_type(proto.ArtifactType, name), can_add_fields=True)
            for name in ("Dataset", "Model")
        }
        self.runs: dict[str, int] = {}
        self.artifacts: dict[str, proto.Artifact] = {}
        self.linked: set[tuple[str, str, int]] = set()

    def execution(self, event: Mapping[str, Any]) -> proto.Execution:
        run, job = event["run"], event["job"]
        stored = proto.Execution(type_id=self.run_type, name=run["runId"], last_known_state=STATES[event["eventType"]])
        if run["runId"] in self.runs:
            stored.id = self.runs[run["runId"]]
        properties = stored.custom_properties
        properties["job_namespace"].string_value = job["namespace"]
        properties["job_name"].string_value = job["name"]
        properties["producer"].string_value = event["producer"]
        properties["event_time"].string_value = event["eventTime"]
        properties["parent"].string_value = run["facets"]["parent"]["run"]["runId"]
        properties["commit"].string_value = job["facets"]["sourceCodeLocation"]["version"]
        return stored

    def writes(self, event: Mapping[str, Any]) -> Iterator[Write]:
        for direction, members in (
            (proto.Event.INPUT, event["inputs"]),
            (proto.Event.OUTPUT, event["outputs"]),
        ):
            for member in members:
                artifact = self.artifact(member)
                yield artifact, proto.Event(type=direction)

    def new_writes(self, event: Mapping[str, Any]) -> list[Write]:
        """What the run was not yet said to read or write; the store refuses a link said twice."""
        run_id = event["run"]["runId"]
        return [
            (artifact, edge)
            for artifact, edge in self.writes(event)
            if (run_id, artifact.name, edge.type) not in self.linked
        ]

    def artifact(self, dataset: Mapping[str, Any]) -> proto.Artifact:
        facets = dataset["facets"]
        version = facets.get("version", {}).get("datasetVersion", "")
        key = f"{dataset['namespace']} {dataset['name']} {version}"
        kind = "Model" if "datasetType" in facets else "Dataset"
        stored = proto.Artifact(
            type_id=self.artifact_types[kind],
            name=key,
            external_id=key,
            uri=f"{dataset['namespace']}/{dataset['name']}",
            state=proto.Artifact.LIVE,
        )
        properties = stored.custom_properties
        properties["namespace"].string_value = dataset["namespace"]
        properties["name"].string_value = dataset["name"]
        properties["version"].string_value = version
        for facet in ("schema", "dataSource", "assay_modelMetrics"):
            if facet in facets:
                properties[facet].string_value = json.dumps(facets[facet])
        # An update replaces all properties, and not every event says all that is known.
        self.artifacts.setdefault(key, stored).MergeFrom(stored)
        return self.artifacts[key]

    def put_one(self, event: Mapping[str, Any]) -> None:
        """One call for one event."""
        writes = self.new_writes(event)
        run_id, artifact_ids, _ = self.store.put_execution(
            self.execution(event), writes, [], reuse_artifact_if_already_exist_by_external_id=True
        )
        self.runs[event["run"]["runId"]] = run_id
        for (artifact, edge), artifact_id in zip(writes, artifact_ids, strict=True):
            artifact.id = artifact_id
            self.linked.add((event["run"]["runId"], artifact.name, edge.type))

    def put_batch(self, events: Sequence[Mapping[str, Any]]) -> None:
        """One call for many events. Of a run or artifact named several times, the last state is sent."""
        runs: dict[str, proto.Execution] = {}
        artifacts: dict[str, proto.Artifact] = {}
        edges: dict[tuple[str, str, int], proto.Event] = {}
        for event in events:
            run_id = event["run"]["runId"]
            runs[run_id] = self.execution(event)
            for artifact, edge in self.new_writes(event):
                artifacts[artifact.name] = artifact
                edges[run_id, artifact.name, edge.type] = edge
        run_at = {name: position for position, name in enumerate(runs)}
        artifact_at = {name: position for position, name in enumerate(artifacts)}
        run_ids, artifact_ids, _ = self.store.put_lineage_subgraph(
            list(runs.values()),
            list(artifacts.values()),
            [],
            [(run_at[run], artifact_at[artifact], edge) for (run, artifact, _), edge in edges.items()],
            reuse_artifact_if_already_exist_by_external_id=True,
        )
        self.runs.update(zip(runs, run_ids, strict=True))
        for artifact, artifact_id in zip(artifacts.values(), artifact_ids, strict=True):
            artifact.id = artifact_id
        self.linked.update(edges)


def _type(kind: Any, name: str) -> Any:
    return kind(name=name)


def connect(arguments: argparse.Namespace) -> metadata_store.MetadataStore:
    configuration = proto.ConnectionConfig()
    database = configuration.postgresql
    database.host, database.port, database.dbname = arguments.host, arguments.port, arguments.dbname
    database.user, database.password = arguments.user, arguments.password
    configuration.retry_options.max_num_retries = 10
    return metadata_store.MetadataStore(configuration, enable_upgrade_migration=False)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--host", "--dbname", "--user"):
        parser.add_argument(name, required=True)
    parser.add_argument("--password", default="")
    parser.add_argument("--port", default="5432")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("events", type=Path)
    arguments = parser.parse_args()
    events = [json.loads(line) for line in arguments.events.read_bytes().splitlines()]
    client = Client(connect(arguments))  # Makes the tables and types, which is not what is measured.
    begun = time.perf_counter()
    if arguments.batch > 1:
        for at in range(0, len(events), arguments.batch):
            client.put_batch(events[at : at + arguments.batch])
    else:
        for event in events:
            client.put_one(event)
    seconds = time.perf_counter() - begun
    json.dump({"events": len(events), "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
