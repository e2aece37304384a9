"""Events as senders write them, for tests of receiving."""

import json
from typing import Any

RUN_ID = "0190a0b0-0000-7000-8000-000000000001"
PRODUCER = "https://producer.example/1"


def run_event(**changes: Any) -> dict[str, Any]:
    """A whole run event; `changes` replace members, and None takes one away."""
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-03-01T10:00:00.000Z",
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": RUN_ID},
        "job": {"namespace": "jobs", "name": "train"},
        "inputs": [{"namespace": "s3://lake", "name": "loans"}],
        "outputs": [{"namespace": "s3://lake", "name": "scores"}],
    } | changes
    return {key: value for key, value in event.items() if value is not None}


def job_event(**changes: Any) -> dict[str, Any]:
    return run_event(**({"run": None, "eventType": None} | changes))


def dataset_event(**changes: Any) -> dict[str, Any]:
    absent = dict.fromkeys(("run", "job", "inputs", "outputs", "eventType"))
    return run_event(**(absent | {"dataset": {"namespace": "s3://lake", "name": "loans"}} | changes))


def body(event: Any) -> bytes:
    return json.dumps(event).encode()


def several(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Different events of one run."""
    return [run_event(job={"namespace": "jobs", "name": f"train-{n}"}, **changes) for n in range(count)]
