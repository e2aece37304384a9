"""The numbers of Fairlearn from counts: values by group, and what their differences and ratios come to. Pure.

Equal to Fairlearn 0.15 on the rows, its oddities included: a rate without rows below its bar is 0, a ratio of 0 to 0 is
not a number and is passed over where others are left, and of two ratios Python's `min` is taken in a fixed order.
Missing sensitive values are a group here, which Fairlearn refuses to have.
"""

import math
from collections.abc import Sequence

from policies.fairness.definitions import Against, Definition, Kind
from policies.fairness.groups import Cell


def value(
    definition: Definition,
    groups: Sequence[Cell],
    overall: Cell,
    *,
    against: Against = Against.BETWEEN_GROUPS,
    reference: Cell | None = None,
) -> float:
    """The metric over the groups; NaN where it is undefined. `reference` is needed only to compare with it."""
    found = []
    for measure in definition.measures:
        values = [measure.of(group).value for group in groups]
        match against:
            case Against.BETWEEN_GROUPS:
                other = None
            case Against.TO_OVERALL:
                other = measure.of(overall).value
            case Against.TO_REFERENCE:
                if reference is None:
                    raise ValueError("Comparing with a reference needs its group.")
                other = measure.of(reference).value
        found.append(_value(definition.kind, values, other))
    return max(found) if definition.kind.is_worse_higher else min(found)


def _value(kind: Kind, values: Sequence[float], other: float | None) -> float:
    match kind:
        case Kind.SMALLEST:
            return _least(values)
        case Kind.LARGEST:
            return _most(values)
        case Kind.DIFFERENCE:
            least = _least(values) if other is None else other
            return _most([abs(one - least) for one in values])
        case Kind.RATIO:
            if other is None:
                return divided(_least(values), _most(values))
            return _least([below_one(divided(one, other)) for one in values])


def _least(values: Sequence[float]) -> float:
    return min((one for one in values if not math.isnan(one)), default=math.nan)


def _most(values: Sequence[float]) -> float:
    return max((one for one in values if not math.isnan(one)), default=math.nan)


def divided(one: float, other: float) -> float:
    """As numpy divides: by 0 gives infinity or NaN."""
    if other:
        return one / other
    return math.copysign(math.inf, one) if one else math.nan


def below_one(ratio: float) -> float:
    """The ratio or its inverse, whichever is at most 1."""
    return 1 / ratio if ratio > 1 else ratio
