"""Exports of monitors that have no connector of their own, such as Orbit: values of a model version with limits."""

from collections.abc import Iterator
from typing import Any

from integrations.openlineage import Event
from integrations.systems import measures, uploads, vocabulary
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader
from integrations.systems.uploads import UploadOptions

EXPORT = "export"
KINDS = frozenset(
    {"service_health", "input_data", "model_quality", "business_outcome", "skew", "staleness", "freshness"}
)
MOST = 5_000


def type_of(message: Message) -> str:
    if uploads.body(message).at("records"):
        return EXPORT
    raise Refused("records", "is missing.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    upload = uploads.read(message, context)
    if upload.model is None:
        raise Refused("model", "is missing: say in the connection or with the export of which version it is.")
    records = list(upload.report.items("records"))[:MOST]
    times = [time for one in records if (time := one.time("time"))]
    at = upload.at or max(times, default=message.received_at)
    monitor = upload.report.text("monitor") or "monitor"
    found: list[dict[str, Any] | None] = []
    kinds: dict[str, bool] = {}
    alerts: list[dict[str, Any]] = []
    for one in records:
        name, time = one.text("metric"), one.time("time") or at
        metric = measures.metric(name, one.at("value"), one.text("segment"))
        if metric is not None:
            found.append(metric | {"measuredAt": time.isoformat()})
        kind = one.text("kind") if one.text("kind") in KINDS else "model_quality"
        if name:
            kinds[kind] = kinds.get(kind, False) or one.number("threshold") is not None
        if alert := _alert(one, f"{monitor}/{name}/{one.text('segment')}".rstrip("/"), kind, time.isoformat()):
            alerts.append(alert)
    if not found and not alerts:
        raise Refused("records", "hold neither a value nor an alert.")
    facets: dict[str, dict[str, Any]] = {
        "assay_monitors": {"monitors": [{"kind": kind, "hasLimit": limit} for kind, limit in sorted(kinds.items())]}
    }
    if alerts:
        facets["assay_alerts"] = {"alerts": alerts}
    model = measures.measured(upload.model, found, at=at, on=upload.dataset)
    yield uploads.of(upload, context.job(f"{monitor}/{model.name}"), at=at, model=model, facets=facets)


def _alert(one: Reader, name: str, kind: str, at: str) -> dict[str, Any] | None:
    """`status` alert or ok: the one opens, the other closes the alert of this series."""
    status = one.text("status").lower()
    if status not in {"alert", "firing", "ok", "resolved"}:
        return None
    key = "openedAt" if status in {"alert", "firing"} else "closedAt"
    severity = vocabulary.severity(one.text("severity")) or "warning"
    return {"id": name[:200], "kind": kind, "severity": severity, key: at}


SYSTEM = System(
    slug="monitor_export",
    title="Exports of other monitors",
    group=Group.MONITORING,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    schemes=(Scheme.BEARER, Scheme.STANDARD_WEBHOOKS),
    handled={EXPORT: "values of series, whether they have limits, and alerts that opened or closed"},
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.KPI, Fact.ALERT}),
    setup=(
        "For monitors such as Orbit that export what they measured. Send or import:\n\n"
        "```json\n"
        '{"model": {"name": "loans", "version": "7"}, "report": {"monitor": "orbit", "records": [\n'
        '  {"metric": "psi", "value": 0.31, "segment": "age", "threshold": 0.2, "kind": "input_data",\n'
        '   "status": "alert", "severity": "critical", "time": "2026-03-01T10:00:00Z"}]}}\n'
        "```\n\n"
        "`status` (alert or ok), `threshold`, `segment`, `severity` and `kind` may be absent."
    ),
    options=UploadOptions,
    type_of=type_of,
    translate=translate,
    read_files=uploads.read_files(type_of),
)
