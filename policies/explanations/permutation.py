"""Shapley values of any model by permutations, in large batches. Pure.

A walk goes from a row of the background to the row that is explained and takes over its features one by one, in a
random order; what the output changes at each step is the attribution of that feature (Castro, Gómez, Tejada 2009,
Polynomial calculation of the Shapley value based on sampling). Each row walks from every row of the background, there
in an order and back in its reverse (antithetic; Mitchell et al. 2022, Sampling permutations for Shapley value
estimation). So the attributions of a row add up, exactly, to its output less the mean output of the background; of a
model that is a sum of functions of single features they are exact.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
Predict = Callable[[Table], Table]
# How many rows the model is given at once.
BATCH = 65_536


def attributions(predict: Predict, rows: Table, background: Table, *, seed: int) -> tuple[Table, float, Table]:
    """The attributions of each row, the base value, and the output of each row."""
    random = np.random.default_rng(seed)
    count, features = rows.shape
    output, base = predict(rows), predict(background)
    found = np.zeros((count, features))
    at_once = max(1, BATCH // max(1, features))
    for place, start in enumerate(background):
        for begin in range(0, count, at_once):
            part = slice(begin, begin + at_once)
            orders = random.permuted(np.tile(np.arange(features), (len(rows[part]), 1)), axis=1)
            for order in (orders, orders[:, ::-1]):
                found[part] += _walked(predict, rows[part], start, order, base[place], output[part])
    return found / (2 * len(background)), float(base.mean()), output


def _walked(predict: Predict, rows: Table, start: Table, order: NDArray[np.int64], first: float, last: Table) -> Table:
    """What each step of one walk per row changes, by feature. Both ends of the walk are known already."""
    count, features = rows.shape
    # When each feature is taken over: at step s the row has those whose turn is up to s.
    turn = np.argsort(order, axis=1)
    has = turn[:, None, :] <= np.arange(features - 1)[None, :, None]
    between = np.where(has, rows[:, None, :], start[None, None, :]).reshape(-1, features)
    inner = predict(between).reshape(count, features - 1) if features > 1 else np.empty((count, 0))
    outputs = np.concatenate([np.full((count, 1), first), inner, last[:, None]], axis=1)
    steps = np.diff(outputs, axis=1)
    found: Table = np.take_along_axis(steps, turn, axis=1)
    return found
