"""A condition compiles with types or is refused with its place, and it ends whatever it says."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.checks import conditions
from policies.checks.base import Facts
from policies.checks.condition import Condition, ConditionParameters, values

MANY = {
    **values(Facts()),
    "tags": ["x" * 5_000] * 1_000,
    "kpi": {f"metric {number}": 0.5 for number in range(1_000)},
    "commit": "a" * 100_000,
}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kpi.auc", "condition gives double and not yes or no"),
        ("kpi.auc >= 1", "numbers that have a point"),
        ("kpi.auc >= '1'", "(column 9)"),
        ("kip.auc >= 1.0", "condition: there is no 'kip' (column 4); there are commit, data_classes"),
        ("kpi.auc >", "Syntax error"),
        ("true &&\n tier == 1", "no matching overload for '_==_' applied to '(string, int)' (line 2, column 7)"),
        ("commit.matches('a')", "texts cannot be put together or matched"),
        ("commit + tier == 'x'", "texts cannot be put together"),
        ("(" * 400 + "true" + ")" * 400, "condition is nested too deeply"),
        ("", "condition"),
        ("import os", "reserved identifier"),
        ("__import__('os')", "there is no"),
    ],
)
def test_what_is_no_condition_is_refused_when_the_policy_is_saved(text: str, problem: str) -> None:
    said = Condition().problem(ConditionParameters(condition=text))

    assert problem in said


@pytest.mark.parametrize(
    "text",
    [
        "tags.all(a, tags.all(b, tags.all(c, a == b && b == c)))",
        "tags.exists(a, " + "||".join(["a.contains('xxxxxxxxxxxxy')"] * 30) + ")",
        "tags.map(a, [" + ",".join(["tags"] * 150) + "]).size() == 1",
        "tags.map(a, " + "+".join(["tags"] * 12) + ").size() == 1",
        "kpi.all(a, kpi.all(b, kpi[a] == kpi[b]))",
        "tags.filter(a, tags.filter(b, b == a).size() > 1).size() > 3",
        "tags.map(a, tags.map(b, [a, b])).size() > 3",
    ],
)
def test_the_longest_of_them_is_cut_off(text: str) -> None:
    begun = time.process_time()

    conditions.evaluate(text, MANY)

    assert time.process_time() - begun < 2


WORDS = st.sampled_from(
    ["kpi.auc", "kpi", "tags", "tier", "'high'", "0.5", "1", "&&", "||", "!", "(", ")", "==", ">", ">=", "in", "has("]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=60))
def test_any_text_is_refused_or_answered_and_what_is_missing_passes_nothing(text: str) -> None:
    try:
        conditions.compiled(text)
    except conditions.NotACondition:
        return
    answer = conditions.evaluate(text, values(Facts()))

    assert (answer.holds is None) == (answer.trouble is not None)
