"""Asks ML Metadata for everything upstream of artifacts and prints how long it took, as JSON.

Runs in the peers' own environment, where neither the service nor Django is installed.

Without roots it makes the store's tables and two types, and prints their ids. The answer is asked for in the cheapest
form that names the nodes: events, which hold the ids of artifacts and executions, without the names that the store
would fetch in further calls.
"""

import argparse
import json
import sys
import time
from typing import Any

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as proto

# The most that the store allows; an artifact and the execution that made it are one hop apart.
HOPS = 100


def upstream(store: metadata_store.MetadataStore, root: int) -> int:
    """How many artifacts and executions the store finds upstream, the root left out."""
    options = proto.LineageSubgraphQueryOptions(
        starting_artifacts=proto.LineageSubgraphQueryOptions.StartingNodes(filter_query=f"id = {root}"),
        max_num_hops=HOPS,
        direction=proto.LineageSubgraphQueryOptions.Direction.UPSTREAM,
    )
    graph = store.get_lineage_subgraph(options, ["events"])
    artifacts = {event.artifact_id for event in graph.events} - {root}
    return len(artifacts) + len({event.execution_id for event in graph.events})


def timed(store: metadata_store.MetadataStore, root: int, repeats: int) -> dict[str, Any]:
    taken, size = [], 0
    for _ in range(repeats):
        begun = time.perf_counter()
        size = upstream(store, root)
        taken.append((time.perf_counter() - begun) * 1000)
    return {"root": root, "size": size, "ms": taken}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--host", "--dbname", "--user"):
        parser.add_argument(name, required=True)
    parser.add_argument("--port", default="5432")
    parser.add_argument("--password", default="")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--roots", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    configuration = proto.ConnectionConfig()
    database = configuration.postgresql
    database.host, database.port, database.dbname = arguments.host, arguments.port, arguments.dbname
    # Without any password the client takes its configuration for incomplete.
    database.user, database.password = arguments.user, arguments.password or "none"
    store = metadata_store.MetadataStore(configuration, enable_upgrade_migration=False)
    types = {
        "artifact": store.put_artifact_type(proto.ArtifactType(name="Dataset")),
        "execution": store.put_execution_type(proto.ExecutionType(name="Job")),
    }
    found = [timed(store, root, arguments.repeats) for root in arguments.roots]
    json.dump({"types": types, "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
