"""How a column is read as a class, a number or a weight: SQL for its value, and for what may be wrong with it. Pure."""

from dataclasses import dataclass

from governance.errors import Invalid
from policies.fairness.tables import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A condition on rows that refuses the table."""

    column: Column
    condition: str
    says: str
    hint: str = ""
    # There is no value to show.
    is_absence: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A column read as a number: the SQL for it, and what may be wrong with it."""

    sql: str
    faults: tuple[Fault, ...]


def classified(column: Column, positive: bool | float | str | None) -> Value:
    """1 where the value is the positive one, and 0 where it is the other."""
    if not column.is_plain:
        raise _not_readable(column, "a class")
    missing = _missing(column)
    if positive is None:
        number = _in_digits(column)
        wrong = Fault(
            column=column,
            condition=f"NOT ({missing}) AND coalesce({number} NOT IN (0, 1), true)",
            says="neither 0 nor 1",
            hint=" Say which value is positive.",
        )
        return Value(sql=number, faults=(_absent(column, missing), wrong))
    return Value(
        sql=f"CAST(coalesce({_matches(column, positive)}, false) AS DOUBLE)", faults=(_absent(column, missing),)
    )


def _matches(column: Column, positive: bool | float | str) -> str:
    """Whether a value is the positive one, which the query has as text: 1 is 1.0, and true is 1 among numbers."""
    if isinstance(positive, bool):
        if column.is_text:
            return f"lower({column.sql}) = $positive"
        return f"{_in_digits(column)} = CAST(CAST($positive AS BOOLEAN) AS TINYINT)"
    if isinstance(positive, str) and not column.is_number:
        return f"CAST({column.sql} AS VARCHAR) = $positive"
    return f"{_in_digits(column)} = TRY_CAST($positive AS DOUBLE)"


def positive_as_text(positive: bool | float | str) -> str:
    return str(positive).lower() if isinstance(positive, bool) else str(positive)


def number(column: Column, *, is_probability: bool = False) -> Value:
    """The value as a finite number, perhaps from 0 to 1."""
    number = _in_digits(column)
    missing = _missing(column)
    faults = [
        _absent(column, missing),
        Fault(
            column=column, condition=f"NOT ({missing}) AND NOT coalesce(isfinite({number}), false)", says="no number"
        ),
    ]
    if is_probability:
        faults.append(Fault(column=column, condition=f"{number} NOT BETWEEN 0 AND 1", says="not between 0 and 1"))
    return Value(sql=number, faults=tuple(faults))


def weight(column: Column) -> Value:
    """The value as a finite number above 0."""
    read = number(column)
    wrong = Fault(column=column, condition=f"{read.sql} <= 0", says="not above 0")
    return Value(sql=read.sql, faults=(*read.faults, wrong))


def _in_digits(column: Column) -> str:
    if column.is_text:
        return f"TRY_CAST({column.sql} AS DOUBLE)"
    if column.type == "BOOLEAN":
        return f"CAST(CAST({column.sql} AS TINYINT) AS DOUBLE)"
    if column.is_number or column.type in {"NULL", '"NULL"'}:
        return f"CAST({column.sql} AS DOUBLE)"
    raise _not_readable(column, "a number")


def _missing(column: Column) -> str:
    missing = f"{column.sql} IS NULL"
    if column.is_float:
        return f"{missing} OR isnan({column.sql})"
    if column.is_text:
        return f"{missing} OR coalesce(isnan(TRY_CAST({column.sql} AS DOUBLE)), false)"
    return missing


def _absent(column: Column, missing: str) -> Fault:
    return Fault(column=column, condition=missing, says="without a value", is_absence=True)


def _not_readable(column: Column, what: str) -> Invalid:
    message = f"Column {column.name!r} holds {column.type}, which is not {what}."
    return Invalid(message, fields={column.name: f"is not {what}"})
