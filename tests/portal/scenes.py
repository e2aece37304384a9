"""The names of a small graph, and the events that make it."""

from typing import Any

WAREHOUSE = "postgres://warehouse.example:5432"
REGISTRY = "assay-demo://registry"
HOSTILE = '<script>alert("x")</script>/../名前/' + "very-long-" * 40
RUN = "0f5b6b0c-8d3e-4c53-9b0f-6a8c2f3c1d01"


def facets(**given: dict[str, Any]) -> dict[str, Any]:
    """Facets as senders write them."""
    said = {"_producer": "https://example.com/p", "_schemaURL": "https://example.com/f.json"}
    return {name: said | value for name, value in given.items()}


def run_event(
    job: str,
    *,
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    run: str = RUN,
    kind: str = "COMPLETE",
    at: str = "2026-01-02T10:00:00Z",
    job_facets: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": at,
        "producer": "https://example.com/p",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run},
        "job": {"namespace": "demo", "name": job, "facets": job_facets or {}},
        "inputs": inputs,
        "outputs": outputs,
    }


def dataset(name: str, *, namespace: str = WAREHOUSE, **given: dict[str, Any]) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "facets": facets(**given)}
