"""Whether a fairness metric keeps its bound: asked of its whole confidence interval, not of a point. Pure.

A metric over groups is the worst of many comparisons. To say that the worst keeps the bound, each comparison has to
keep it; the chance that a wrong one slips through is no greater for there being many (intersection-union test, Berger
1982, Technometrics 24:295), so the bound of the interval on the good side is not corrected. To say that some comparison
breaks the bound, one of many suffices, and with many one will do so by chance: so the bound on the bad side is taken at
a level corrected for their number (Bonferroni), and which comparisons break it is said by Holm's step-down procedure
(1979, Scandinavian Journal of Statistics 6:65), which names at least those. With confidence 0.95 a wrong pass has a
chance of at most 2.5 %, a wrong fail of at most 5 %, as far as the single intervals keep their own promise.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations

from governance.errors import Invalid
from policies.fairness import intervals, metrics
from policies.fairness.definitions import Against, Definition, Kind
from policies.fairness.estimates import Estimate, Mean, Proportion
from policies.fairness.groups import Cell, Counts
from policies.fairness.intervals import Interval
from policies.fairness.measures import Measure


class Judgement(StrEnum):
    """Where the interval lies: all of it within the bound, all of it beyond, or neither."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    INSUFFICIENT = "insufficient"


class Correction(StrEnum):
    """What is done about many comparisons."""

    HOLM = "holm"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How to compare and how sure to be. `reference` has the value of each sensitive column to compare with."""

    against: Against = Against.BETWEEN_GROUPS
    reference: Mapping[str, str | None] = field(default_factory=dict)
    confidence: float = 0.95
    correction: Correction = Correction.HOLM
    minimum_size: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group under one measure. A small one has too few rows to be judged."""

    by: tuple[str, ...]
    values: tuple[str | None, ...]
    measure: Measure
    estimate: Estimate
    is_small: bool

    @property
    def name(self) -> str:
        """For people: the values, and what stands for a missing one."""
        return ", ".join("(missing)" if value is None else value or "(empty)" for value in self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One group against another, against all rows, or by itself: one of those of which the worst counts."""

    kind: Kind
    group: Group
    # With the other group, or with the rest of the rows of whom the group is `share`; None for a group by itself.
    other: Group | None = None
    rest: Estimate | None = None
    share: float = 0.0

    @property
    def value(self) -> float:
        """The point in the interval; NaN where it is undefined."""
        one = self.group.estimate.value
        if self.rest is not None:
            other = self.share * one + (1 - self.share) * self.rest.value
        elif self.other is not None:
            other = self.other.estimate.value
        else:
            return one
        return abs(one - other) if self.kind is Kind.DIFFERENCE else metrics.below_one(metrics.divided(one, other))

    def interval(self, level: float) -> Interval:
        one = self.group.estimate
        other = self.rest or (self.other.estimate if self.other else None)
        if other is None:
            return one.interval(level)
        of_one, of_other = one.interval(level), other.interval(level)
        if self.kind is Kind.DIFFERENCE:
            found = intervals.size_of_difference(intervals.difference(one.value, of_one, other.value, of_other))
            if self.rest is None:
                return found
            return Interval((1 - self.share) * found.lower, (1 - self.share) * found.upper)
        found = intervals.ratio(one.value, of_one, other.value, of_other)
        if self.rest is not None:
            found = Interval(self._to_all(found.lower), self._to_all(found.upper))
        return intervals.ratio_below_one(found)

    def _to_all(self, to_rest: float) -> float:
        """The ratio to all rows, of whom the group is a fixed share, from that to the rest."""
        if math.isinf(to_rest):
            return 1 / self.share if self.share else math.inf
        return to_rest / (self.share * to_rest + 1 - self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A metric with its interval, the groups, and the comparisons of those that are large enough to be judged."""

    definition: Definition
    method: Method
    # As Fairlearn has it, over all groups, small ones too; NaN where it is undefined.
    value: float
    # Of those that are large enough.
    interval: Interval
    groups: tuple[Group, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def value_judged(self) -> float:
        """The value over the groups that are large enough."""
        if not self.small:
            return self.value
        return worst([comparison.value for comparison in self.comparisons], self.definition.kind)

    @property
    def small(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.is_small)

    @property
    def single(self) -> list[tuple[str, ...]]:
        """The groupings that have one group only, so that it is compared with nothing."""
        if self.definition.kind in {Kind.SMALLEST, Kind.LARGEST}:
            return []
        found: dict[tuple[str, ...], set[tuple[str | None, ...]]] = {}
        for group in self.groups:
            found.setdefault(group.by, set()).add(group.values)
        return [by for by, values in found.items() if len(values) == 1]

    def judged(self, bound: float) -> Judgement:
        """Of the groups that are large enough; the bound itself is allowed. Nothing compared is insufficient."""
        if not self.comparisons:
            return Judgement.INSUFFICIENT
        if self._is_beyond(self.interval, bound):
            return Judgement.OUTSIDE
        is_higher = self.definition.kind.is_worse_higher
        inside = self.interval.upper <= bound if is_higher else self.interval.lower >= bound
        return Judgement.INSIDE if inside else Judgement.INSUFFICIENT

    def breaking(self, bound: float) -> list[tuple[Comparison, Interval]]:
        """The comparisons that break the bound, with the intervals that show it, worst first (Holm 1979)."""
        remaining = list(self.comparisons)
        broken: list[tuple[Comparison, Interval]] = []
        while remaining:
            level = _corrected(self.method, len(remaining))
            found = [(comparison, comparison.interval(level)) for comparison in remaining]
            beyond = [one for one in found if self._is_beyond(one[1], bound)]
            broken += beyond
            if not beyond or self.method.correction is Correction.NONE:
                break
            remaining = [one[0] for one in found if not self._is_beyond(one[1], bound)]
        if self.definition.kind.is_worse_higher:
            return sorted(broken, key=lambda one: -one[1].lower)
        return sorted(broken, key=lambda one: one[1].upper)

    def _is_beyond(self, found: Interval, bound: float) -> bool:
        return found.lower > bound if self.definition.kind.is_worse_higher else found.upper < bound


def measure(counts: Counts, definition: Definition, method: Method, groupings: Sequence[Sequence[str]]) -> Measured:
    """The metric over the groups of each grouping, the worst of all; comparisons are within a grouping only.

    Raises Invalid when there are no rows, or none of the reference group.
    """
    if not counts.rows:
        raise Invalid("The table has no rows.")
    overall = counts.overall()
    groups: list[Group] = []
    comparisons: list[Comparison] = []
    values = []
    for by in groupings:
        cells = counts.groups(by)
        reference = _reference(cells, by, method)
        values.append(metrics.value(definition, cells, overall, against=method.against, reference=reference))
        for one in definition.measures:
            measured = [_group(by, cell, one, method) for cell in cells]
            large = [group for group in measured if not group.is_small]
            groups += measured
            match definition.kind, method.against:
                case ((Kind.SMALLEST | Kind.LARGEST), _):
                    comparisons += [Comparison(kind=definition.kind, group=group) for group in large]
                case _, Against.BETWEEN_GROUPS:
                    comparisons += _between(definition.kind, large)
                case _, Against.TO_OVERALL:
                    comparisons += _to_overall(definition.kind, large, one.of(overall))
                case _, Against.TO_REFERENCE:
                    comparisons += _to_reference(definition.kind, large, method.reference)
    return Measured(
        definition=definition,
        method=method,
        value=worst(values, definition.kind),
        interval=_interval(comparisons, definition.kind, method),
        groups=tuple(groups),
        comparisons=tuple(comparisons),
    )


def worst(values: Sequence[float], kind: Kind) -> float:
    """The worst that is a number; NaN when none is."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return math.nan
    return max(known) if kind.is_worse_higher else min(known)


def _reference(cells: Sequence[Cell], by: Sequence[str], method: Method) -> Cell | None:
    if method.against is not Against.TO_REFERENCE:
        return None
    values = tuple(method.reference.get(name) for name in by)
    for cell in cells:
        if cell.values == values:
            return cell
    said = ", ".join(f"{name} {value!r}" for name, value in zip(by, values, strict=True))
    raise Invalid(f"The table has no rows of the reference group ({said}).", fields={"reference": "has no rows"})


def _group(by: Sequence[str], cell: Cell, measure: Measure, method: Method) -> Group:
    estimate = measure.of(cell)
    return Group(
        by=tuple(by),
        values=cell.values,
        measure=measure,
        estimate=estimate,
        is_small=estimate.tally.rows < method.minimum_size,
    )


def _between(kind: Kind, groups: Sequence[Group]) -> Iterator[Comparison]:
    return (Comparison(kind=kind, group=one, other=other) for one, other in combinations(groups, 2))


def _to_reference(kind: Kind, groups: Sequence[Group], reference: Mapping[str, str | None]) -> Iterator[Comparison]:
    """Each group with the reference; nothing when that is too small itself."""
    for other in groups:
        if all(reference.get(name) == value for name, value in zip(other.by, other.values, strict=True)):
            return (Comparison(kind=kind, group=group, other=other) for group in groups if group is not other)
    return iter(())


def _to_overall(kind: Kind, groups: Sequence[Group], overall: Estimate) -> Iterator[Comparison]:
    """Each group with all rows. They share rows, so what is compared is the group with the rest.

    With the share w of the group taken as given, its distance from all is 1-w times that from the rest.
    """
    for group in groups:
        match group.estimate, overall:
            case Proportion() as one, Proportion() as total:
                rest: Estimate = one.rest_of(total)
            case Mean() as mean, Mean() as total_mean:
                rest = mean.rest_of(total_mean)
            case _:
                raise ValueError(f"{group.measure.name} of all rows is no mean of those of the groups.")
        if rest.tally.rows:
            share = group.estimate.tally.weight / overall.tally.weight
            yield Comparison(kind=kind, group=group, rest=rest, share=share)


def _corrected(method: Method, comparisons: int) -> float:
    """The level of each of so many comparisons."""
    if method.correction is Correction.NONE:
        return method.confidence
    return 1 - (1 - method.confidence) / max(1, comparisons)


def _interval(comparisons: Sequence[Comparison], kind: Kind, method: Method) -> Interval:
    """Of the worst comparison; the bound on the bad side is corrected. Without bounds when nothing is compared."""
    if not comparisons:
        return Interval(-math.inf, math.inf)
    plain = [comparison.interval(method.confidence) for comparison in comparisons]
    level = _corrected(method, len(comparisons))
    sure = plain if level == method.confidence else [comparison.interval(level) for comparison in comparisons]
    if kind.is_worse_higher:
        return Interval(max(found.lower for found in sure), max(found.upper for found in plain))
    return Interval(min(found.lower for found in plain), min(found.upper for found in sure))
