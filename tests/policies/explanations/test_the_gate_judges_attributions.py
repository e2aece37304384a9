"""From a promotion with files to the finding on explanations: measured once, with production, and when files fail."""

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from governance.confinement import Limits
from governance.models import Team, User
from policies import evidence_files
from policies.explanations import computing
from policies.models import ModelAttributions, Promotion
from tests.policies import stories
from tests.policies.explanations import models

pytestmark = pytest.mark.django_db
POLICY = """\
policy: explained
applies: {{stage: production}}
rules:
  - check: explanations
    {rule}
"""
SENT = "{attributions: shap, minimum_agreement: 0.5}"
COMPUTED = "{model: model, data: holdout, sample: %d}"


def sent(income: float) -> bytes:
    """Attributions of two features to three answers, which add up."""
    rows = [
        f"{income},1,0.5,{0.5 + income + 1}",
        f"{-income},1,0.5,{0.5 - income + 1}",
        f"{income},-1,0.5,{income - 0.5}",
    ]
    return "\n".join(["shap_income,shap_age,base_value,output", *rows]).encode()


@pytest.fixture
def gate(rows: None, team: Team, member: User, settings: Settings, tmp_path: Path) -> Callable[..., Any]:
    """Ask for a version of a model with these files under this rule, and give what was found."""
    settings.DATA_DIR = tmp_path
    stories.owned(team)

    def ask(rule: str, version: str = "1", **files: bytes) -> Any:
        inner = rule.strip("{}").replace(", ", "\n    ")
        stories.publish(POLICY.format(rule=inner))
        stories.grow(stories.trained(version))
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        for name, digest in digests.items():
            evidence_files.store(actor=member, digest=digest, content=[files[name]])
        promotion: Promotion = stories.judge(stories.ask(member, version, evidence=digests))
        found: Any = promotion.findings.get()
        return found

    return ask


def test_sent_attributions_are_judged_with_those_in_production(gate: Callable[..., Any]) -> None:
    first = gate(SENT, "1", shap=sent(3.0))
    second = gate(SENT, "2", shap=sent(2.0))
    third = gate(SENT, "3", shap=sent(0.1))

    assert (first.outcome, second.outcome, third.outcome) == ("pass", "pass", "fail")
    assert first.measured["features"][0]["feature"] == "income"
    assert second.measured["agreement"] == 1
    assert third.summary == "Rank correlation with production (2) is -1.00, below 0.5 (3 rows)."
    assert ModelAttributions.objects.count() == 3


@pytest.mark.slow
def test_the_same_files_and_parameters_are_measured_once(gate: Callable[..., Any], tmp_path: Path) -> None:
    files = {
        "model": models.write_xgboost(tmp_path / "m.ubj").read_bytes(),
        "holdout": models.write_data(tmp_path / "d.parquet").read_bytes(),
    }

    first = gate(COMPUTED % 50, "1", **files)
    again = gate(COMPUTED % 50, "2", **files)

    assert ModelAttributions.objects.count() == 1
    assert (first.outcome, first.measured) == ("pass", again.measured)
    assert first.evidence["digests"].keys() == {"model", "holdout"}
    assert first.evidence["libraries"].keys() == {"xgboost-cpu", "numpy", "duckdb"}

    gate(COMPUTED % 60, "3", **files)

    assert ModelAttributions.objects.count() == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(memory_mib=250, cpu_s=60, wall_s=60), "needs more than 250 MiB"),
        (Limits(memory_mib=4_096, cpu_s=60, wall_s=0.05), "takes longer than 0.05 seconds"),
    ],
)
def test_a_model_that_takes_too_much_blocks_and_is_measured_by_a_worker_that_has_more(
    limits: Limits, says: str, gate: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "model": models.write_onnx(tmp_path / "m.onnx").read_bytes(),
        "holdout": models.write_data(tmp_path / "d.parquet").read_bytes(),
    }
    rule = (
        f"{{model: model, data: holdout, sample: 50, features: {json.dumps(models.FEATURES, separators=(',', ':'))}}}"
    )
    with monkeypatch.context() as small:
        small.setattr(computing, "LIMITS", limits)
        refused = gate(rule, "1", **files)

    assert (refused.promotion.state, refused.outcome) == ("blocked", "unknown")
    assert says in refused.summary
    assert gate(rule, "2", **files).outcome == "pass"


@pytest.mark.parametrize(
    ("rule", "files", "says"),
    [
        (COMPUTED % 50, {"model": pickle.dumps(1), "holdout": b"a\n1"}, "The model is a pickle"),
        (COMPUTED % 50, {"model": b"tree\nversion=v4"}, "names no evidence 'holdout'"),
        (SENT, {"shap": b"shap_a\nx"}, "Column 'shap_a': 1 row is no number"),
        (SENT, {"other": b"x"}, "are not available"),
    ],
)
def test_files_that_cannot_be_used_are_unknown(
    rule: str, files: dict[str, Any], says: str, gate: Callable[..., Any]
) -> None:
    found = gate(rule, **files)

    assert found.outcome == "unknown"
    assert says in found.summary
    assert not ModelAttributions.objects.exists()
