"""What SageMaker's Model Monitor and Clarify found: files of violations, with their numbers in a sentence. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.openlineage import Event, Job
from integrations.systems import watches
from integrations.systems.base import Context
from integrations.systems.reading import Reader
from integrations.systems.watches import Alert

_NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
_VALUE = re.compile(rf"(?:drift|value|percentage|distance)[^\d.]{{0,40}}?{_NUMBER}", re.ASCII | re.I)
_LIMIT = re.compile(rf"(?:threshold|requirement|constraint|baseline)[^\d.]{{0,40}}?{_NUMBER}", re.ASCII | re.I)
MAX_VIOLATIONS = 200
# What a check looks at: the kind of alert, and the category of a test.
CHECKS: Mapping[str, tuple[str, str]] = {
    "bias_drift_check": ("bias", "fairness"),
    "feature_attribution_drift_check": ("attribution", "explainability"),
}
DATA = ("input_data", "data-quality")
QUALITY = ("model_quality", "model-quality")


def of_violations(said: Reader, at: datetime, endpoint: Job, context: Context) -> Event:
    """One run of the monitor of an endpoint: each violation is a failed test and an alert about what it serves."""
    job = context.job(f"{endpoint.name}.monitor")
    served = context.served(endpoint)
    alerts, results = [], []
    for one in list(said.items("violations"))[:MAX_VIOLATIONS]:
        check = one.text("constraint_check_type")
        kind, category = CHECKS.get(check) or (QUALITY if "threshold" in check.lower() else DATA)
        facet = "=".join(part for part in (one.text("facet"), one.text("facet_value")) if part)
        about = one.text("feature_name") or facet or one.text("label")
        name = " ".join(part for part in (check, one.text("metric_name"), about) if part)
        measured, limit = _first(_VALUE, one), _first(_LIMIT, one)
        alerts.append(
            Alert(
                id=f"{endpoint.name}/{name}",
                kind=kind,
                severity="warning",
                measured=measured,
                limit=limit,
                about=about,
            )
        )
        results.append(_result(category, name or "violation", measured, limit))
    facets: dict[str, Mapping[str, Any]] = {"assay_monitors": {"monitors": [{"kind": "input_data", "hasLimit": True}]}}
    if results:
        facets["assay_testResults"] = {"results": results, "tool": "SageMaker Model Monitor"}
    return watches.told(alerts, job=job, at=at, about=[served] if served else [], facets=facets)


def _result(category: str, name: str, measured: float | None, limit: float | None) -> dict[str, Any]:
    told = {"category": category, "name": name[:200], "outcome": "failed", "executor": "automated"}
    return told | {key: value for key, value in (("measured", measured), ("required", limit)) if value is not None}


def _first(pattern: re.Pattern[str], violation: Reader) -> float | None:
    """The number in the sentence. The sentence itself may quote data, and is not kept."""
    found = pattern.search(violation.text("description")[:500])
    return float(found[1]) if found else None
