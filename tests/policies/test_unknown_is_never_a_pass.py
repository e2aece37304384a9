"""Laws of the verdict."""

from hypothesis import given
from hypothesis import strategies as st

from policies.checks.base import Mode, Outcome
from policies.evaluation import Decision, Judged, State, state

FINDINGS = st.builds(
    Judged,
    outcome=st.none() | st.sampled_from(list(Outcome)),
    mode=st.sampled_from([Mode.SHADOW, Mode.WARN, Mode.ENFORCE]),
)
DECISIONS = st.lists(st.sampled_from(list(Decision)), max_size=4)
OPENS = {State.PASSED, State.WAITING}


@given(st.lists(FINDINGS, max_size=6), st.integers(0, 3), DECISIONS)
def test_only_pass_and_not_applicable_open_an_enforced_gate(
    findings: list[Judged], required: int, decisions: list[Decision]
) -> None:
    reached = state(findings=findings, approvals_required=required, decisions=decisions)

    if reached in OPENS:
        enforced = [finding.outcome for finding in findings if finding.mode is Mode.ENFORCE]
        assert set(enforced) <= {Outcome.PASS, Outcome.NOT_APPLICABLE}
        assert findings


@given(st.lists(FINDINGS, max_size=6), FINDINGS, st.integers(0, 3), DECISIONS)
def test_one_more_finding_never_opens_a_blocked_gate(
    findings: list[Judged], more: Judged, required: int, decisions: list[Decision]
) -> None:
    before = state(findings=findings, approvals_required=required, decisions=decisions)
    after = state(findings=[*findings, more], approvals_required=required, decisions=decisions)

    if before is State.BLOCKED and findings:
        assert after not in OPENS


@given(st.lists(FINDINGS, max_size=6), st.integers(0, 3), DECISIONS)
def test_a_rejection_never_passes(findings: list[Judged], required: int, decisions: list[Decision]) -> None:
    reached = state(findings=findings, approvals_required=required, decisions=[*decisions, Decision.REJECT])

    assert reached not in OPENS


def test_nothing_judged_is_blocked() -> None:
    assert state(findings=[], approvals_required=0, decisions=[]) is State.BLOCKED


def test_approvals_are_waited_for() -> None:
    passed = [Judged(outcome=Outcome.PASS, mode=Mode.ENFORCE)]

    assert state(findings=passed, approvals_required=1, decisions=[]) is State.WAITING
    assert state(findings=passed, approvals_required=1, decisions=[Decision.APPROVE]) is State.PASSED
