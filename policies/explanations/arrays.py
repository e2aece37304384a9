"""Attributions in memory, summed up as `summaries` sums up tables: few rows, for which a database takes long. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from governance.errors import Invalid
from policies.explanations.attributions import PARTS, SPREADS, Additivity, Attributions, Feature
from policies.explanations.loading import Explained, Table

_THIRDS = 4


def sum_up(names: Sequence[str], found: Sequence[tuple[Table, Explained]]) -> Attributions:
    """The attributions of the named features in rows that were drawn and explained, for each seed.

    Raises Invalid when they are not finite numbers.
    """
    values = np.concatenate([explained.values for _, explained in found]).astype(np.float64)
    base = np.concatenate([explained.base for _, explained in found]).astype(np.float64)
    output = np.concatenate([explained.output for _, explained in found]).astype(np.float64)
    if not (np.isfinite(values).all() and np.isfinite(base).all() and np.isfinite(output).all()):
        raise Invalid("The model's outputs are not all finite numbers.")
    with np.errstate(over="ignore"):
        absolute, signed = np.abs(values).mean(axis=0), values.mean(axis=0)
        error = np.abs(base + values.sum(axis=1) - output).max()
        scale = np.sqrt(np.mean((output - base) ** 2))
    if not (np.isfinite(absolute).all() and np.isfinite(error) and np.isfinite(scale)):
        raise Invalid("Attributions are so large that their sums are not finite.")
    order = sorted(range(len(names)), key=lambda place: (-absolute[place], names[place]))
    top = order[:SPREADS]
    lowest, highest = (float(values[:, top].min()), float(values[:, top].max())) if top else (0.0, 0.0)
    rows = np.concatenate([drawn for drawn, _ in found])
    spreads = {place: _spread(values[:, place], rows[:, place], lowest, highest) for place in top}
    return Attributions(
        rows=len(values),
        features=[
            Feature(
                name=names[place],
                mean_absolute=float(absolute[place]),
                mean=float(signed[place]),
                spread=spreads.get(place, []),
            )
            for place in order
        ],
        lowest=lowest,
        highest=highest,
        additivity=Additivity(error=float(error), scale=float(scale)),
        by_seed=[[float(size) for size in np.abs(one.values).mean(axis=0)[order]] for _, one in found],
    )


def _spread(
    attributions: NDArray[np.float64], values: NDArray[np.float64], lowest: float, highest: float
) -> list[tuple[int, int, int, int]]:
    """How many rows lie in each part of the range, with a low, a middle, a high and an unknown value."""
    width = (highest - lowest) / PARTS or 1.0
    part = np.minimum(PARTS - 1, np.floor((attributions - lowest) / width)).astype(np.int64)
    third = np.full(len(values), _THIRDS - 1)
    known = np.isfinite(values)
    if known.any():
        lower, upper = np.quantile(values[known], [1 / 3, 2 / 3])
        is_high = (values > upper) | ((values >= upper) & (upper > lower))
        third[known] = np.where(values <= lower, 0, np.where(is_high, 2, 1))[known]
    counts = np.bincount(part * _THIRDS + third, minlength=PARTS * _THIRDS).reshape(PARTS, _THIRDS)
    return [(int(low), int(middle), int(high), int(unknown)) for low, middle, high, unknown in counts]
