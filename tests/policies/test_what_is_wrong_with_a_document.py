"""A policy document with errors says each with line, column and path."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import yamldocuments
from policies import documents
from policies.checks.base import Mode

GOOD = """\
policy: production-credit
applies: {stage: production, model: {name: credit-*}}
rules:
  - check: kpi
    metric: auc
    minimum: 0.8
    mode: warn
  - check: ownership
    roles: [steward]
approvals: {count: 2}
"""


def test_a_good_document_is_read_whole() -> None:
    policy = documents.parse(GOOD)

    assert (policy.slug, policy.approvals) == ("production-credit", 2)
    assert [(rule.check.id, rule.mode) for rule in policy.rules] == [
        ("kpi", Mode.WARN),
        ("ownership", Mode.ENFORCE),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("metric: auc", "metrik: auc", ["5:5: rules[0].metrik: unknown field"]),
        ("minimum: 0.8", "minimum: high", ["6:5: rules[0].minimum: expected"]),
        ("minimum: 0.8", "minimum: .nan", ["6:14: rules[0].minimum: is not a finite number"]),
        ("minimum: 0.8", "minimum: 0.8\n    maximum: 0.1", ["6:5: rules[0].minimum: minimum 0.8 is above maximum"]),
        ("minimum: 0.8", "minimum: 0.8\n    minimum: 0.9", ["7:5: rules[0].minimum: stands twice"]),
        ("check: kpi", "check: kpis", ["4:5: rules[0].check: there is no check 'kpis'; did you mean 'kpi'?"]),
        ("mode: warn", "mode: loud", ["7:5: rules[0].mode: invalid enum value"]),
        ("stage: production", "stage: 7", ["2:11: applies.stage: expected"]),
        ("name: credit-*", "tier: [hihg]", ["2:45: applies.model.tier[0]: invalid enum value"]),
        ("name: credit-*", "tier: []", ["2:38: applies.model.tier: selects nothing"]),
        ("name: credit-*", "name: ''", ["2:38: applies.model.name: selects nothing"]),
        ("{name: credit-*}", "{}", ["2:30: applies.model: selects nothing"]),
        ("{name: credit-*}", "{nmae: credit-*}", ["unknown field; did you mean 'name'?"]),
        ("model: {name: credit-*}", "team: []", ["2:30: applies.team: selects nothing"]),
        ("approvals:", "effective_from: tomorrow\napprovals:", ["10:1: effective_from: is neither a day"]),
        ("mode: warn", "mode: warn\n    effective_from: 2027-02-30", ["8:5: rules[0].effective_from: is neither"]),
        ("mode: warn", "mode: warn\n    effective_from: 2027-01-01T00:00:00", ["rules[0].effective_from: is neither"]),
        (
            "    mode: warn",
            "  - {check: kpi, metric: auc, minimum: 0.8}",
            ["7:5: rules[1]: is the same rule as", "line 4"],
        ),
        (
            "  - check: ownership",
            "  - {check: kpi, metric: auc, minimum: 0.8, mode: off}\n  - check: ownership",
            ["8:45: rules[1].mode: asks the same as the rule in line 4, in the mode off here and warn there"],
        ),
        (
            "  - check: ownership",
            "  - {check: kpi, metric: auc, maximum: 0.7}\n  - check: ownership",
            ["8:31: rules[1].maximum: 0.7 is below the minimum of 0.8 in line 4: nothing keeps both"],
        ),
        ("approvals: {count: 2}", "approvals: {count: -1}", ["10:13: approvals.count: expected"]),
        ("approvals: {count: 2}", "aprovals: {count: 2}", ["10:1: aprovals: unknown field"]),
        ("policy: production-credit", "policy: Production Credit", ["1:1: policy: expected"]),
        ("policy: production-credit", "description: no name", ["1:1: policy: is missing"]),
        ("roles: [steward]", "roles: [king]", ["9:5: rules[1].roles[0]: invalid enum value", "9:13"]),
        ("roles: [steward]", "roles: &all [steward]\n    more: *all", ["aliases are not taken"]),
        ("roles: [steward]", "roles: !!python/name:os.system [x]", ["9:12: rules[1].roles: the tag"]),
        ("rules:", "rules: []\nothers:", ["rules"]),
    ],
)
def test_an_error_names_its_place(old: str, new: str, expected: list[str]) -> None:
    assert old in GOOD

    with pytest.raises(yamldocuments.BadDocument) as caught:
        documents.parse(GOOD.replace(old, new))

    assert any(part in str(caught.value) for part in expected), str(caught.value)


def test_what_was_published_before_a_contradiction_was_refused_still_judges() -> None:
    text = GOOD.replace("  - check: ownership", "  - {check: kpi, metric: auc, maximum: 0.7}\n  - check: ownership")
    with pytest.raises(yamldocuments.BadDocument):
        documents.parse(text)

    assert len(documents.published(text).rules) == 3


def test_all_errors_are_told_at_once() -> None:
    text = GOOD.replace("minimum: 0.8", "minimum: high\n    maximun: 1").replace("[steward]", "[king]")
    text = text.replace("count: 2", "count: x").replace("stage: production", "stage: 7, tema: x")

    with pytest.raises(yamldocuments.BadDocument) as caught:
        documents.parse(text)

    assert [error.line for error in caught.value.errors] == [2, 2, 6, 7, 10, 11]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "[]",
        "- x",
        "x",
        "{",
        "a: b: c",
        "\tx: 1",
        "? [a]\n: 1",
        "a: " + "[" * 3000,
        "é: \x07",
        "1: 2",
        "a: \ud800",
    ],
)
def test_what_is_no_policy_is_refused_with_a_place(text: str) -> None:
    with pytest.raises(yamldocuments.BadDocument) as caught:
        documents.parse(text)

    assert all(error.line >= 1 and error.column >= 1 for error in caught.value.errors)


def test_a_huge_document_is_refused() -> None:
    with pytest.raises(yamldocuments.BadDocument, match="larger than"):
        documents.parse("policy: " + "x" * yamldocuments.MAX_BYTES)


@given(st.text(max_size=200) | st.lists(st.sampled_from(GOOD.splitlines()), max_size=12).map("\n".join))
def test_any_text_is_a_policy_or_a_refusal(text: str) -> None:
    with suppress(yamldocuments.BadDocument):
        assert documents.parse(text).slug
