"""The public sample data: every count and rate is Fairlearn's on the rows, and a policy on them blocks by name."""

from typing import Any

import fairlearn.metrics as fm
import msgspec
import pandas as pd
import pytest
import sklearn.metrics as skm
from statsmodels.stats import proportion

from policies.checks.base import Facts, Outcome
from policies.checks.facts import EvaluationFact
from policies.checks.fairness import Fairness, FairnessParameters
from policies.fairness import counts, judging, metrics
from policies.fairness.definitions import DEFINITIONS, Against, Kind
from policies.fairness.groups import Columns, Counts, Part
from policies.fairness.judging import Method
from policies.fairness.measures import MEASURES
from tests.conformance.corpus import CORPUS, requires_corpus

pytestmark = requires_corpus
COMPAS = CORPUS / "fairness" / "compas_for_aequitas.csv"
GERMAN = CORPUS / "fairness" / "german.csv"
GROUPINGS = [["race"], ["sex"], ["age_cat"], ["race", "sex"], ["race", "sex", "age_cat"]]
DIGITS = 1e-12
RATES: dict[str, Any] = {
    "selection_rate": fm.selection_rate,
    "true_positive_rate": fm.true_positive_rate,
    "false_positive_rate": fm.false_positive_rate,
    "true_negative_rate": fm.true_negative_rate,
    "false_negative_rate": fm.false_negative_rate,
    "precision": skm.precision_score,
    "accuracy": skm.accuracy_score,
    "mean_absolute_error": skm.mean_absolute_error,
    "mean_squared_error": skm.mean_squared_error,
}
NAMED = [
    f"{name}_{kind}"
    for name in ("demographic_parity", "equalized_odds", "equal_opportunity")
    for kind in (Kind.DIFFERENCE, Kind.RATIO)
]
RULE: dict[str, Any] = {
    "evidence": "holdout",
    "label": "label_value",
    "prediction": "score",
    "sensitive": ["race"],
    "metric": "equalized_odds_difference",
    "maximum": 0.1,
}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(COMPAS)


@pytest.fixture(scope="module")
def compas() -> Counts:
    columns = Columns(label="label_value", prediction="score", sensitive=["race", "sex", "age_cat"])
    return counts.count(COMPAS, columns, (Part.CONFUSION, Part.LOSSES))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("by", GROUPINGS, ids="-".join)
def test_every_count_and_rate_of_every_group(by: list[str], rows: pd.DataFrame, compas: Counts) -> None:
    frame = fm.MetricFrame(
        metrics={"count": fm.count, **RATES},
        y_true=rows["label_value"],
        y_pred=rows["score"],
        sensitive_features=rows[by],
    )
    theirs = frame.by_group.dropna(how="all")

    groups = compas.groups(by)

    assert len(groups) == len(theirs)
    assert compas.rows == len(rows) == 7214
    for cell in groups:
        expected = theirs.loc[cell.values if len(by) > 1 else cell.values[0]]
        assert cell.rows == expected["count"]
        for name in RATES:
            assert MEASURES[name].of(cell).value == pytest.approx(expected[name], rel=DIGITS, abs=DIGITS), name
    for name in RATES:
        for against in (Against.BETWEEN_GROUPS, Against.TO_OVERALL):
            for kind in (Kind.DIFFERENCE, Kind.RATIO):
                ours = metrics.value(DEFINITIONS[f"{name}_{kind}"], groups, compas.overall(), against=against)
                value = getattr(frame, kind)(method=against)[name]
                assert ours == pytest.approx(value, rel=DIGITS, abs=DIGITS, nan_ok=True), (name, kind, against)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("by", GROUPINGS[:4], ids="-".join)
def test_metrics_with_names_of_their_own(name: str, by: list[str], rows: pd.DataFrame, compas: Counts) -> None:
    theirs = getattr(fm, name)(rows["label_value"], rows["score"], sensitive_features=rows[by])

    ours = metrics.value(DEFINITIONS[name], compas.groups(by), compas.overall())

    assert ours == pytest.approx(theirs, rel=DIGITS, abs=DIGITS)


def test_labels_that_are_not_0_and_1() -> None:
    rows = pd.read_csv(GERMAN)
    columns = Columns(label="credit", prediction="credit", sensitive=["personal_status"], positive=1)

    found = counts.count(GERMAN, columns)

    theirs = fm.MetricFrame(
        metrics=fm.selection_rate,
        y_true=rows["credit"] == 1,
        y_pred=rows["credit"] == 1,
        sensitive_features=rows["personal_status"],
    )
    assert {cell.values[0]: MEASURES["selection_rate"].of(cell).value for cell in found.groups()} == pytest.approx(
        dict(theirs.by_group), rel=DIGITS
    )


def test_intervals_equal_closed_forms(rows: pd.DataFrame, compas: Counts) -> None:
    """Of every group's rate, and of the difference of each two groups."""
    level = 0.95
    found = judging.measure(compas, DEFINITIONS["demographic_parity_difference"], Method(minimum_size=1), [["race"]])
    selected = rows.groupby("race")["score"].agg(["sum", "count"])

    for group in found.groups:
        theirs = proportion.proportion_confint(*selected.loc[group.name], alpha=1 - level, method="wilson")
        ours = group.estimate.interval(level)
        assert (ours.lower, ours.upper) == pytest.approx(theirs, abs=1e-3)
    assert len(found.comparisons) == 15
    for comparison in found.comparisons:
        assert comparison.other is not None
        low, high = proportion.confint_proportions_2indep(
            *selected.loc[comparison.group.name],
            *selected.loc[comparison.other.name],
            method="newcomb",
            compare="diff",
            alpha=1 - level,
        )
        ours = comparison.interval(level)
        assert (ours.lower, ours.upper) == pytest.approx((max(0, low, -high), max(abs(low), abs(high))), abs=1e-3)


def judged(**changes: Any) -> tuple[Outcome, str, Any]:
    parameters = msgspec.convert({**RULE, **changes}, FairnessParameters)
    check = Fairness()
    assert check.problem(parameters) == ""
    fact = EvaluationFact(
        evidence="holdout",
        columns=parameters.columns,
        counts=counts.count(COMPAS, parameters.columns, (parameters.part,)),
    )
    finding = check.judge(parameters, Facts(evaluations=[fact]))
    msgspec.json.encode([finding.measured, finding.required, finding.evidence])
    return finding.outcome, finding.summary, finding.measured


def test_equalized_odds_by_race_block_and_name_the_groups() -> None:
    outcome, summary, measured = judged()

    assert outcome is Outcome.FAIL
    assert "African-American against Other" in summary
    named = {(one["group"], one["against"], one["measure"]) for one in measured["breaking"]}
    assert ("African-American", "Caucasian", "true_positive_rate") in named
    assert ("African-American", "Caucasian", "false_positive_rate") in named
    assert {group["group"] for group in measured["groups"] if group["is_small"]} == {"Asian", "Native American"}


def test_a_group_too_small_to_judge_keeps_a_wide_bound_from_passing() -> None:
    assert judged(maximum=0.6)[0] is Outcome.UNKNOWN
    assert judged(maximum=0.6, small_groups="leave_out")[0] is Outcome.PASS
    assert judged(maximum=0.45, small_groups="leave_out")[0] is Outcome.UNKNOWN
