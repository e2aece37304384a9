"""Findings on fairness and explanations as charts, on the page and in the record."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
import yaml
from django.test import Client

from governance.models import User
from policies import checks
from policies.checks.base import Facts
from policies.checks.catalogue import CHECKS
from policies.models import Finding, Promotion
from portal.charts import attributions, intervals
from portal.charts.chart import Chart
from tests.portal import printed

CASES = Path(checks.__file__).parent / "cases"
HOSTILE = '<script>alert("x")</script> & co'
SPREAD = [[0, 0, 0, 0]] * 24 + [[5, 3, 1, 0]] + [[0, 1, 9, 2]] + [[0, 0, 0, 0]] * 22
EXPLAINED: dict[str, Any] = {
    "additivity_error": 1e-6,
    "protected_share": 0.25,
    "rows": 21,
    "top": ["income"],
    "features": [
        {"feature": "income", "mean_absolute": 0.6, "mean": 0.1, "share": 0.75, "roles": [], "spread": SPREAD},
        {"feature": HOSTILE, "mean_absolute": 0.2, "mean": 0.0, "share": 0.25, "roles": ["protected"], "spread": []},
    ],
    "lowest": -1.0,
    "highest": 1.0,
    "parts": 48,
}


def fairness(case: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the check measured and required in one of its cases, as it is stored."""
    said = yaml.safe_load((CASES / "fairness.yaml").read_text())[case]
    check = CHECKS["fairness"]
    found = check.judge(msgspec.convert(said["parameters"], check.parameters), msgspec.convert(said["facts"], Facts))
    return json.loads(json.dumps([found.measured, found.required]))  # type: ignore[no-any-return]


def texts(charts: Sequence[Chart]) -> str:
    return " ".join("".join(ElementTree.fromstring(chart.drawing).itertext()) for chart in charts)


@pytest.mark.parametrize("case", range(6))
def test_every_fairness_finding_is_drawn_with_its_bound_and_groups(case: int) -> None:
    measured, required = fairness(case)
    if measured is None:
        pytest.skip("nothing was measured in this case")

    charts = intervals.charts("f", measured, required)

    said = texts(charts)
    for group in measured["groups"]:
        assert group["group"] in said
    rows = {row[0] for chart in charts for row in chart.rows}
    assert {group["group"] for group in measured["groups"]} <= rows
    identities = [element.get("id") for chart in charts for element in ElementTree.fromstring(chart.drawing).iter()]
    assert len([one for one in identities if one]) == len({one for one in identities if one})


def test_what_is_not_known_is_drawn_without_ends() -> None:
    group = {"group": HOSTILE, "measure": "accuracy", "rows": 3, "is_small": True}
    unknown = group | {"value": None, "lower": None, "upper": None}
    endless = group | {"group": "b", "value": 0.5, "lower": None, "upper": None}
    measured = {
        "metric": "accuracy_difference",
        "value": 0.5,
        "value_judged": None,
        "lower": None,
        "upper": None,
        "groups": [unknown, endless],
        "breaking": [],
    }

    charts = intervals.charts("f", measured, {"maximum": 0.1, "confidence": 0.95})

    assert [chart.title for chart in charts] == ["Accuracy difference against its bound", "Accuracy"]
    assert HOSTILE in texts(charts)
    assert "<script" not in "".join(chart.drawing for chart in charts)
    assert charts[1].rows[0] == (HOSTILE, "3", "-", "-", "-", "too few rows")


def test_many_groups_are_drawn_in_part_and_told_in_full() -> None:
    measured, required = fairness(0)
    model = measured["groups"][0]
    measured["groups"] = [model | {"group": f"g{number}", "rows": number} for number in range(200)]

    (_, chart) = intervals.charts("f", measured, required)

    assert len(chart.rows) == 200
    assert "170 more groups are in the table" in chart.caption


def test_attributions_are_drawn_as_bars_and_swarm() -> None:
    bars, swarm = attributions.charts("e", EXPLAINED)

    assert "75.0%" in texts([bars])
    assert "protected" in texts([bars])
    assert [row[0] for row in bars.rows] == ["income", HOSTILE]
    assert swarm.rows == (("income", "raise the answer", "0.02083", "0.05833"),) or swarm.rows[0][1] != "not known"
    assert {element.get("class") for element in ElementTree.fromstring(swarm.drawing).iter()} >= {
        "chart__dot chart__dot--low",
        "chart__dot chart__dot--high",
        "chart__dot chart__dot--unknown",
    }


def test_a_model_that_nothing_moves_is_drawn_all_the_same() -> None:
    still = {"feature": "a", "mean_absolute": 0.0, "mean": 0.0, "share": 0.0, "roles": []}
    measured = EXPLAINED | {"features": [still | {"spread": SPREAD}], "lowest": 0.0, "highest": 0.0}

    assert len(attributions.charts("e", measured)) == 2


@pytest.fixture
def drawn(ask: Callable[..., Promotion], judge: Callable[[Promotion], Promotion]) -> Promotion:
    """A decided promotion that has a finding on fairness and one on explanations beside its own."""
    promotion = judge(ask())
    measured, required = fairness(0)
    for check, found, needed in (
        ("fairness", measured, required),
        ("explanations", EXPLAINED, {"maximum_protected_share": 0.3}),
    ):
        Finding.objects.create(
            promotion=promotion,
            position=promotion.findings.count(),
            check_id=check,
            mode="enforce",
            is_done=True,
            outcome="pass",
            summary=f"The {check} of {HOSTILE}.",
            measured=found,
            required=needed,
        )
    return promotion


@pytest.mark.django_db
def test_the_page_shows_the_charts_with_their_tables(
    drawn: Promotion, member: User, sign_in: Callable[[User], Client]
) -> None:
    answer = sign_in(member).get(f"/promotions/{drawn.uuid}")

    page = answer.content.decode()
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg" class="chart"') == 4
    assert page.count("As a table") == 4
    assert "<script>alert" not in page
    assert f"/api/v1/reports/promotions/{drawn.uuid}.pdf" in page


@pytest.mark.django_db
@printed.needs_pango
def test_the_record_is_a_pdf_with_charts_and_data(
    drawn: Promotion, member: User, sign_in: Callable[[User], Client]
) -> None:
    answer = sign_in(member).get(f"/api/v1/reports/promotions/{drawn.uuid}.pdf", headers={"accept": "application/pdf"})

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    said = printed.unpacked(answer.content)
    assert b"promotion.json" in said
    assert json.dumps(str(drawn.uuid)).encode() in said
    assert b'"fairness"' in said


@pytest.mark.django_db
def test_there_is_no_record_of_an_unknown_promotion(member: User, sign_in: Callable[[User], Client]) -> None:
    answer = sign_in(member).get(f"/api/v1/reports/promotions/{'0' * 8}-0000-4000-8000-{'0' * 12}.pdf")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
