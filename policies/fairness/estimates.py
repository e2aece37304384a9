"""What is measured of one group, with its value as Fairlearn gives it and its confidence interval. Pure."""

import math
from dataclasses import dataclass
from typing import Protocol

from policies.fairness import intervals
from policies.fairness.groups import Loss, Tally
from policies.fairness.intervals import Interval

# What is left of equal numbers after their squares were added up and taken from each other.
ROUNDING = 1e-12


class Estimate(Protocol):
    """A value of one group."""

    @property
    def value(self) -> float: ...

    @property
    def tally(self) -> Tally:
        """The rows the value is taken over."""
        ...

    def interval(self, level: float) -> Interval: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """The share of rows with a property, by weight. Of no rows it is 0, as in Fairlearn; its interval is 0 to 1."""

    successes: float
    tally: Tally

    @property
    def value(self) -> float:
        return self.successes / self.tally.weight if self.tally.weight else 0.0

    def interval(self, level: float) -> Interval:
        return intervals.wilson(min(1.0, self.value), self.tally.effective, level)

    def rest_of(self, total: "Proportion") -> "Proportion":
        """The same of the rows of `total` that are not here."""
        return Proportion(successes=max(0.0, total.successes - self.successes), tally=_rest(total.tally, self.tally))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of a loss, by weight."""

    loss: Loss
    tally: Tally
    # A mean of sizes, which no interval takes below 0.
    is_size: bool

    @property
    def value(self) -> float:
        return self.loss.weighted / self.tally.weight if self.tally.weight else math.nan

    @property
    def error(self) -> float:
        """The standard error: s/√n when all weights are 1; otherwise that of a ratio of sums (Cochran 1977, ch. 6).

        Infinite for one row, and for rows that are all alike: how far others may lie from them is then unknown.
        """
        rows, mean = self.tally.effective, self.value
        around = self.loss.squares - 2 * mean * self.loss.squared_weighted + mean * mean * self.tally.squared
        if rows <= 1 or around <= ROUNDING * self.loss.squares:
            return math.inf
        return math.sqrt(around * rows / (rows - 1)) / self.tally.weight

    def interval(self, level: float) -> Interval:
        found = intervals.mean(self.value, self.error, self.tally.effective - 1, level)
        return Interval(max(0.0, found.lower), found.upper) if self.is_size else found

    def rest_of(self, total: "Mean") -> "Mean":
        """The same of the rows of `total` that are not here."""
        loss = Loss(
            weighted=total.loss.weighted - self.loss.weighted,
            squared_weighted=total.loss.squared_weighted - self.loss.squared_weighted,
            squares=total.loss.squares - self.loss.squares,
        )
        return Mean(loss=loss, tally=_rest(total.tally, self.tally), is_size=self.is_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The root of a mean of squares. Its interval is that of the mean, rooted."""

    square: Mean

    @property
    def value(self) -> float:
        return math.sqrt(self.square.value)

    @property
    def tally(self) -> Tally:
        return self.square.tally

    def interval(self, level: float) -> Interval:
        found = self.square.interval(level)
        return Interval(math.sqrt(found.lower), math.sqrt(found.upper))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The expected calibration error over tenths of the score."""

    # For each tenth with rows: its mean score, and the share of positive labels.
    tenths: tuple[tuple[float, Proportion], ...]
    tally: Tally

    @property
    def value(self) -> float:
        return self._sum([abs(observed.value - score) for score, observed in self.tenths])

    def interval(self, level: float) -> Interval:
        """Every tenth within the Wilson interval of its share, all at once (Bonferroni), the scores taken as given."""
        level = 1 - (1 - level) / max(1, len(self.tenths))
        gaps = []
        for score, observed in self.tenths:
            found = observed.interval(level)
            gaps.append(intervals.size_of_difference(Interval(found.lower - score, found.upper - score)))
        return Interval(self._sum([gap.lower for gap in gaps]), self._sum([gap.upper for gap in gaps]))

    def _sum(self, gaps: list[float]) -> float:
        weights = [observed.tally.weight for _, observed in self.tenths]
        return math.fsum(weight * gap for weight, gap in zip(weights, gaps, strict=True)) / self.tally.weight


def _rest(total: Tally, part: Tally) -> Tally:
    return Tally(
        rows=total.rows - part.rows,
        weight=max(0.0, total.weight - part.weight),
        squared=max(0.0, total.squared - part.squared),
    )
