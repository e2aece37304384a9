"""Parameters that are wrong, or contradict each other, are refused with line and column when a policy is written."""

import pytest

from governance.yamldocuments import BadDocument
from policies import documents, manual
from policies.checks.catalogue import CHECKS

HEAD = "policy: p\napplies: {stage: production}\nrules:\n"


def errors(rule: str) -> list[str]:
    with pytest.raises(BadDocument) as refused:
        documents.parse(HEAD + rule)
    return [str(error) for error in refused.value.errors]


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("  - check: load", "4:5: rules[0]: say a latency (p50_ms, p95_ms, p99_ms, maximum_ms), error_rate or"),
        ("  - check: load\n    p99_ms: 0", "5:5: rules[0].p99_ms: expected `float` > 0.0"),
        ("  - check: load\n    p98_ms: 9", "5:5: rules[0].p98_ms: unknown field"),
        ("  - check: documentation\n    sections: []", "5:5: rules[0].sections: expected `array` of length >= 1"),
        ("  - check: documentation\n    sections: [aims]", "5:16: rules[0].sections[0]: invalid enum value 'aims'"),
        ("  - check: documentation\n    sections: [users, users]", "5:5: rules[0].sections: sections names one twice"),
        (
            "  - check: reproducible\n    second_run: {tolerance: -1}",
            "5:18: rules[0].second_run.tolerance: expected `float` >= 0.0",
        ),
        ("  - check: drift\n    measure: psi\n    maximum: 1", "5:5: rules[0].measure: invalid enum value 'psi'"),
        (
            "  - check: drift\n    measure: stability_index\n    maximum: 1\n    significance: 0.05",
            "4:5: rules[0]: the stability index has no significance",
        ),
        (
            "  - check: drift\n    measure: chi_squared\n    maximum: 2",
            "6:5: rules[0].maximum: maximum 2 is above 1, which Cramér's V cannot be",
        ),
        (
            "  - check: drift\n    measure: chi_squared\n    maximum: 1\n    training_evidence: a",
            "7:5: rules[0].training_evidence: training_evidence and serving_evidence go together",
        ),
        ("  - check: licence", "4:5: rules[0]: say either allow or deny"),
        ("  - check: licence\n    allow: [Apache 2]", "4:5: rules[0]: 'Apache 2' is no SPDX licence identifier"),
        ("  - check: licence\n    allow: [MIT OR X11]", "4:5: rules[0]: 'MIT OR X11' is no SPDX licence identifier"),
        ("  - check: maturity\n    framework: google-mlops", "4:5: rules[0].minimum_level: is missing"),
        (
            "  - check: personal-data\n    allowed: [{dataset: d, field: f}]",
            "5:15: rules[0].allowed[0].reason: is missing",
        ),
        (
            "  - check: canary\n    higher_is_worse_by: {x: 1}\n    lower_is_worse_by: {x: 1}",
            "4:5: rules[0]: x cannot be worse both ways",
        ),
        (
            "  - check: approvals\n    roles: [steward, business_owner]",
            "4:5: rules[0]: 2 roles of different people need a count of 2",
        ),
        (
            "  - check: kpi\n    metric: auc\n    minimum: 0.8\n    baseline: {model: rules}",
            "7:5: rules[0].baseline: baseline and better_than_baseline_by go together",
        ),
        (
            "  - check: kpi\n    metric: auc\n    minimum: 0.8\n    segment: a\n    segments: [b]",
            "4:5: rules[0]: say segment or segments",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(rule: str, error: str) -> None:
    (told,) = errors(rule)

    assert told.startswith(error)


@pytest.mark.parametrize("check_id", CHECKS)
def test_the_example_of_the_catalogue_can_be_published(check_id: str) -> None:
    page = manual.page(check_id)
    assert page is not None

    (rule,) = documents.parse(HEAD + page.example).rules

    assert rule.check is CHECKS[check_id]


@pytest.mark.parametrize("check_id", CHECKS)
def test_what_a_check_reads_is_told(check_id: str) -> None:
    assert set(CHECKS[check_id].needs) <= manual.FACTS.keys()
