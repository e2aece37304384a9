"""Confidence intervals in closed form: of one rate or mean, of a difference and of a ratio of two. Pure.

One rule joins two single intervals, the method of variance estimates recovery (MOVER; Zou and Donner 2008, Statistics
in Medicine 27:1693; for ratios Donner and Zou 2012, Statistical Methods in Medical Research 21:347). On intervals of
Wilson its difference is Newcombe's hybrid score interval (1998, Statistics in Medicine 17:873, method 10).
The logarithmic ratio interval of Katz is not used: for two groups of which all are selected it has no width at all, and
for a group of which none is selected it does not exist; both happen in small groups, where width matters most.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """From `lower` to `upper`, both included; infinite where nothing bounds it."""

    lower: float
    upper: float


@lru_cache(maxsize=1024)
def normal_quantile(level: float) -> float:
    """The half-width, in standard deviations, of the middle `level` (0 to 1) of a normal distribution."""
    return NormalDist().inv_cdf((1 + level) / 2)


@lru_cache(maxsize=4096)
def student_quantile(level: float, degrees: float) -> float:
    """The same of Student's t distribution, to at least six digits."""
    low, high = 0.0, normal_quantile(level)
    while _student_middle(high, degrees) < level:
        low, high = high, high * 2
    while high - low > 1e-11 * high:
        middle = (low + high) / 2
        if _student_middle(middle, degrees) < level:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=4096)
def wilson(rate: float, trials: float, level: float) -> Interval:
    """The score interval of a proportion (Wilson 1927). `trials` may be a fraction: an effective number of rows."""
    if trials <= 0:
        return Interval(0.0, 1.0)
    z2 = normal_quantile(level) ** 2
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (rate * (1 - rate) / trials + z2 / (4 * trials * trials))) / (1 + z2 / trials)
    # At the ends the formula gives 0 and 1; rounding must not leave the rate outside of its own interval.
    return Interval(max(0.0, centre - half) if rate > 0 else 0.0, min(1.0, centre + half) if rate < 1 else 1.0)


def mean(value: float, error: float, degrees: float, level: float) -> Interval:
    """Student's interval of a mean with its standard error; without bounds below one degree of freedom."""
    if degrees < 1:
        return Interval(-math.inf, math.inf)
    half = student_quantile(level, degrees) * error
    return Interval(value - half, value + half)


def difference(one: float, of_one: Interval, other: float, of_other: Interval) -> Interval:
    """Of one minus other, from the interval of each at the same level (MOVER-D)."""
    return Interval(
        one - other - math.hypot(one - of_one.lower, of_other.upper - other),
        one - other + math.hypot(of_one.upper - one, other - of_other.lower),
    )


def ratio(one: float, of_one: Interval, other: float, of_other: Interval) -> Interval:
    """Of one divided by other, both not negative, from the interval of each at the same level (MOVER-R).

    The bounds are those r at which the interval of one - r·other just reaches 0: roots of a quadratic, the lower one
    written so that it stays exact when the leading coefficient is 0.
    """
    if not math.isfinite(of_one.lower + of_one.upper + of_other.lower + of_other.upper):
        return Interval(0.0, math.inf)
    product = one * other
    bottom = max(0.0, of_one.lower) * (2 * one - max(0.0, of_one.lower))
    steep = of_other.upper * (2 * other - of_other.upper)
    roots = product + math.sqrt(max(0.0, product * product - bottom * steep))
    lower = 0.0 if bottom <= 0 else bottom / roots if roots > 0 else math.inf
    top = of_one.upper * (2 * one - of_one.upper)
    flat = max(0.0, of_other.lower) * (2 * other - max(0.0, of_other.lower))
    upper = (product + math.sqrt(max(0.0, product * product - top * flat))) / flat if flat > 0 else math.inf
    return Interval(lower, upper)


def size_of_difference(signed: Interval) -> Interval:
    """Of the absolute difference."""
    return Interval(max(0.0, signed.lower, -signed.upper), max(abs(signed.lower), abs(signed.upper)))


def ratio_below_one(plain: Interval) -> Interval:
    """Of the ratio or its inverse, whichever is at most 1."""
    inverse_lower = 1 / plain.upper if plain.upper > 0 else math.inf
    inverse_upper = 1 / plain.lower if plain.lower > 0 else math.inf
    return Interval(min(plain.lower, inverse_lower), min(plain.upper, inverse_upper, 1.0))


def _student_middle(bound: float, degrees: float) -> float:
    """The probability of -bound to bound: the incomplete beta function of t²/(v+t²) at 1/2 and v/2."""
    share = bound * bound / (degrees + bound * bound)
    return _incomplete_beta(0.5, degrees / 2, share)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised, by its continued fraction (DLMF 8.17.22), which converges quickly on this side of its mean."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # Evaluated from the front by Lentz's method; the terms alternate between two forms.
    fraction, numerator, denominator = 1.0, 1.0, 0.0
    for step in range(1, 10_000):
        half, is_odd = divmod(step - 1, 2)
        m = half if not is_odd else half + 1
        term = (
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            if not is_odd
            else m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        )
        denominator = 1 / (1 + term * denominator)
        numerator = 1 + term / numerator
        fraction *= numerator * denominator
        if abs(1 - numerator * denominator) < 1e-15:
            break
    return front / (a * fraction)
