"""The ML Test Score: the models of models.yaml, and what results of tests are worth."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from assessments import catalogue, testscore
from assessments.framework import Rubric
from assessments.items import State
from assessments.judging import Exemption
from assessments.testscore import Earned, PointEvidence, Report
from tests.assessments.evidence import AT

MODELS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "models.yaml").read_text())
LATER = AT + timedelta(days=9)
WORDS = {
    "full": PointEvidence(full=State.TRUE, half=State.TRUE),
    "half": PointEvidence(full=State.FALSE, half=State.TRUE),
    "none": PointEvidence(full=State.FALSE, half=State.FALSE),
    "unknown": PointEvidence(missing=("test_result",)),
    "report": PointEvidence(report=Report(is_reviewed=True, expires_at=LATER)),
    "late report": PointEvidence(report=Report(is_reviewed=True, expires_at=AT)),
    "exempted": PointEvidence(full=State.FALSE, exemption=Exemption(ends_at=LATER)),
}


def rubric() -> Rubric:
    found = catalogue.load().frameworks["ml-test-score"]
    assert isinstance(found, Rubric)
    return found


@pytest.mark.parametrize("case", [pytest.param(case, id=case["model"]) for case in MODELS])
def test_the_model_comes_out_as_worked_by_hand(case: dict[str, Any]) -> None:
    points = {}
    for test in rubric().tests:
        word = case.get("tests", {}).get(test.section, {}).get(test.number, case.get("begins", "full"))
        points[test.id] = testscore.points(test, WORDS[word], at=AT)

    scored = testscore.score(rubric(), points)

    expected = dict(case["expect"])
    for section, value in expected.pop("sections", {}).items():
        found = next(one for one in scored.sections if one.section == section)
        assert found.score == pytest.approx(value), section
    if "next" in expected:
        steps = testscore.next_tests(rubric(), points, limit=2)
        assert [test.id for test, _ in steps] == expected.pop("next")
    for name, value in expected.items():
        got = getattr(scored, name)
        assert (list(got) if name == "deciding" else got) == (
            pytest.approx(value) if isinstance(value, float) else value
        ), name


def test_a_team_shows_its_middle_and_lowest_model() -> None:
    def model(section: str, number: int) -> testscore.TestScore:
        tests = rubric().tests
        return testscore.score(
            rubric(),
            {
                test.id: testscore.points(
                    test, WORDS["none" if test.section == section and test.number <= number else "full"], at=AT
                )
                for test in tests
            },
        )

    team = testscore.team({"a": model("data", 6), "b": model("monitor", 2), "c": model("monitor", 4)})

    assert (team.median, team.lowest, team.lowest_models) == (3, 1, ("a",))
    assert team.decided_by == pytest.approx({"data": 1 / 3, "monitor": 2 / 3})
    assert testscore.team({}).median is None


def result(days: float, **more: Any) -> testscore.TestResult:
    said: dict[str, Any] = {
        "is_automated": True,
        "started_by": "ci",
        "on_current": True,
        "on_predecessor": False,
        "passed_or_blocked": True,
    }
    return testscore.TestResult(at=AT - timedelta(days=days), **(said | more))


@pytest.mark.parametrize(
    ("results", "full", "half"),
    [
        (None, State.UNKNOWN, State.UNKNOWN),
        ([], State.FALSE, State.FALSE),
        ([result(1)], State.FALSE, State.TRUE),
        ([result(1), result(100)], State.TRUE, State.TRUE),
        ([result(1), result(181)], State.FALSE, State.TRUE),
        ([result(91), result(100)], State.FALSE, State.TRUE),
        ([result(1, passed_or_blocked=False), result(2)], State.FALSE, State.TRUE),
        ([result(1, started_by="person"), result(2)], State.FALSE, State.TRUE),
        ([result(1, on_current=False), result(2)], State.FALSE, State.TRUE),
        ([result(1, is_automated=False)], State.FALSE, State.FALSE),
        ([result(1, is_automated=False, was_read_by_another=True)], State.FALSE, State.TRUE),
        ([result(1, on_current=False)], State.FALSE, State.FALSE),
        ([result(1, on_current=False, on_predecessor=True)], State.FALSE, State.TRUE),
        ([result(-1), result(-2)], State.FALSE, State.FALSE),
    ],
)
def test_results_earn_points(results: list[testscore.TestResult] | None, full: State, half: State) -> None:
    assert testscore.earned(results, at=AT) == {Earned.FULL: full, Earned.HALF: half}


def test_nobody_loses_a_point_by_a_better_proof() -> None:
    test = rubric().tests[0]
    order = ["none", "half", "full"]

    earned = [testscore.points(test, WORDS[word], at=AT).points for word in order]

    assert earned == sorted(earned)
    unknown = testscore.points(test, WORDS["unknown"], at=AT)
    assert (unknown.points, unknown.possible) == (0, 1)
