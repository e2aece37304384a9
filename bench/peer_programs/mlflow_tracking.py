"""Tracks the facts of OpenLineage events with MLflow's REST API and prints how long it took, as JSON.

Uses nothing but Python. A run is an MLflow run in one experiment; inputs are logged as data sets with their schema
and version; parameters and metrics as what they are; job, commit, parent and outputs as tags, because
MLflow has no other place for them. Each client keeps one connection, and a run stays with one client.
"""

import argparse
import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

STATES = {"COMPLETE": "FINISHED", "FAIL": "FAILED", "ABORT": "KILLED"}
QUICK_ACKNOWLEDGEMENT: int | None = getattr(socket, "TCP_QUICKACK", None)
CALLS = "/api/2.0/mlflow"


class Client:
    def __init__(self, host: str, port: int, experiment: str) -> None:
        self.connection = http.client.HTTPConnection(host, port, timeout=60)
        self.experiment = experiment
        self.runs: dict[str, str] = {}
        self.calls = 0

    def call(self, path: str, body: Mapping[str, Any], *, tries: int = 10) -> Any:
        """The answer of one call. Raises RuntimeError when it is refused."""
        self.connection.request("POST", CALLS + path, json.dumps(body), {"Content-Type": "application/json"})
        if QUICK_ACKNOWLEDGEMENT is not None:
            # Its server sends head and body apart and waits for the first to be acknowledged, which Linux puts off
            # by 40 ms on a kept connection. That is nothing about MLflow, so the peer is spared it.
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, QUICK_ACKNOWLEDGEMENT, 1)
        reply = self.connection.getresponse()
        text = reply.read()
        self.calls += 1
        if b"UniqueViolation" in text and tries > 1:
            # Two clients that log the same new data set at once: one is refused and has to come again.
            return self.call(path, body, tries=tries - 1)
        if reply.status != 200:
            raise RuntimeError(f"{path} answered {reply.status}: {text[:500]!r}")
        return json.loads(text or b"{}")

    def track(self, event: Mapping[str, Any]) -> None:
        """All the calls that one event needs."""
        run_id = event["run"]["runId"]
        if run_id not in self.runs:
            self.runs[run_id] = self._create(event)
            self._log_inputs(self.runs[run_id], event["inputs"])
        batch = self._batch(event)
        if any(batch.values()):
            self.call("/runs/log-batch", {"run_id": self.runs[run_id], **batch})
        if event["eventType"] in STATES:
            ended = {"status": STATES[event["eventType"]], "end_time": _milliseconds(event["eventTime"])}
            self.call("/runs/update", {"run_id": self.runs[run_id], **ended})

    def _create(self, event: Mapping[str, Any]) -> str:
        job, run = event["job"], event["run"]
        tags = {
            "job_namespace": job["namespace"],
            "job_name": job["name"],
            "run_id": run["runId"],
            "producer": event["producer"],
            "parent": run["facets"]["parent"]["run"]["runId"],
            "mlflow.source.git.commit": job["facets"]["sourceCodeLocation"]["version"],
        }
        created = self.call(
            "/runs/create",
            {
                "experiment_id": self.experiment,
                "start_time": _milliseconds(event["eventTime"]),
                "run_name": job["name"],
                "tags": _pairs(tags),
            },
        )
        return str(created["run"]["info"]["run_id"])

    def _log_inputs(self, run: str, inputs: Sequence[Mapping[str, Any]]) -> None:
        datasets = [
            {
                "dataset": {
                    "name": f"{read['namespace']}/{read['name']}"[:500],
                    "digest": read["facets"].get("version", {}).get("datasetVersion", "none")[:36],
                    "source_type": "openlineage",
                    "source": json.dumps({"namespace": read["namespace"], "name": read["name"]}),
                    "schema": json.dumps(read["facets"].get("schema", {}).get("fields", [])),
                }
            }
            for read in inputs
        ]
        self.call("/runs/log-inputs", {"run_id": run, "datasets": datasets})

    def _batch(self, event: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        at = _milliseconds(event["eventTime"])
        parameters = event["run"]["facets"].get("assay_trainingParameters", {}).get("parameters", {})
        metrics = [
            {"key": metric["name"], "value": metric["value"], "timestamp": at, "step": 0}
            for made in event["outputs"]
            for metric in made["facets"].get("assay_modelMetrics", {}).get("metrics", [])
        ]
        outputs = {
            f"output.{position}": json.dumps(
                {
                    "namespace": made["namespace"],
                    "name": made["name"],
                    "version": made["facets"]["version"]["datasetVersion"],
                    "schema": made["facets"].get("schema", {}).get("fields", []),
                }
            )
            for position, made in enumerate(event["outputs"])
        }
        return {"params": _pairs(parameters), "metrics": metrics, "tags": _pairs(outputs)}


def _pairs(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": str(value)} for key, value in values.items()]


def _milliseconds(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("events", type=Path)
    arguments = parser.parse_args()
    events = [json.loads(line) for line in arguments.events.read_bytes().splitlines()]
    maker = Client(arguments.host, arguments.port, "0")
    experiment = maker.call("/experiments/create", {"name": f"bench-{time.time_ns()}"})["experiment_id"]
    clients = [Client(arguments.host, arguments.port, experiment) for _ in range(arguments.clients)]
    shares: list[list[Mapping[str, Any]]] = [[] for _ in clients]
    for event in events:
        shares[int(event["run"]["runId"][-8:], 16) % len(clients)].append(event)
    failures: list[str] = []

    def work(client: Client, share: Sequence[Mapping[str, Any]]) -> None:
        try:
            for event in share:
                client.track(event)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            failures.append(f"{type(error).__name__}: {error}")

    threads = [
        threading.Thread(target=work, args=(client, share)) for client, share in zip(clients, shares, strict=True)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    if failures:
        sys.exit(f"{len(failures)} clients failed; the first: {failures[0]}")
    calls = sum(client.calls for client in clients)
    json.dump({"events": len(events), "calls": calls, "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
