"""Counting the columns of two tables side by side, in DuckDB. Pure.

Numbers are counted in the tenths of the first table and compared value by value; everything else by its values. What is
text in one table counts as a number if all of it reads as one in both.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from governance.errors import Invalid, TooLarge
from policies.checks.facts import DistributionFact
from policies.fairness import tables
from policies.fairness.tables import Column, Limits, Table

MAX_COLUMNS = 500
MAX_CATEGORIES = 500
MAX_VALUE_LENGTH = 200
TENTHS = 10
SIDES = ("one", "other")
# Every distinct number of a column is held, on both sides.
LIMITS = Limits(memory_mib=1024, threads=2)


def count(
    training: Path, serving: Path, columns: Sequence[str] | None = None, limits: Limits = LIMITS
) -> list[DistributionFact]:
    """The distribution of each of the columns, or of all that both tables have, in the order of the first.

    A column that cannot be counted carries its problem. Raises Invalid and TooLarge for tables that cannot be read.
    """
    with tables.opened_both(training, serving, limits) as (one, other):
        there = {column.name for column in other.columns}
        names = [column.name for column in one.columns if column.name in there] if columns is None else list(columns)
        if len(names) > MAX_COLUMNS:
            raise TooLarge(f"The tables share {len(names):,} columns; name at most {MAX_COLUMNS} to compare.")
        return [_column(one, other, name) for name in names]


def _column(one: Table, other: Table, name: str) -> DistributionFact:
    try:
        columns = (one.column(name), other.column(name))
    except Invalid as error:
        return DistributionFact(column=name, is_ordered=False, problem=error.message.rstrip("."))
    for column in columns:
        if not column.is_plain:
            return DistributionFact(column=name, is_ordered=False, problem=f"holds {column.type}")
    both = list(zip((one, other), columns, SIDES, strict=True))
    is_number = all(column.is_number or _reads_as_number(table, column) for table, column, _ in both)
    for table, column, place in both:
        value = _number(column) if is_number else f"CAST({column.sql} AS VARCHAR)"
        _tally(table, place, value)
    missing = (_missing(one, "one"), _missing(other, "other"))
    return _numbers(one, name, missing) if is_number else _categories(one, name, missing)


def _reads_as_number(table: Table, column: Column) -> bool:
    """Whether text is all numbers. A column without any value is none."""
    if not column.is_text:
        return False
    sql = f"""
        SELECT count(*) FILTER (TRY_CAST({column.sql} AS DOUBLE) IS NOT NULL), count({column.sql}) FROM {table.source}
    """
    numbers, values = table.rows(sql, {})[0]
    return bool(values) and numbers == values


def _number(column: Column) -> str:
    """The value as a number; what is none is missing. Both zeros are one value."""
    number = f"TRY_CAST({column.sql} AS DOUBLE)" if column.is_text else f"CAST({column.sql} AS DOUBLE)"
    return f"CASE WHEN isnan({number}) THEN NULL ELSE {number} + 0.0 END"


def _tally(table: Table, place: str, value: str) -> None:
    """Rows by value, in the temporary table of that name."""
    table.rows(
        f"CREATE OR REPLACE TEMP TABLE {place} AS "
        f"SELECT {value} AS value, count(*) AS n FROM {table.source} GROUP BY ALL",
        {},
    )


def _missing(table: Table, place: str) -> int:
    return int(table.database.execute(f"SELECT coalesce(sum(n), 0) FROM {place} WHERE value IS NULL").fetchall()[0][0])


def _numbers(table: Table, name: str, missing: tuple[int, int]) -> DistributionFact:
    """Intervals that end at the tenths of the first table, and the exact distance."""
    run = table.database.execute
    sides = [run(f"SELECT coalesce(sum(n), 0) FROM {side} WHERE value IS NOT NULL").fetchall()[0][0] for side in SIDES]
    if not all(sides):
        return DistributionFact(column=name, is_ordered=True, missing=missing, problem="has no values")
    ends = run(
        f"""
        SELECT DISTINCT min(value) AS ends_at FROM (
            SELECT value, CAST(ceil(sum(n) OVER (ORDER BY value) * {TENTHS} / ?) AS INTEGER) AS tenth
            FROM one WHERE value IS NOT NULL
        ) GROUP BY tenth ORDER BY ends_at
        """,
        [float(sides[0])],
    ).fetchall()
    edges = [end[0] for end in ends[1:]]
    counted = [
        dict(
            run(
                f"""
                SELECT len(list_filter(?::DOUBLE[], lambda edge: edge <= value)) AS place, sum(n)
                FROM {side} WHERE value IS NOT NULL GROUP BY place
                """,
                [edges],
            ).fetchall()
        )
        for side in SIDES
    ]
    distance = run(
        """
        SELECT max(abs(sum_one / ? - sum_other / ?)) FROM (
            SELECT sum(sum(n_one)) OVER (ORDER BY value) AS sum_one,
                   sum(sum(n_other)) OVER (ORDER BY value) AS sum_other
            FROM (
                SELECT value, n AS n_one, 0 AS n_other FROM one WHERE value IS NOT NULL
                UNION ALL SELECT value, 0, n FROM other WHERE value IS NOT NULL
            ) GROUP BY value
        )
        """,
        [float(sides[0]), float(sides[1])],
    ).fetchall()[0][0]
    places = range(len(edges) + 1)
    return DistributionFact(
        column=name,
        is_ordered=True,
        labels=_intervals(edges),
        training=[int(counted[0].get(place, 0)) for place in places],
        serving=[int(counted[1].get(place, 0)) for place in places],
        missing=missing,
        distance=float(distance),
    )


def _intervals(edges: Sequence[float]) -> list[str]:
    if not edges:
        return ["all"]
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g}", *inner, f"from {edges[-1]:g}"]


def _categories(table: Table, name: str, missing: tuple[int, int]) -> DistributionFact:
    rows = table.database.execute(
        """
        SELECT left(value, ?), sum(n_one), sum(n_other) FROM (
            SELECT value, n AS n_one, 0 AS n_other FROM one WHERE value IS NOT NULL
            UNION ALL SELECT value, 0, n FROM other WHERE value IS NOT NULL
        ) GROUP BY value ORDER BY value LIMIT ?
        """,
        [MAX_VALUE_LENGTH, MAX_CATEGORIES + 1],
    ).fetchall()
    if len(rows) > MAX_CATEGORIES:
        problem = f"has more than {MAX_CATEGORIES} categories"
    else:
        problem = "" if all(sum(row[side] for row in rows) for side in (1, 2)) else "has no values"
    if problem:
        return DistributionFact(column=name, is_ordered=False, missing=missing, problem=problem)
    return DistributionFact(
        column=name,
        is_ordered=False,
        labels=[str(row[0]) for row in rows],
        training=[int(row[1]) for row in rows],
        serving=[int(row[2]) for row in rows],
        missing=missing,
    )
