"""Which policies judge a promotion, and that together they are never less strict than one of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import documents, selection
from policies.checks.base import Mode, Outcome
from policies.evaluation import Judged, State, state
from policies.selection import Candidate

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CREDIT = Candidate(
    stage="production",
    namespace="registry://r",
    model="credit-risk",
    teams=frozenset({"credit"}),
    tier="high",
    tags=frozenset({"pii", "domain", "domain=lending"}),
    data_classes=frozenset({"personal"}),
)


def policy(applies: str, rules: str = "[{check: lineage-complete}]", more: str = "") -> documents.Policy:
    return documents.parse(f"policy: p\napplies: {applies}\nrules: {rules}\n{more}")


@pytest.mark.parametrize(
    ("applies", "matches"),
    [
        ("{stage: production}", True),
        ("{stage: staging}", False),
        ("{stage: [staging, prod*]}", True),
        ("{stage: production, model: {name: credit-*}}", True),
        ("{stage: production, model: {name: Credit-*}}", False),
        ("{stage: production, model: {name: [fraud-*, credit-*]}}", True),
        ("{stage: production, model: {namespace: 'registry://*'}}", True),
        ("{stage: production, model: {namespace: 's3://*'}}", False),
        ("{stage: production, team: credit}", True),
        ("{stage: production, team: [fraud, credit]}", True),
        ("{stage: production, team: fraud}", False),
        ("{stage: production, model: {tier: [life-threatening, high]}}", True),
        ("{stage: production, model: {tier: [low, unclassified]}}", False),
        ("{stage: production, model: {tags: [domain]}}", True),
        ("{stage: production, model: {tags: [domain=lending]}}", True),
        ("{stage: production, model: {tags: [domain=fraud]}}", False),
        ("{stage: production, model: {data_classes: [personal, payment-card]}}", True),
        ("{stage: production, model: {data_classes: [payment-card]}}", False),
        ("{stage: production, team: credit, model: {name: credit-*, tier: [low]}}", False),
    ],
)
def test_everything_that_a_selector_says_must_hold(applies: str, *, matches: bool) -> None:
    assert policy(applies).matches(CREDIT) is matches


def test_a_model_that_nobody_classified_can_be_selected() -> None:
    unknown = Candidate(stage="production", namespace="n", model="m")

    assert policy("{stage: production, model: {tier: [unclassified]}}").matches(unknown)
    assert not policy("{stage: production, model: {tier: [low]}}").matches(unknown)


@pytest.mark.parametrize(
    ("of_rule", "of_policy", "mode"),
    [
        ("", "", Mode.ENFORCE),
        ("2026-06-01", "", Mode.ENFORCE),
        ("2026-06-01T00:00:01Z", "", Mode.SHADOW),
        ("", "2026-06-02", Mode.SHADOW),
        ("2026-06-02", "2026-05-01", Mode.SHADOW),
        ("2026-06-01T02:00:00+02:00", "2026-05-01", Mode.ENFORCE),
    ],
)
def test_until_it_takes_effect_a_rule_is_in_shadow(of_rule: str, of_policy: str, mode: Mode) -> None:
    since = f", effective_from: {of_rule}" if of_rule else ""
    said = policy(
        "{stage: production}",
        f"[{{check: lineage-complete{since}}}]",
        "approvals: {count: 2}\n" + (f"effective_from: {of_policy}" if of_policy else ""),
    )

    chosen = selection.select([("it", said)], CREDIT, NOW)

    assert [asked.mode for asked in chosen.asked] == [mode]
    in_effect = not of_policy or of_policy < "2026-06-02"
    assert (chosen.is_in_effect, chosen.approvals_required) == (in_effect, 2 if in_effect else 0)


def test_it_stays_known_which_policy_asked_for_what() -> None:
    bank = policy("{stage: production}", "[{check: kpi, metric: auc, minimum: 0.8}]", "approvals: {count: 1}")
    team = policy(
        "{stage: production}", "[{check: kpi, metric: auc, minimum: 0.9, mode: warn}]", "approvals: {count: 3}"
    )

    chosen = selection.select([("bank", bank), ("team", team)], CREDIT, NOW)

    assert [(asked.source, asked.mode) for asked in chosen.asked] == [("bank", Mode.ENFORCE), ("team", Mode.WARN)]
    assert [(applied.source, applied.approvals) for applied in chosen.policies] == [("bank", 1), ("team", 3)]
    assert chosen.approvals_required == 3


RULES = st.tuples(st.sampled_from(list(Mode)), st.sampled_from(list(Outcome)), st.sampled_from(["", "2026-07-01"]))
POLICIES = st.lists(st.tuples(st.lists(RULES, min_size=1, max_size=3), st.integers(0, 2)), max_size=3)


def reached(policies: list[tuple[list[tuple[Mode, Outcome, str]], int]]) -> State:
    read = []
    for outcomes, approvals in policies:
        rules = "".join(
            f"\n  - {{check: kpi, metric: m{number}, minimum: 0, mode: {mode}"
            + (f", effective_from: {since}}}" if since else "}")
            for number, (mode, _, since) in enumerate(outcomes)
        )
        read.append((outcomes, policy("{stage: production}", rules, f"approvals: {{count: {approvals}}}")))
    chosen = selection.select(read, CREDIT, NOW)
    judged = [
        Judged(outcome=asked.source[int(asked.rule.parameters.metric[1:])][1], mode=asked.mode)  # type: ignore[attr-defined]
        for asked in chosen.asked
    ]
    return state(findings=judged, approvals_required=chosen.approvals_required, decisions=[])


@given(POLICIES, POLICIES)
def test_the_strictest_wins(
    some: list[tuple[list[tuple[Mode, Outcome, str]], int]], more: list[tuple[list[tuple[Mode, Outcome, str]], int]]
) -> None:
    strictness = [State.PASSED, State.WAITING, State.BLOCKED]
    alone, together = reached(some), reached(some + more)

    if any(mode is not Mode.OFF for outcomes, _ in some for mode, _, _ in outcomes):
        assert strictness.index(together) >= strictness.index(alone)


def test_an_instant_has_begun_at_itself() -> None:
    rule = policy("{stage: production}", "[{check: lineage-complete, effective_from: 2026-06-01}]")

    assert selection.mode_at(rule.rules[0], rule, NOW) is Mode.ENFORCE
    assert selection.mode_at(rule.rules[0], rule, NOW - timedelta(microseconds=1)) is Mode.SHADOW
