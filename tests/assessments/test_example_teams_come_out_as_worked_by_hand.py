"""The teams of teams.yaml, each with its reasoning, against what scoring says."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from assessments import hysteresis, judging, scoring
from assessments.hysteresis import Held
from assessments.judging import Age
from assessments.scoring import Standing
from tests.assessments import evidence

TEAMS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "teams.yaml").read_text())


def number(said: Any) -> Any:
    """A number, or one written as a / b or as a whole and a fraction."""
    if not isinstance(said, str):
        return said if said is None else pytest.approx(said, abs=1e-9)
    whole, _, quotient = said.rpartition(" ") if "/ " not in said else ("", "", said)
    numerator, denominator = quotient.split("/")
    return pytest.approx(float(whole or 0) + float(numerator) / float(denominator), abs=1e-9)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["team"]) for case in TEAMS])
def test_the_team_comes_out_as_worked_by_hand(case: dict[str, Any]) -> None:
    ladder = evidence.ladder(case["framework"])
    ages = tuple(Age(**age) for age in case.get("ages", ()))
    known = (
        {criterion.id: evidence.in_order(criterion, ages) for criterion in ladder.criteria}
        if case.get("begins") != "nothing known"
        else {}
    )
    for criterion, said in case.get("evidence", {}).items():
        assert criterion in known
        known[criterion] = evidence.described(said, ages)
    standing = evidence.RATED
    if "standing" in case:
        days = case["standing"]["heard_days_ago"]
        standing = Standing(
            production_versions=case["standing"]["production_versions"],
            heard_at=None if days is None else evidence.AT - timedelta(days=days),
        )

    results = judging.judge_all(ladder, known, at=evidence.AT)
    plan = scoring.plan(ladder)
    rating = scoring.rate(plan, results, standing, at=evidence.AT)

    expected = dict(case["expect"])
    assert str(rating) == expected.pop("says", str(rating))
    for name in ("ladder_score", "index", "confidence"):
        if name in expected:
            assert getattr(rating, name) == number(expected.pop(name)), name
    for name in ("level", "possible", "capped_at"):
        if name in expected:
            assert getattr(rating, name) == expected.pop(name), name
    for name in ("waiting_on", "obstacles"):
        if name in expected:
            assert list(getattr(rating, name)) == expected.pop(name), name
    if "band" in expected:
        assert rating.band == expected.pop("band")
    if "provisional" in expected:
        assert rating.is_provisional is expected.pop("provisional")
    if "proofs" in expected:
        assert rating.proofs == scoring.ProofBar(**expected.pop("proofs"))
    for row, said in expected.pop("rows", {}).items():
        rated = next(rated for rated in rating.rows if rated.row == row)
        assert (rated.level, rated.possible) == (said["level"], said["possible"]), row
        assert rated.ladder_score == number(said["ladder_score"]), row
    for criterion, said in expected.pop("results", {}).items():
        for name, value in said.items():
            wanted = value if name == "status" else number(value)
            assert getattr(results[criterion], name) == wanted, f"{criterion}.{name}"
    if "actions" in expected:
        actions = scoring.next_actions(plan, results)
        said = expected.pop("actions")
        assert [action.criterion for action in actions] == [one["criterion"] for one in said]
        for action, one in zip(actions, said, strict=True):
            assert action.gain == number(one["gain"])
            assert action.needs_a_source is one.get("needs_a_source", action.needs_a_source)
            passed = scoring.what_if(plan, results, standing, [action.criterion], at=evidence.AT)
            assert passed.ladder_score == pytest.approx((rating.ladder_score or 0) + action.gain)
    if "published" in expected:
        before = Held(**case["before"], is_shown=True) if "before" in case else None
        held = hysteresis.hold(before, rating, hysteresis.broken_controls(ladder, results))
        assert (held.level if held.is_shown else None) == expected.pop("published")
    assert not expected, "every expectation was looked at"


def test_each_kind_of_team_is_among_them_with_all_its_numbers() -> None:
    known = {case["team"]: case for case in TEAMS}

    for name in (
        "nothing in production",
        "level 0",
        "held back by unknowns only",
        "a bypassed gate",
        "exempted",
        "an expired answer",
        "four rows",
    ):
        worked = known[name]
        assert worked["reasoning"]
        assert worked["expect"].keys() >= {"level", "possible", "ladder_score", "index", "confidence"}, name
        # Nothing is next while nothing is rated.
        assert ("actions" in worked["expect"]) is (worked["expect"]["level"] is not None), name
    assert "rows" in known["four rows"]["expect"]
