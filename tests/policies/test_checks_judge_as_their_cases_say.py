"""Each check against its case file."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from policies import checks
from policies.checks.base import Facts, Outcome
from policies.checks.catalogue import CHECKS

CASES = Path(checks.__file__).parent / "cases"


def cases(check_id: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((CASES / f"{check_id}.yaml").read_text())
    return loaded


@pytest.mark.parametrize("check_id", CHECKS)
def test_every_check_has_cases_of_each_kind(check_id: str) -> None:
    outcomes = {case["outcome"] for case in cases(check_id)}

    assert {"pass", "fail", "unknown"} <= outcomes


@pytest.mark.parametrize(
    ("check_id", "case"),
    [pytest.param(check_id, case, id=f"{check_id}: {case['name']}") for check_id in CHECKS for case in cases(check_id)],
)
def test_the_finding_is_the_one_expected(check_id: str, case: dict[str, Any]) -> None:
    check = CHECKS[check_id]
    parameters = msgspec.convert(case["parameters"], check.parameters)

    finding = check.judge(parameters, msgspec.convert(case["facts"], Facts))

    assert finding.outcome is Outcome(case["outcome"]), finding.summary
    if "summary" in case:
        assert finding.summary == case["summary"]
