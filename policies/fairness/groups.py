"""Counts of an evaluation table per group: all that fairness metrics and their intervals need of it. Pure.

No row of a person is in here, and it is small: a few numbers per combination of sensitive values, whatever the number
of rows. Sums of the finest groups are exact, so every coarser grouping comes from the same counts.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import reduce
from typing import Annotated, Self, TypeVar

import msgspec

R = TypeVar("R", bound="Record")
ColumnName = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Part(StrEnum):
    """What can be counted of a table. Each metric needs one of them."""

    CONFUSION = "confusion"
    LOSSES = "losses"
    CALIBRATION = "calibration"


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the columns of an evaluation table mean.

    A class is predicted in the column `prediction`, or by a `score` of at least `threshold`. `positive` is the value of
    label and prediction that counts as positive; without it both are 0 or 1, or false and true.
    """

    label: ColumnName
    sensitive: Annotated[list[ColumnName], msgspec.Meta(min_length=1, max_length=10)]
    prediction: ColumnName | None = None
    score: ColumnName | None = None
    threshold: float | None = None
    weight: ColumnName | None = None
    positive: bool | int | float | str | None = None

    @property
    def number(self) -> str | None:
        """The column whose distance from the label is the error: the score, or else the prediction."""
        return self.score or self.prediction


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of counts: a record of numbers that can be added to another of its kind, field by field."""

    def __add__(self, other: Self) -> Self:
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class Tally(Record, frozen=True, kw_only=True):
    """How many rows, the sum of their weights, and the sum of the squares of their weights."""

    rows: int = 0
    weight: float = 0.0
    squared: float = 0.0

    @property
    def effective(self) -> float:
        """How many rows of equal weight say as much (Kish 1965, Survey Sampling)."""
        return self.weight * self.weight / self.squared if self.squared else 0.0


class Confusion(Record, frozen=True, kw_only=True):
    """Rows by what was predicted and whether that was true."""

    true_positive: Tally = Tally()
    false_positive: Tally = Tally()
    false_negative: Tally = Tally()
    true_negative: Tally = Tally()


class Loss(Record, frozen=True, kw_only=True):
    """Sums over rows of a loss l with weight w: of w·l, of w²·l and of w²·l²."""

    weighted: float = 0.0
    squared_weighted: float = 0.0
    squares: float = 0.0


class Losses(Record, frozen=True, kw_only=True):
    """How far a number that was predicted lies from the label: signed, absolute and squared."""

    tally: Tally = Tally()
    error: Loss = Loss()
    absolute: Loss = Loss()
    square: Loss = Loss()


class Bin(Record, frozen=True, kw_only=True):
    """Rows whose score falls into one tenth of 0 to 1: their weighted scores, and how many are positive."""

    tally: Tally = Tally()
    score: float = 0.0
    positive: float = 0.0


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rows with the same sensitive values, in the order of the columns; None where the value is missing."""

    values: tuple[str | None, ...]
    rows: int
    confusion: Confusion | None = None
    losses: Losses | None = None
    # One for each tenth, from the lowest.
    calibration: tuple[Bin, ...] | None = None

    def merged(self, other: "Cell", values: tuple[str | None, ...]) -> "Cell":
        """Both together as one cell. They were counted alike, so what one has the other has."""
        return Cell(
            values=values,
            rows=self.rows + other.rows,
            confusion=_sum(self.confusion, other.confusion),
            losses=_sum(self.losses, other.losses),
            calibration=_bins(self.calibration, other.calibration),
        )


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The counts of a table at its finest groups, and what its columns meant. Stored with the finding."""

    columns: Columns
    cells: list[Cell]

    @property
    def rows(self) -> int:
        return sum(cell.rows for cell in self.cells)

    def groups(self, by: Sequence[str] | None = None) -> list[Cell]:
        """One cell for each combination of values of the columns `by` (default: all), ordered, missing values last.

        Raises ValueError for a column that was not counted.
        """
        places = [self.columns.sensitive.index(name) for name in (self.columns.sensitive if by is None else by)]
        found: dict[tuple[str | None, ...], Cell] = {}
        for cell in self.cells:
            values = tuple(cell.values[place] for place in places)
            found[values] = found[values].merged(cell, values) if values in found else _named(cell, values)
        return sorted(found.values(), key=lambda cell: [(value is None, value or "") for value in cell.values])

    def overall(self) -> Cell:
        """All rows as one cell without values. Raises TypeError when there are no cells."""
        return reduce(lambda total, cell: total.merged(cell, ()), self.cells[1:], _named(self.cells[0], ()))


def _named(cell: Cell, values: tuple[str | None, ...]) -> Cell:
    return msgspec.structs.replace(cell, values=values)


def _sum(one: R | None, other: R | None) -> R | None:
    return None if one is None or other is None else one + other


def _bins(one: tuple[Bin, ...] | None, other: tuple[Bin, ...] | None) -> tuple[Bin, ...] | None:
    return None if one is None or other is None else tuple(a + b for a, b in zip(one, other, strict=True))
