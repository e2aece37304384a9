"""The history of a model as events tell it: trained, evaluated, promoted, deployed."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from governance.models import OwnerRole, Ownership, Team, User
from lineage import eventlog, events, identity
from policies.models import Finding, Policy, PolicyVersion, Promotion
from tests import factories
from tests.lineage import growing

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
REGISTRY = "registry://r"
NAMES = UUID("1b0a9c0e-7a68-5a51-8f4a-3d5f0c1b2a11")


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def model(name: str = "credit") -> UUID:
    return identity.asset("dataset", REGISTRY, name)


def version(name: str, key: str) -> UUID:
    return identity.version(model(name), key)


def trained(
    name: str,
    key: str,
    days_ago: float,
    *,
    data: str | None = "v1",
    commit: str | None = "3f2a9c1d",
    integration: str | None = "AIRFLOW",
    ending: str = "COMPLETE",
) -> list[dict[str, Any]]:
    """The run that wrote a version: begun, and ended an hour later."""
    facets: dict[str, Any] = {}
    if commit:
        facets["sourceCodeLocation"] = {
            "type": "git",
            "url": "https://git.example/r",
            "repoUrl": "https://git.example/r",
            "version": commit,
        }
    if integration:
        facets["jobType"] = {"processingType": "BATCH", "integration": integration, "jobType": "TASK"}
    pinned = {"version": {"datasetVersion": data}} if data else {}
    run = {
        "producer": "urn:assay:test",
        "run": {"runId": str(uuid5(NAMES, f"training of {name} {key}"))},
        "job": {"namespace": "jobs", "name": f"train {name}", "facets": facets},
    }
    return [
        run | {"eventType": "START", "eventTime": ago(days_ago + 1 / 24).isoformat()},
        run
        | {
            "eventType": ending,
            "eventTime": ago(days_ago).isoformat(),
            "inputs": [{"namespace": "n", "name": "data", "facets": pinned}],
            "outputs": [registered(name, key)],
        },
    ]


def evaluated(
    name: str, key: str, days_ago: float, *, on: str | None = "holdout", segments: Iterable[str] = ("",)
) -> dict[str, Any]:
    """A run that measured a version, on a dataset version that it names."""
    metrics: list[dict[str, Any]] = [{"name": "auc", "value": 0.9, "segment": segment} for segment in segments]
    if on:
        metrics = [entry | {"dataset": {"namespace": "n", "name": "data", "version": on}} for entry in metrics]
    read = registered(name, key)
    read["facets"]["assay_modelMetrics"] = {"metrics": metrics}
    return {
        "producer": "urn:assay:test",
        "eventType": "COMPLETE",
        "eventTime": ago(days_ago).isoformat(),
        "run": {"runId": str(uuid5(NAMES, f"evaluation of {name} {key} {days_ago}"))},
        "job": {"namespace": "jobs", "name": f"evaluate {name}"},
        "inputs": [read],
    }


def deployed(
    name: str, key: str | None, days_ago: float, *, ended: bool = False, service: str = "service", commit: str = ""
) -> dict[str, Any]:
    """A service that began to read a version, or that ended."""
    facets: dict[str, Any] = {"jobType": {"processingType": "SERVICE", "integration": "KUBERNETES"}}
    if commit:
        facets["sourceCodeLocation"] = {"type": "git", "repoUrl": "https://git.example/s", "version": commit}
    return {
        "producer": "urn:assay:test",
        "eventType": "COMPLETE" if ended else "RUNNING",
        "eventTime": ago(days_ago).isoformat(),
        "run": {"runId": str(uuid5(NAMES, f"{service} of {name} {key}"))},
        "job": {"namespace": "serving", "name": f"{service} {name}", "facets": facets},
        "inputs": [registered(name, key)],
    }


def watched(name: str, key: str, days_ago: float, *, limit: float) -> dict[str, Any]:
    """What watches a version for drift, and at which limit it raises its alerts."""
    monitors = [{"kind": "model_quality", "hasLimit": True, "hasRecipient": True, "limit": limit}]
    return {
        "producer": "urn:assay:test",
        "eventType": "OTHER",
        "eventTime": ago(days_ago).isoformat(),
        "run": {
            "runId": str(uuid5(NAMES, f"watch of {name} {key} {days_ago}")),
            "facets": {"assay_monitors": {"monitors": monitors}},
        },
        "job": {"namespace": "watches", "name": f"drift of {name}"},
        "inputs": [registered(name, key)],
    }


def registered(name: str, key: str | None) -> dict[str, Any]:
    facets: dict[str, Any] = {"datasetType": {"datasetType": "MODEL"}}
    if key is not None:
        facets["version"] = {"datasetVersion": key}
    return {"namespace": REGISTRY, "name": name, "facets": facets}


def grow(*documents: dict[str, Any], sender: User | None) -> None:
    eventlog.append([events.read(json.dumps(document).encode()) for document in documents], sender=sender)
    growing.project()


def owned(team: Team, name: str, *, since: float = 400, until: float | None = None) -> Ownership:
    return factories.ownership(
        model(name), OwnerRole.TECHNICAL_OWNER, team, since=ago(since), until=None if until is None else ago(until)
    )


def promoted(name: str, key: str, days_ago: float, *, by: User, state: str = "passed", **finding: Any) -> Promotion:
    """A promotion to production that was decided then, with one finding of the check on KPIs unless told otherwise."""
    promotion = Promotion.objects.create(
        model=model(name),
        model_version=version(name, key),
        namespace=REGISTRY,
        model_name=name,
        version=key,
        stage="production",
        requested_by=by,
        requested_at=ago(days_ago),
        watermark=0,
        state=state,
        decided_at=ago(days_ago),
        request_digest="",
    )
    # Retired, so that nothing reads its text.
    policy, _ = Policy.objects.get_or_create(slug="house", defaults={"is_active": False})
    text, _ = PolicyVersion.objects.get_or_create(policy=policy, number=1, defaults={"digest": "", "document": ""})
    said: dict[str, Any] = {
        "check_id": "kpi",
        "mode": "enforce",
        "outcome": "pass" if state == "passed" else "fail",
        "parameters": {"metric": "auc", "minimum": 0.8},
        "facts": {},
    }
    Finding.objects.create(promotion=promotion, policy_version=text, position=0, is_done=True, **(said | finding))
    return promotion
