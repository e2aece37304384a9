"""What checks of test results have in common."""

from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from policies.checks.base import Facts, Finding, Parameters
from policies.checks.facts import TestFact
from policies.checks.reasons import Reasons, fresh, listed

Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class TestResultsParameters(Parameters, frozen=True, kw_only=True):
    """Which `tests` must have passed, by shell patterns on their names; each pattern needs at least one.

    `performed_within_days`: older results are unknown. `not_blocking_fail`: tests that were reported as not blocking
    count as well.
    """

    tests: Annotated[list[Glob], msgspec.Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["*"])
    performed_within_days: Annotated[float, msgspec.Meta(gt=0)] | None = None
    not_blocking_fail: bool = False


def judge(category: str, parameters: TestResultsParameters, facts: Facts) -> Finding:
    """Whether every test of the category passed, and there is one for each pattern."""
    of_category = [fact for fact in facts.tests if fact.category == category]
    chosen = [fact for fact in of_category if any(fnmatchcase(fact.name, pattern) for pattern in parameters.tests)]
    reasons = Reasons()
    if unread := [fact for fact in facts.tests if fact.outcome == "unreadable"]:
        reasons.judge(None, f"the newest facet {unread[0].name} is not of its form")
    for pattern in parameters.tests:
        if not any(fnmatchcase(fact.name, pattern) for fact in chosen):
            what = f"no {category} test" if pattern == "*" else f"no {category} test {pattern}"
            reasons.judge(None, f"{what} was reported")
    failed = [fact for fact in chosen if fact.outcome == "failed"]
    counting = [fact for fact in failed if fact.is_blocking or parameters.not_blocking_fail]
    if counting:
        reasons.judge(False, f"failed: {listed(_names(counting))}")
    if skipped := [fact for fact in chosen if fact.outcome not in {"passed", "failed"}]:
        reasons.judge(None, f"skipped: {listed(_names(skipped))}")
    old = [fact for fact in chosen if not fresh(facts.now, fact.performed_at, parameters.performed_within_days, "")[0]]
    if old:
        reasons.judge(None, f"older than {parameters.performed_within_days:g} days: {listed(_names(old))}")
    passed = [fact for fact in chosen if fact.outcome == "passed"]
    if passed:
        tolerated = f", {len(failed)} that do not block failed" if failed else ""
        reasons.judge(True, f"{len(passed)} {category} {'tests' if len(passed) > 1 else 'test'} passed{tolerated}")
    elif chosen and not counting and not skipped:
        reasons.judge(None, "no test passed")
    return Finding(
        outcome=reasons.outcome,
        summary=reasons.sentence,
        measured={"passed": len(passed), "failed": len(failed), "skipped": len(skipped)},
        required={"tests": parameters.tests, "failed": 0},
        evidence={fact.name or category: {"outcome": fact.outcome, "at": fact.performed_at} for fact in chosen},
    )


def _names(tests: list[TestFact]) -> list[str]:
    return [fact.name or "(unnamed)" for fact in tests]
