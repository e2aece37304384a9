"""The public sample data: every count and rate is Fairlearn's on the rows, and a policy on them blocks by name."""

from collections.abc import Callable
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
from policies.fairness.estimates import Estimate
from policies.fairness.groups import Columns, Counts, Part
from policies.fairness.judging import Method
from policies.fairness.measures import MEASURES
from tests.conformance.corpus import CORPUS, requires_corpus

pytestmark = requires_corpus
COMPAS = CORPUS / "fairness" / "compas_for_aequitas.csv"
GERMAN = CORPUS / "fairness" / "german.csv"
GROUPINGS = [["race"], ["sex"], ["age_cat"], ["race", "sex"], ["race", "sex", "age_cat"]]
DIGITS = 1e-12
LEVEL = 0.95
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
Answers = Any
# Successes and trials of each rate, from the labels and the answers of a group's rows.
SHARES: dict[str, Callable[[Answers, Answers], tuple[int, int]]] = {
    "selection_rate": lambda is_so, said: (int(said.sum()), len(said)),
    "true_positive_rate": lambda is_so, said: (int((said & is_so).sum()), int(is_so.sum())),
    "false_positive_rate": lambda is_so, said: (int((said & ~is_so).sum()), int((~is_so).sum())),
    "true_negative_rate": lambda is_so, said: (int((~said & ~is_so).sum()), int((~is_so).sum())),
    "false_negative_rate": lambda is_so, said: (int((~said & is_so).sum()), int(is_so.sum())),
    "precision": lambda is_so, said: (int((said & is_so).sum()), int(said.sum())),
    "accuracy": lambda is_so, said: (int((said == is_so).sum()), len(said)),
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


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize(
    "by",
    [["personal_status"], ["foreign_worker"], ["personal_status", "housing", "foreign_worker"]],
    ids="-".join,
)
def test_labels_that_are_not_0_and_1(by: list[str]) -> None:
    """The other file has labels and no answers of a model: they stand for both."""
    rows = pd.read_csv(GERMAN)
    columns = Columns(label="credit", prediction="credit", sensitive=by, positive=1)

    groups = counts.count(GERMAN, columns).groups(by)

    is_good = rows["credit"] == 1
    theirs = fm.MetricFrame(
        metrics={"count": fm.count, **{name: RATES[name] for name in SHARES}},
        y_true=is_good,
        y_pred=is_good,
        sensitive_features=rows[by],
    ).by_group.dropna(how="all")
    assert len(groups) == len(theirs)
    for cell in groups:
        expected = theirs.loc[cell.values if len(by) > 1 else cell.values[0]]
        assert cell.rows == expected["count"]
        for name in SHARES:
            estimate = MEASURES[name].of(cell)
            assert estimate.value == pytest.approx(expected[name], rel=DIGITS, abs=DIGITS), name
            is_in = is_good.loc[(rows[by] == list(cell.values)).all(axis=1)]
            same_as_wilson(estimate, *SHARES[name](is_in, is_in))


def same_as_wilson(estimate: Estimate, successes: int, trials: int) -> None:
    ours = estimate.interval(LEVEL)
    if trials == 0:
        assert (ours.lower, ours.upper) == (0, 1)
        return
    theirs = proportion.proportion_confint(successes, trials, alpha=1 - LEVEL, method="wilson")
    assert (ours.lower, ours.upper) == pytest.approx(theirs, abs=1e-3)


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("by", GROUPINGS, ids="-".join)
def test_intervals_equal_closed_forms(by: list[str], name: str, rows: pd.DataFrame, compas: Counts) -> None:
    """Of every rate of every group: the score interval of Wilson on what the rows say themselves."""
    share = SHARES[name]
    cells = {cell.values: cell for cell in compas.groups(by)}

    for values, group in rows.groupby(by):
        same_as_wilson(MEASURES[name].of(cells[values]), *share(group["label_value"] == 1, group["score"] == 1))


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("by", GROUPINGS[:4], ids="-".join)
def test_intervals_of_differences_equal_closed_forms(
    by: list[str], name: str, rows: pd.DataFrame, compas: Counts
) -> None:
    """Of every two groups: the hybrid score interval of Newcombe. One of which nothing is known is not compared."""
    shares = {
        values: SHARES[name](group["label_value"] == 1, group["score"] == 1) for values, group in rows.groupby(by)
    }
    known = [values for values, (_, trials) in shares.items() if trials]

    found = judging.measure(compas, DEFINITIONS[f"{name}_difference"], Method(minimum_size=1), [by])

    assert len(found.comparisons) == len(known) * (len(known) - 1) / 2
    for comparison in found.comparisons:
        assert comparison.other is not None
        one, other = shares[comparison.group.values], shares[comparison.other.values]
        ours = comparison.interval(LEVEL)
        low, high = proportion.confint_proportions_2indep(
            *one, *other, method="newcomb", compare="diff", alpha=1 - LEVEL
        )
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
