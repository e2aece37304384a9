"""Alerts about models, in whatever system they are raised. Pure.

An alert is a run of the rule that raised it: it begins when the alert opens and ends when it closes. The labels of an
alert say what it is about; which label says what can be set.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Type
from integrations.systems import vocabulary
from integrations.systems.base import Context, Options
from integrations.systems.reading import Reader

# What a monitor looks at, by words in the name of its KPI or rule. The first that fits counts.
_KINDS = (
    ("input_data", re.compile(r"drift|psi|missing|null_rate|schema|data_quality|outlier", re.I)),
    ("skew", re.compile(r"skew", re.I)),
    ("staleness", re.compile(r"stale|model_age", re.I)),
    ("freshness", re.compile(r"fresh", re.I)),
    (
        "model_quality",
        re.compile(
            r"auc|accuracy|precision|recall|\bf1|rmse|\bmae|log_?loss|(absolute|squared|prediction)_error|calibration|quality",
            re.I,
        ),
    ),
    ("service_health", re.compile(r"latency|error|availab|5xx|down|throughput|saturation|memory|cpu", re.I)),
    ("business_outcome", re.compile(r"revenue|conversion|default_rate|churn|profit", re.I)),
)
KINDS = frozenset(kind for kind, _ in _KINDS)


class Labels(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which label of an alert says what."""

    model: str = "model"
    version: str = "version"
    environment: str = "environment"
    kpi: str = "kpi"
    severity: str = "severity"
    kind: str = "kind"


class AlertOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`labels`: which label says what. `model`, `version`, `environment`: of alerts that lack the label."""

    labels: Labels = Labels()
    model: str = ""
    version: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. `fingerprint`: what it is the same by when it opens again. `closed`: None while it is open."""

    fingerprint: str
    name: str
    model: str
    version: str
    kind: str
    severity: str
    environment: str
    opened: datetime
    closed: datetime | None


def read(said: Reader, context: Context, *, opened: datetime, closed: datetime | None) -> Alert | None:
    """The alert in the form of Prometheus and all that follow it; None when it is about no model."""
    options = context.options if isinstance(context.options, AlertOptions) else AlertOptions()
    labels, names = said.at("labels"), options.labels
    model = labels.text(names.model) or options.model
    if not model:
        return None
    name = labels.text("alertname") or "alert"
    kind = labels.text(names.kind).lower()
    environment = labels.text(names.environment) or labels.text("env") or options.environment
    return Alert(
        fingerprint=said.text("fingerprint") or fingerprint(labels),
        name=name,
        model=model,
        version=labels.text(names.version) or options.version,
        kind=kind if kind in KINDS else kind_of(f"{labels.text(names.kpi)} {name}"),
        severity=vocabulary.severity(labels.text(names.severity)),
        environment=vocabulary.environment(environment),
        opened=opened,
        closed=closed,
    )


def fingerprint(labels: Reader) -> str:
    """Of the set of labels, where the sender gives none."""
    told = "\0".join(f"{name}\0{value.text()}" for name, value in sorted(labels.entries()))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def kind_of(name: str) -> str:
    """What a monitor of that name looks at; empty when its name does not tell."""
    # Words run together in the names of rules: ModelDriftHigh, model_drift_score.
    return next((kind for kind, words in _KINDS if words.search(name)), "")


def events(alert: Alert, context: Context, *, values: Mapping[str, float] | None = None) -> Iterator[Event]:
    """That it opened, which is told alike as often as it is told, and that it closed. `values`: of KPIs when it did."""
    model = context.model(alert.model, alert.version)
    if values and alert.version:
        measured = alert.opened.isoformat()
        metrics = [{"name": name, "value": value, "measuredAt": measured} for name, value in sorted(values.items())]
        model = model.saying(assay_modelMetrics={"metrics": metrics})
    yield _event(alert, context, model, is_end=False)
    if alert.closed is not None:
        yield _event(alert, context, context.model(alert.model, alert.version), is_end=True)


def _event(alert: Alert, context: Context, model: Dataset, *, is_end: bool) -> Event:
    opened = alert.opened.isoformat()
    said: dict[str, Any] = {"id": f"{alert.fingerprint}@{opened}", "openedAt": opened}
    said |= {key: value for key, value in (("kind", alert.kind), ("severity", alert.severity)) if value}
    at, type = alert.opened, Type.START
    if is_end and alert.closed is not None:
        at, type = alert.closed, Type.COMPLETE
        said["closedAt"] = at.isoformat()
    facets: dict[str, Mapping[str, Any]] = {"assay_alerts": {"alerts": [said]}}
    if alert.kind:
        facets["assay_monitors"] = {"monitors": [{"kind": alert.kind, "hasLimit": True, "hasRecipient": True}]}
    if alert.environment:
        facets["assay_run"] = {"environment": alert.environment}
    return openlineage.of_run(
        type,
        at=at,
        run=openlineage.run_id(context.namespace, "alert", alert.fingerprint, opened),
        job=context.job(alert.name),
        inputs=[model],
        facets=facets,
    )


def group_key(said: Reader) -> str:
    """Of a group of alerts: the same as long as the same alerts are told to be in the same state.

    A group is sent again every `repeat_interval`, and no system of this family names its deliveries.
    """
    alerts = sorted(
        (one.text("fingerprint") or fingerprint(one.at("labels")), one.text("startsAt"), one.text("status"))
        for one in said.items("alerts")
    )
    return hashlib.sha256(repr(alerts).encode("utf-8", "surrogatepass")).hexdigest() if alerts else ""
