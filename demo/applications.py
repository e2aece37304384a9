"""Loan applications that a seeded generator makes up: no person stands behind any row.

Whether a loan is repaid depends on means that nobody sees; women have the same as men. What clerks decided in the past
was harsher on women, and working hours tell the sexes apart. So a model that learns from those decisions goes on as the
clerks did, though it never sees the sex: what the gate has to find.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS = 20_000
FEATURES = ("log_income", "hours_per_week", "debt_ratio", "days_late", "years_employed")
Table = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applications:
    """Rows of features, with the sex, what clerks decided, and whether the loan was repaid."""

    features: Table
    is_woman: NDArray[np.bool_]
    granted: Labels
    repaid: Labels

    def __len__(self) -> int:
        return len(self.features)

    def part(self, rows: slice) -> "Applications":
        return Applications(
            features=self.features[rows],
            is_woman=self.is_woman[rows],
            granted=self.granted[rows],
            repaid=self.repaid[rows],
        )


def make(seed: int, rows: int = ROWS) -> Applications:
    random = np.random.default_rng(seed)
    is_woman = random.random(rows) < 0.5
    means = random.normal(size=rows)
    features = np.column_stack(
        [
            10.2 + 0.35 * means - 0.15 * is_woman + 0.2 * random.normal(size=rows),
            38 - 8 * is_woman + 4 * random.normal(size=rows),
            0.45 - 0.12 * means + 0.12 * random.normal(size=rows),
            20 * np.exp(-0.5 * means + 0.6 * random.normal(size=rows)),
            12 + 2 * means - 1.5 * is_woman + 3 * random.normal(size=rows),
        ]
    )
    return Applications(
        features=features,
        is_woman=is_woman,
        granted=(means - 0.8 * is_woman + 0.4 * random.normal(size=rows) > -0.6).astype(np.int64),
        repaid=(means + 0.5 * random.normal(size=rows) > -0.3).astype(np.int64),
    )
