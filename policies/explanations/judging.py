"""Comparing what moves one model with what moves another, and with itself. Pure."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from policies.explanations.attributions import Attributions


def agreement(one: Attributions, other: Attributions) -> float:
    """Spearman's rank correlation of the features' mean sizes over the features of both; one that is not there has 0.

    NaN when there are fewer than two features, or all of one side are equal.
    """
    of_one = {feature.name: feature.mean_absolute for feature in one.features}
    of_other = {feature.name: feature.mean_absolute for feature in other.features}
    names = sorted(of_one.keys() | of_other.keys())
    return spearman([of_one.get(name, 0.0) for name in names], [of_other.get(name, 0.0) for name in names])


def stability(found: Attributions) -> float:
    """The smallest rank correlation of the features' mean sizes between two seeds; NaN for fewer than two seeds."""
    correlations = [spearman(one, other) for one, other in combinations(found.by_seed, 2)]
    return math.nan if not correlations or any(map(math.isnan, correlations)) else min(correlations)


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's correlation of the ranks; equal values share the mean of their ranks. NaN where it is undefined."""
    return _pearson(_ranks(one), _ranks(other))


def _ranks(values: Sequence[float]) -> list[float]:
    places: dict[float, list[int]] = {}
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        places.setdefault(values[place], []).append(rank)
    shared: Mapping[float, float] = {value: sum(ranks) / len(ranks) for value, ranks in places.items()}
    return [shared[value] for value in values]


def _pearson(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) < 2:
        return math.nan
    of_one, of_other = (sum(values) / len(values) for values in (one, other))
    together = math.fsum((a - of_one) * (b - of_other) for a, b in zip(one, other, strict=True))
    spread = math.fsum((a - of_one) ** 2 for a in one) * math.fsum((b - of_other) ** 2 for b in other)
    return together / math.sqrt(spread) if spread > 0 else math.nan
