"""What a new text of a policy asks otherwise, in sentences and line by line."""

import pytest

from policies import differences
from tests.policies.test_what_is_wrong_with_a_document import GOOD


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("minimum: 0.8", "minimum: 0.8  # agreed", []),
        ("minimum: 0.8", "minimum: 0.9", ["kpi of auc: minimum 0.9 instead of 0.8."]),
        ("minimum: 0.8\n    mode: warn", "minimum: 0.9", ["minimum 0.9 instead of 0.8, enforce instead of warn."]),
        ("mode: warn", "mode: shadow", ["kpi {metric: auc, minimum: 0.8}: shadow instead of warn."]),
        (
            "metric: auc",
            "metric: f1",
            ["Asks kpi {metric: f1, minimum: 0.8} as well (warn).", "no more (warn before)."],
        ),
        ("- check: ownership\n    roles: [steward]", "- check: lineage-complete", ["Asks lineage-complete", "no more"]),
        ("count: 2", "count: 1", ["Approvals: 1 instead of 2."]),
        ("stage: production", "stage: staging", ["It applies to other promotions."]),
        (
            "approvals:",
            "effective_from: 2027-01-01\napprovals:",
            ["It takes effect 2027-01-01 00:00:00+00:00 instead of"],
        ),
    ],
)
def test_it_is_told_in_sentences(old: str, new: str, told: list[str]) -> None:
    assert old in GOOD

    said = differences.meaning(GOOD, GOOD.replace(old, new))

    assert len(said) == len(told)
    for sentence, part in zip(said, told, strict=True):
        assert part in sentence


def test_lines_carry_their_numbers_in_both() -> None:
    lines = differences.lines(GOOD, GOOD.replace("minimum: 0.8", "minimum: 0.9"))

    changed = [(line.kind, line.old, line.new) for line in lines if line.kind in {"added", "removed"}]
    assert changed == [("removed", 6, None), ("added", None, 6)]
    assert differences.lines(GOOD, GOOD) == []
    assert differences.unified(GOOD, GOOD, old_name="a", new_name="b") == ""


def test_a_text_that_is_no_policy_any_more_is_said_to_be_none() -> None:
    assert "no valid policy any more" in differences.meaning("policy: x", GOOD)[0]
