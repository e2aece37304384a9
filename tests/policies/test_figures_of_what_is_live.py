"""What /metrics says of live model versions, and that the dashboard and the alert rules ask for what it says."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Metric

from governance import metrics
from policies import incidents
from policies.incidentmodels import Incident
from policies.metrics import Production
from tests import factories
from tests.policies import stories
from tests.policies.test_incidents_of_what_is_live import served

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\bassay_\w+")


def figures() -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in Production().collect():
        assert isinstance(family, Metric)
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_each_live_version_has_its_verdict_kpis_and_incidents() -> None:
    stories.publish(
        "policy: credit\napplies: {stage: production}\n"
        "rules:\n  - {check: kpi, metric: auc, minimum: 0.8}\n  - {check: kpi, metric: auc, minimum: 0.85}\n"
    )
    stories.grow(stories.trained("1", auc=0.82), served("1"))
    requester = factories.member(factories.team("credit"), "requester")
    assert stories.judge(stories.ask(requester)).state == "blocked"
    incidents.watch()
    Incident.objects.update(opened_at=Incident.objects.get().opened_at - timedelta(hours=1))
    live = (stories.REGISTRY, "credit", "1", "production")

    found = figures()

    assert found["assay_model_verdict"] == {(*live, "blocked"): 1}
    assert found["assay_model_kpi"] == {(*live, "auc", ""): 0.82}
    assert found["assay_model_kpi_minimum"] == {(*live, "auc", ""): 0.85}
    ((labels, age),) = found["assay_model_incident_age_seconds"].items()
    assert labels == (*live, "unapproved", "critical")
    assert 3_600 <= age < 4_000


def test_a_version_that_passed_is_live_though_no_deployment_is_known() -> None:
    stories.publish(
        "policy: credit\napplies: {stage: production}\nrules:\n  - {check: kpi, metric: auc, minimum: 0.8}\n"
    )
    stories.grow(stories.trained("1"), stories.trained("2"))
    requester = factories.member(factories.team("credit"), "requester")
    for version in ("1", "2"):
        assert stories.judge(stories.ask(requester, version)).state == "passed"

    assert list(figures()["assay_model_verdict"]) == [(stories.REGISTRY, "credit", "2", "production", "passed")]


def test_without_anything_live_nothing_is_said() -> None:
    assert figures() == {}


def expressions() -> Iterator[str]:
    rules: Any = yaml.safe_load((ROOT / "deploy/prometheus/assay.rules.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"critical", "warning"}
            assert rule["annotations"]["summary"]
            yield rule["expr"]
    dashboard: Any = json.loads((ROOT / "deploy/grafana/assay.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in dashboard["templating"]["list"]:
        yield variable.get("definition", "")


def test_the_dashboard_and_the_rules_ask_for_what_is_told() -> None:
    told = {family.name for family in metrics.registry().collect()}
    asked = {name for expression in expressions() for name in NAME.findall(expression)}

    assert asked <= told
    assert {name for name in told if name.startswith("assay_model_")} <= asked
