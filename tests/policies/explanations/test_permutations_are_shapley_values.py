"""Attributions by permutations against Shapley's own definition, over all coalitions."""

from itertools import combinations
from math import factorial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from policies.explanations import permutation

Table = NDArray[np.float64]


def exact(predict: permutation.Predict, rows: Table, background: Table) -> Table:
    """Shapley 1953: the mean gain of a feature over all coalitions, each valued by its mean over the background."""
    features = rows.shape[1]
    found = np.zeros(rows.shape)

    def value(row: Table, members: tuple[int, ...]) -> float:
        mixed = background.copy()
        mixed[:, list(members)] = row[list(members)]
        return float(predict(mixed).mean())

    for place, row in enumerate(rows):
        for feature in range(features):
            others = [other for other in range(features) if other != feature]
            for size in range(features):
                weight = factorial(size) * factorial(features - size - 1) / factorial(features)
                for members in combinations(others, size):
                    gain = value(row, (*members, feature)) - value(row, members)
                    found[place, feature] += weight * gain
    return found


def curved(rows: Table) -> Table:
    found: Table = np.tanh(rows[:, 0] * rows[:, 1]) + np.maximum(rows[:, 2], rows[:, 3]) + rows[:, 0]
    return found


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1_000), features=st.integers(1, 6), weights=st.lists(st.floats(-5, 5), min_size=6, max_size=6)
)
def test_of_a_sum_of_single_features_they_are_exact(seed: int, features: int, weights: list[float]) -> None:
    random = np.random.default_rng(seed)
    rows, background = random.normal(size=(4, features)), random.normal(size=(3, features))
    each = np.array(weights[:features])

    found, _, _ = permutation.attributions(lambda given: np.sin(given) @ each, rows, background, seed=seed)

    np.testing.assert_allclose(found, (np.sin(rows) - np.sin(background).mean(axis=0)) * each, atol=1e-9)


def test_they_add_up_and_come_close_to_the_exact_ones() -> None:
    random = np.random.default_rng(3)
    rows, background = random.normal(size=(5, 4)), random.normal(size=(200, 4))

    found, base, output = permutation.attributions(curved, rows, background, seed=0)

    np.testing.assert_allclose(base + found.sum(axis=1), output, atol=1e-12)
    np.testing.assert_allclose(found, exact(curved, rows, background), atol=0.08)


def test_of_two_features_one_walk_there_and_back_is_all_there_are() -> None:
    random = np.random.default_rng(4)
    rows, background = random.normal(size=(6, 2)), random.normal(size=(5, 2))

    def product(given: Table) -> Table:
        found: Table = given[:, 0] * given[:, 1]
        return found

    found, _, _ = permutation.attributions(product, rows, background, seed=0)

    np.testing.assert_allclose(found, exact(product, rows, background), atol=1e-12)


def test_the_same_seed_gives_the_same() -> None:
    random = np.random.default_rng(5)
    rows, background = random.normal(size=(50, 4)), random.normal(size=(8, 4))

    first, _, _ = permutation.attributions(curved, rows, background, seed=1)
    again, _, _ = permutation.attributions(curved, rows, background, seed=1)
    other, _, _ = permutation.attributions(curved, rows, background, seed=2)

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
