"""How far two distributions are apart. Pure.

Population stability index; the two-sample test of Kolmogorov and Smirnov, exact for small samples; Pearson's
chi-squared test of homogeneity with Cramér's V. All from counts, with the sizes of both samples.
"""

import math
from collections.abc import Sequence

# The approximation of the chi-squared test is trusted from this expected count on (Cochran 1954).
LEAST_EXPECTED = 5.0
# Up to so many pairs of rows the test of Kolmogorov and Smirnov is exact: at most a quarter of a second.
EXACT_PAIRS = 1_000_000
_TINY = 1e-300


def stability_index(one: Sequence[int], other: Sequence[int]) -> float:
    """The population stability index: the sum over intervals of (p - q)·ln(p / q), symmetric.

    An interval that is empty on one side counts there as half a row, since the logarithm has no value at 0.
    """
    rows_one, rows_other = sum(one), sum(other)
    total = 0.0
    for left, right in zip(one, other, strict=True):
        if left == right == 0:
            continue
        p, q = max(left, 0.5) / rows_one, max(right, 0.5) / rows_other
        total += (p - q) * math.log(p / q)
    return total


def distance(one: Sequence[int], other: Sequence[int]) -> float:
    """The greatest distance of the two cumulative distributions at the ends of the intervals."""
    rows_one, rows_other = sum(one), sum(other)
    sum_one = sum_other = 0
    greatest = 0.0
    for left, right in zip(one, other, strict=True):
        sum_one, sum_other = sum_one + left, sum_other + right
        greatest = max(greatest, abs(sum_one / rows_one - sum_other / rows_other))
    return greatest


def kolmogorov_smirnov(distance: float, rows_one: int, rows_other: int) -> float:
    """The probability of such a distance or a greater one between two samples of one continuous distribution.

    Exact for up to EXACT_PAIRS pairs of rows; beyond, by the limiting distribution (Smirnov 1948), which then says at
    most 0.03 too much. Between samples with equal values the true probability is smaller.
    """
    if rows_one * rows_other <= EXACT_PAIRS:
        return _exact_kolmogorov_smirnov(distance, rows_one, rows_other)
    return kolmogorov(distance * math.sqrt(rows_one * rows_other / (rows_one + rows_other)))


def _exact_kolmogorov_smirnov(distance: float, rows_one: int, rows_other: int) -> float:
    """By counting the orders of both samples in which the distance is kept (Kim and Jennrich 1973).

    Each order is a walk over a grid, one step for each row. Only the places where the distance is smaller are
    passed through; the shares of walks are kept as fractions, which neither overflow nor vanish.
    """
    # In whole numbers, so that no rounding decides which distances are equal.
    pairs = rows_one * rows_other
    bound = round(distance * pairs)
    if bound <= 0:
        return 1.0
    shares = [0.0] * (rows_other + 1)
    for place in range(min(rows_other, (bound - 1) // rows_one) + 1):
        shares[place] = 1.0
    for one in range(1, rows_one + 1):
        part = one / (one + rows_other)
        low = max(0, -((bound - 1 - one * rows_other) // rows_one))
        high = min(rows_other, (one * rows_other + bound - 1) // rows_one)
        before = 0.0
        if low > 0:
            shares[low - 1] = 0.0
        for other in range(low, high + 1):
            before = part * shares[other] + before
            shares[other] = before
    return min(1.0, max(0.0, 1.0 - shares[rows_other]))


def kolmogorov(x: float) -> float:
    """The upper tail of Kolmogorov's distribution, by whichever of its two series converges quickly."""
    if x <= 0:
        return 1.0
    if x < 1.18:
        # The theta function turned round (Marsaglia, Tsang and Wang 2003): few terms, where the other needs many.
        step = math.pi * math.pi / (8 * x * x)
        lower = math.fsum(math.exp(-((2 * k - 1) ** 2) * step) for k in range(1, 6))
        return 1 - math.sqrt(2 * math.pi) / x * lower
    return 2 * math.fsum((-1.0) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))


def chi_squared(one: Sequence[int], other: Sequence[int]) -> tuple[float, int, float]:
    """Pearson's statistic of the two rows of counts, its degrees of freedom, and Cramér's V (0 to 1)."""
    rows_one, rows_other = sum(one), sum(other)
    rows = rows_one + rows_other
    statistic, categories = 0.0, 0
    for left, right in zip(one, other, strict=True):
        if left + right == 0:
            continue
        categories += 1
        for count, size in ((left, rows_one), (right, rows_other)):
            expected = (left + right) * size / rows
            statistic += (count - expected) ** 2 / expected
    return statistic, categories - 1, math.sqrt(statistic / rows)


def pooled(labels: Sequence[str], one: Sequence[int], other: Sequence[int]) -> tuple[list[str], list[int], list[int]]:
    """The categories with those pooled into one whose expected count is too low for the chi-squared test."""
    rows_one, rows_other = sum(one), sum(other)
    smaller = min(rows_one, rows_other) / (rows_one + rows_other)
    kept: list[tuple[str, int, int]] = []
    rare = [0, 0]
    for label, left, right in zip(labels, one, other, strict=True):
        if (left + right) * smaller < LEAST_EXPECTED:
            rare[0], rare[1] = rare[0] + left, rare[1] + right
        else:
            kept.append((label, left, right))
    if any(rare):
        kept.append(("(rare)", rare[0], rare[1]))
    return [one[0] for one in kept], [one[1] for one in kept], [one[2] for one in kept]


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """The upper tail of the chi-squared distribution: the regularised incomplete gamma function Q(k/2, x/2)."""
    if statistic <= 0:
        return 1.0
    return _upper_gamma(degrees / 2, statistic / 2)


def _upper_gamma(a: float, x: float) -> float:
    """Q(a, x) by the series of P below a + 1, else by its continued fraction (DLMF 8.11.4 and 8.9.2)."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        place = a
        while term > total * 1e-17:
            place += 1
            term *= x / place
            total += term
        return max(0.0, 1 - total * front)
    # Lentz's method.
    bottom = x + 1 - a
    numerator, denominator = 1 / _TINY, 1 / bottom
    fraction = denominator
    for step in range(1, 100_000):
        factor = -step * (step - a)
        bottom += 2
        denominator = 1 / _away_from_zero(factor * denominator + bottom)
        numerator = _away_from_zero(bottom + factor / numerator)
        change = numerator * denominator
        fraction *= change
        if abs(change - 1) < 1e-16:
            break
    return front * fraction


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def holm(probabilities: Sequence[float]) -> list[float]:
    """The probabilities adjusted for their number by Holm's step-down procedure (1979), in their order."""
    order = sorted(range(len(probabilities)), key=probabilities.__getitem__)
    adjusted, highest = [0.0] * len(probabilities), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * probabilities[place]))
        adjusted[place] = highest
    return adjusted
