"""The sentence at the head of a promotion says where it stands and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from policies.evaluation import State
from portal import verdicts


@dataclass(frozen=True)
class Finding:
    outcome: str
    summary: str = ""
    mode: str = "enforce"
    is_waived: bool = False


def headline(
    state: State,
    findings: Sequence[Finding],
    *,
    approved: Sequence[str] = (),
    rejected: Sequence[str] = (),
    need: int = 0,
) -> verdicts.Headline:
    return verdicts.headline(
        state=state, findings=findings, approved_by=approved, rejected_by=rejected, approvals_required=need
    )


def test_a_promotion_under_way_counts_what_has_finished() -> None:
    assert headline(State.CHECKING, [Finding("pass"), Finding("pending")]).detail == "1 of 2 checks finished."


@pytest.mark.parametrize(
    ("findings", "rejected", "detail"),
    [
        ([Finding("fail"), Finding("fail"), Finding("unknown")], [], "2 checks failed, 1 check could not be answered."),
        ([Finding("error"), Finding("error")], [], "2 checks ended in an error."),
        ([Finding("fail", mode="shadow"), Finding("fail", "auc is too low.")], [], "auc is too low."),
        ([Finding("fail", "auc is low."), Finding("unknown", "No recall.")], [], "auc is low. No recall."),
        ([Finding("fail", "auc is low.")] * 3, [], "3 checks failed."),
        ([Finding("unknown", "No policy applies.")], [], "No policy applies."),
        ([Finding("pass")], ["Approver"], "Rejected by Approver."),
        ([Finding("fail", "auc is low."), Finding("fail", "No owner.", is_waived=True)], [], "auc is low."),
        ([Finding("fail", "auc is too low.")], ["Approver"], "Rejected by Approver. auc is too low."),
    ],
)
def test_a_blocked_promotion_names_what_blocked_it(findings: list[Finding], rejected: list[str], detail: str) -> None:
    assert headline(State.BLOCKED, findings, rejected=rejected).detail == detail


def test_a_waiting_promotion_counts_the_missing_approvals() -> None:
    found = headline(State.WAITING, [Finding("pass")], approved=["Approver"], need=3)

    assert (found.title, found.detail) == (
        "Waiting for 2 approvals",
        "No check stands in the way. 1 of 3 given.",
    )


def test_a_finding_that_may_not_block_is_told_all_the_same() -> None:
    found = headline(State.PASSED, [Finding("pass"), Finding("fail", mode="shadow")])

    assert found.detail == "No check stands in the way; 1 check did not pass but may not block."


def test_a_passed_promotion_names_who_approved() -> None:
    found = headline(State.PASSED, [Finding("pass")], approved=["Approver"], need=1)

    assert found.detail == "No check stands in the way. Approved by Approver."


@pytest.mark.parametrize(
    ("findings", "detail"),
    [
        ([Finding("fail", is_waived=True)], "1 check is waived."),
        ([Finding("fail"), Finding("unknown")], "2 checks are waived."),
        (
            [Finding("fail"), Finding("fail", mode="warn")],
            "1 check is waived and 1 check did not pass but may not block.",
        ),
    ],
)
def test_a_passed_promotion_tells_what_was_waived(findings: list[Finding], detail: str) -> None:
    assert headline(State.PASSED, findings).detail == f"No check stands in the way; {detail}"
