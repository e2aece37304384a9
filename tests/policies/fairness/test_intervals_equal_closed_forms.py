"""Intervals against statsmodels and SciPy, against the equations that define them, and against what they promise."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import proportion

from policies.fairness import intervals
from policies.fairness.estimates import Mean, Proportion
from policies.fairness.groups import Loss, Tally
from policies.fairness.intervals import Interval

LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99, 0.999, 0.99999])
COUNTS = st.integers(1, 5000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


def wilson(counted: tuple[int, int], level: float) -> tuple[float, Interval]:
    successes, trials = counted
    return successes / trials, intervals.wilson(successes / trials, trials, level)


@given(counted=COUNTS, level=LEVELS)
def test_a_rate(counted: tuple[int, int], level: float) -> None:
    found = wilson(counted, level)[1]

    theirs = proportion.proportion_confint(*counted, alpha=1 - level, method="wilson")
    assert (found.lower, found.upper) == pytest.approx(theirs, abs=1e-9)


@given(one=COUNTS, other=COUNTS, level=LEVELS)
def test_a_difference_of_rates_is_newcombes(one: tuple[int, int], other: tuple[int, int], level: float) -> None:
    found = intervals.difference(*wilson(one, level), *wilson(other, level))

    theirs = proportion.confint_proportions_2indep(*one, *other, method="newcomb", compare="diff", alpha=1 - level)
    assert (found.lower, found.upper) == pytest.approx(theirs, abs=1e-9)


def test_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80 (Newcombe 1998, table II, method 10)."""
    found = intervals.difference(*wilson((56, 70), 0.95), *wilson((48, 80), 0.95))

    assert (round(found.lower, 4), round(found.upper, 4)) == (0.0524, 0.3339)


@given(one=COUNTS, other=COUNTS, level=LEVELS)
@example(one=(0, 10), other=(5, 10), level=0.95)
@example(one=(10, 10), other=(10, 10), level=0.95)
@example(one=(5, 10), other=(0, 10), level=0.95)
def test_a_ratio_ends_where_the_difference_from_that_multiple_just_reaches_zero(
    one: tuple[int, int], other: tuple[int, int], level: float
) -> None:
    (rate, of_rate), (base, of_base) = wilson(one, level), wilson(other, level)

    found = intervals.ratio(rate, of_rate, base, of_base)

    for bound in (found.lower, found.upper):
        if 0 < bound < math.inf:
            scaled = Interval(bound * of_base.lower, bound * of_base.upper)
            reached = intervals.difference(rate, of_rate, bound * base, scaled)
            assert min(abs(reached.lower), abs(reached.upper)) < 1e-9 * max(1, bound)
    assert (found.lower == 0) == (one[0] == 0)
    assert (found.upper == math.inf) == (other[0] == 0)


@pytest.mark.parametrize(("one", "other"), [((3000, 10000), (3500, 10000)), ((800, 2000), (1500, 3000))])
def test_a_ratio_of_many_rows_is_that_of_katz_and_of_the_score(one: tuple[int, int], other: tuple[int, int]) -> None:
    found = intervals.ratio(*wilson(one, 0.95), *wilson(other, 0.95))

    for method in ("log", "score"):
        theirs = proportion.confint_proportions_2indep(*one, *other, method=method, compare="ratio", correction=False)
        assert (found.lower, found.upper) == pytest.approx(theirs, abs=1e-3), method


def test_two_groups_of_which_all_are_selected_are_not_surely_alike() -> None:
    found = intervals.ratio_below_one(intervals.ratio(*wilson((5, 5), 0.95), *wilson((5, 5), 0.95)))

    assert found.lower < 0.6
    assert found.upper == 1


@given(level=LEVELS, degrees=st.floats(1, 1e6))
def test_quantiles(level: float, degrees: float) -> None:
    assert intervals.normal_quantile(level) == pytest.approx(stats.norm.ppf((1 + level) / 2), rel=1e-9)
    assert intervals.student_quantile(level, degrees) == pytest.approx(stats.t.ppf((1 + level) / 2, degrees), rel=1e-6)


@given(values=st.lists(st.floats(-1000, 1000), min_size=2, max_size=50), level=LEVELS)
def test_a_mean_is_students(values: list[float], level: float) -> None:
    assume(np.std(values) > 1e-3)
    found = mean_of(values).interval(level)

    theirs = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert (found.lower, found.upper) == pytest.approx((theirs.low, theirs.high), rel=1e-6, abs=1e-6)


@given(copies=st.integers(1, 9), values=st.lists(st.floats(0, 10), min_size=2, max_size=20))
def test_equal_weights_say_no_more_than_the_rows(copies: int, values: list[float]) -> None:
    """A row of weight 3 is not three rows."""
    plain, weighed = mean_of(values).interval(0.95), mean_of(values, weight=copies).interval(0.95)

    assert (weighed.lower, weighed.upper) == pytest.approx((plain.lower, plain.upper), rel=1e-6, abs=1e-6)


def mean_of(values: list[float], weight: float = 1) -> Mean:
    exact = [Fraction(value) for value in values]
    loss = Loss(
        weighted=float(weight * sum(exact)),
        squared_weighted=float(weight**2 * sum(exact)),
        squares=float(weight**2 * sum(value * value for value in exact)),
    )
    count = len(values)
    return Mean(loss=loss, tally=Tally(rows=count, weight=weight * count, squared=weight**2 * count), is_size=False)


@given(st.integers(0, 20), st.integers(1, 20), st.floats(0.1, 9))
def test_a_weighted_rate_counts_its_effective_rows(successes: int, failures: int, weight: float) -> None:
    rows = successes + failures
    tally = Tally(rows=rows, weight=weight * rows, squared=weight**2 * rows)

    found = Proportion(successes=weight * successes, tally=tally).interval(0.95)

    plain = intervals.wilson(successes / rows, rows, 0.95)
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper), abs=1e-9)


def test_nothing_counted_may_be_anything() -> None:
    assert Proportion(successes=0, tally=Tally()).interval(0.95) == Interval(0, 1)


def test_one_row_bounds_no_mean() -> None:
    assert mean_of([3.0]).interval(0.95) == Interval(-math.inf, math.inf)


@pytest.mark.parametrize(("one", "other"), [(0.1, 0.3), (0.5, 0.5), (0.02, 0.05)])
@pytest.mark.parametrize("rows", [40, 200])
def test_intervals_hold_what_they_promise(one: float, other: float, rows: int) -> None:
    """The exact chance, over all pairs of counts, that 95 % intervals have the truth in them."""
    chances = [stats.binom.pmf(range(rows + 1), rows, rate) for rate in (one, other)]
    singles = [wilson((successes, rows), 0.95) for successes in range(rows + 1)]
    differences = ratios = 0.0
    for a, of_a in enumerate(singles):
        for b, of_b in enumerate(singles):
            chance = float(chances[0][a] * chances[1][b])
            if chance < 1e-9:
                continue
            found = intervals.difference(*of_a, *of_b)
            differences += chance * (found.lower <= one - other <= found.upper)
            found = intervals.ratio(*of_a, *of_b)
            ratios += chance * (found.lower <= one / other <= found.upper)

    assert differences > 0.935
    assert ratios > 0.93


@pytest.mark.parametrize("values", [[0.0] * 40, [0.1] * 40, [1e9] * 40])
def test_rows_that_are_all_alike_bound_no_mean(values: list[float]) -> None:
    assert mean_of(values).interval(0.95) == Interval(-math.inf, math.inf)
