"""What /metrics shows of the model versions that are live: their verdict, KPIs with their bounds, drift, incidents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lineage import evidence, selectors
from policies import incidents
from policies.evaluation import State
from policies.incidentmodels import Incident
from policies.models import Finding, Promotion

# What a scrape can take. Whoever has more reads the API.
MAX_VERSIONS = 2_000
LABELS = ("namespace", "model", "version", "stage")
UNJUDGED = "none"


@dataclass(frozen=True, slots=True)
class _Live:
    """`served`: the version as its deployment names it. `has_names`: it has others."""

    version: UUID
    stage: str
    labels: tuple[str, str, str, str]
    served: UUID
    has_names: bool = False


class Production(Collector):
    """One set of figures for each model version that is live at a stage."""

    def collect(self) -> Iterable[Metric]:
        versions = _live()
        newest = _newest([one.version for one in versions])
        findings = _findings([promotion.pk for promotion in newest.values()])
        verdict = GaugeMetricFamily(
            "assay_model_verdict", "1 for the state of the newest promotion of what is live.", labels=[*LABELS, "state"]
        )
        for one in versions:
            promotion = newest.get((one.version, one.stage))
            verdict.add_metric([*one.labels, promotion.state if promotion else UNJUDGED], 1)
        yield verdict
        yield from _kpis(versions, newest, findings)
        yield from _drift(versions, newest, findings)
        yield _incidents()


def _live() -> list[_Live]:
    """Versions that deployments read, and of models that none is known to read those that passed last into a stage."""
    versions = incidents.live_versions()
    found = {
        (one.version, one.stage): _Live(
            one.version, one.stage, (one.namespace, one.name, one.key, one.stage), one.served, bool(one.others)
        )
        for one in versions
    }
    deployed = {(name.namespace, name.name, name.stage) for one in versions for name in one.names}
    passed = Promotion.objects.filter(state=State.PASSED).order_by("model", "stage", "-decided_at", "-id")
    for row in passed.distinct("model", "stage").only("namespace", "model_name", "version", "stage", "model_version"):
        if (row.namespace, row.model_name, row.stage) not in deployed:
            labels = (row.namespace, row.model_name, row.version, row.stage)
            found[row.model_version, row.stage] = _Live(row.model_version, row.stage, labels, row.model_version)
    return sorted(found.values(), key=lambda one: one.labels)[:MAX_VERSIONS]


def _newest(versions: Sequence[UUID]) -> dict[tuple[UUID, str], Promotion]:
    rows = (
        Promotion.objects.filter(model_version__in=versions)
        .exclude(state=State.WITHDRAWN)
        .order_by("model_version", "stage", "-id")
        .distinct("model_version", "stage")
    )
    return {(row.model_version, row.stage): row for row in rows}


def _findings(promotions: Sequence[int]) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    rows = Finding.objects.filter(promotion__in=promotions, check_id__in=["kpi", "drift"], is_done=True)
    for row in rows.only("promotion_id", "check_id", "parameters", "measured", "required"):
        found.setdefault(row.promotion_id, []).append(row)
    return found


def _kpis(
    versions: Sequence[_Live],
    newest: dict[tuple[UUID, str], Promotion],
    findings: dict[int, list[Finding]],
) -> Iterable[Metric]:
    labels = [*LABELS, "kpi", "segment"]
    values = GaugeMetricFamily("assay_model_kpi", "The newest value of a KPI of what is live.", labels=labels)
    bounds = {
        name: GaugeMetricFamily(f"assay_model_kpi_{name}", f"The {name} that the gate asks of the KPI.", labels=labels)
        for name in ("minimum", "maximum")
    }
    measured: dict[UUID, list[tuple[str, str, float]]] = {}
    for row in selectors.newest_observations([one.version for one in versions if not one.has_names]):
        if row.value is not None:
            measured.setdefault(row.version.uuid, []).append((row.metric, row.segment, row.value))
    for one in versions:
        if one.has_names:
            told = evidence.measurements(one.served)
            measured[one.version] = [(row.metric, row.segment, row.value) for row in told if row.value is not None]
        for metric, segment, value in measured.get(one.version, ()):
            values.add_metric([*one.labels, metric, segment], value)
        promotion = newest.get((one.version, one.stage))
        asked: dict[tuple[str, str, str], float] = {}
        for finding in findings.get(promotion.pk, ()) if promotion else ():
            said = finding.parameters
            for name, strictest in (("minimum", max), ("maximum", min)):
                if finding.check_id == "kpi" and isinstance(bound := said.get(name), int | float):
                    for segment in said.get("segments") or [said.get("segment") or ""]:
                        key = (name, said["metric"], segment)
                        asked[key] = strictest(asked.get(key, bound), bound)
        for (name, metric, segment), bound in asked.items():
            bounds[name].add_metric([*one.labels, metric, segment], bound)
    yield values
    yield from bounds.values()


def _drift(
    versions: Sequence[_Live],
    newest: dict[tuple[UUID, str], Promotion],
    findings: dict[int, list[Finding]],
) -> Iterable[Metric]:
    labels = [*LABELS, "column", "measure"]
    values = GaugeMetricFamily("assay_model_drift", "How far a column is from training, as last judged.", labels=labels)
    limits = GaugeMetricFamily("assay_model_drift_maximum", "What the gate allows.", labels=labels)
    for one in versions:
        promotion = newest.get((one.version, one.stage))
        told: set[tuple[str, str]] = set()
        for finding in findings.get(promotion.pk, ()) if promotion else ():
            required = finding.required or {}
            measure = str(required.get("measure", ""))
            for column, document in (finding.measured or {}).items() if finding.check_id == "drift" else ():
                value = document.get("value") if isinstance(document, dict) else None
                if isinstance(value, int | float) and (column, measure) not in told:
                    told.add((column, measure))
                    values.add_metric([*one.labels, column, measure], value)
                    limits.add_metric([*one.labels, column, measure], required["maximum"])
    yield values
    yield limits


def _incidents() -> Metric:
    family = GaugeMetricFamily(
        "assay_model_incident_age_seconds",
        "How long the oldest open incident of its kind about a model version has been open.",
        labels=[*LABELS, "kind", "severity"],
    )
    now = timezone.now()
    oldest: dict[tuple[str, ...], float] = {}
    for row in Incident.objects.filter(closed_at=None).order_by("opened_at")[:MAX_VERSIONS]:
        key = (row.namespace, row.model_name, row.version, row.stage, row.kind, row.severity)
        oldest.setdefault(key, (now - row.opened_at).total_seconds())
    for labels, age in oldest.items():
        family.add_metric(list(labels), age)
    return family
