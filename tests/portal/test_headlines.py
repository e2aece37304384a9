"""The sentence at the head of a promotion says where it stands and why."""

from dataclasses import dataclass

import pytest

from portal import verdicts


@dataclass(frozen=True)
class Finding:
    outcome: str
    mode: str = "enforce"


def test_a_promotion_under_way_counts_what_has_finished() -> None:
    found = verdicts.headline(state="checking", findings=[Finding("pass"), Finding("pending")], approved=0, required=0)

    assert found.detail == "1 of 2 checks finished."


@pytest.mark.parametrize(
    ("findings", "detail"),
    [
        ([Finding("fail"), Finding("fail"), Finding("unknown")], "2 checks failed, 1 check could not be answered."),
        ([Finding("error")], "1 check ended in an error."),
        ([Finding("fail", mode="shadow"), Finding("fail")], "1 check failed."),
        ([Finding("pass")], "It was rejected."),
        ([], "No policy applies to it, and without one nothing is promoted."),
    ],
)
def test_a_blocked_promotion_names_what_blocked_it(findings: list[Finding], detail: str) -> None:
    found = verdicts.headline(state="blocked", findings=findings, approved=0, required=1)

    assert found.detail == detail


def test_a_waiting_promotion_counts_the_missing_approvals() -> None:
    found = verdicts.headline(state="waiting", findings=[Finding("pass")], approved=1, required=3)

    assert found.title == "Waiting for 2 approvals"


def test_a_passed_promotion_says_how_many_approved() -> None:
    found = verdicts.headline(state="passed", findings=[Finding("pass")], approved=1, required=1)

    assert found.detail == "No check stood in the way (1 check). Approved by 1 person."
