"""Summing up a table of attributions, out of core: from any number of rows to a few numbers a feature. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from governance.errors import Invalid, TooLarge
from policies.explanations.attributions import MAX_FEATURES, PARTS, SPREADS, Additivity, Attributions, Feature, Sent
from policies.fairness import tables
from policies.fairness.tables import Column, Limits, Table

MAX_SEEDS = 20
# Of how many values thirds are taken in one pass: each is held in memory until its third is known.
VALUES_AT_ONCE = 4_000_000
_LOW, _MIDDLE, _HIGH, _UNKNOWN = _THIRDS = range(4)


def sum_up(path: Path, asked: Sent, limits: Limits | None = None) -> Attributions:
    """The attributions of the table.

    Raises Invalid with the column in `fields` when the table does not hold what is asked for, and TooLarge when it has
    more features or seeds than are taken.
    """
    with tables.opened(path, limits or Limits()) as table:
        return sum_up_table(table, asked)


def sum_up_table(table: Table, asked: Sent) -> Attributions:
    """As `sum_up`, of a table that is open."""
    names, columns = _features(table, asked)
    base, output = _optional(table, asked.base_value), _optional(table, asked.output)
    seed = None if asked.seed is None else table.column(asked.seed)
    rows, totals, additivity = _totals(table, columns, base, output)
    order = sorted(range(len(names)), key=lambda place: (-totals[place]["absolute"], names[place]))
    top = order[:SPREADS]
    lowest, highest = (
        min((totals[place]["least"] for place in top), default=0.0),
        max((totals[place]["most"] for place in top), default=0.0),
    )
    read = {place: (columns[place], _value(table, asked, names[place])) for place in top}
    at_once = max(1, VALUES_AT_ONCE // rows)
    spreads: dict[int, list[tuple[int, int, int, int]]] = {}
    for start in range(0, len(top), at_once):
        some = {place: read[place] for place in top[start : start + at_once]}
        spreads |= _spreads(table, some, lowest, highest)
    by_seed = [] if seed is None else _by_seed(table, columns, seed)
    features = [
        Feature(
            name=names[place],
            mean_absolute=totals[place]["absolute"] / rows,
            mean=totals[place]["signed"] / rows,
            spread=spreads.get(place, []),
        )
        for place in order
    ]
    return Attributions(
        rows=rows,
        features=features,
        lowest=lowest,
        highest=highest,
        additivity=additivity,
        by_seed=[[one[place] for place in order] for one in by_seed],
    )


def _features(table: Table, asked: Sent) -> tuple[list[str], list[Column]]:
    """The names of the features with the columns of their attributions."""
    others = {asked.base_value, asked.output, asked.seed}
    if asked.features is not None:
        names = asked.features
    else:
        begin = [column.name for column in table.columns if column.name.startswith(asked.prefix)]
        names = [name.removeprefix(asked.prefix) for name in begin if name not in others]
    if not names:
        raise Invalid(
            f"The table has no column that begins with {asked.prefix!r}: name each column of attributions so, or say "
            "which features there are, or which prefix.",
            fields={"prefix": "begins no column"},
        )
    if len(names) > MAX_FEATURES:
        raise TooLarge(f"The table has attributions of {len(names):,} features; at most {MAX_FEATURES:,} are read.")
    return list(names), [_numeric(table.column(asked.prefix + name)) for name in names]


def _optional(table: Table, name: str) -> Column | None:
    return _numeric(table.column(name)) if any(column.name == name for column in table.columns) else None


def _value(table: Table, asked: Sent, name: str) -> Column | None:
    """The column of the feature's own value, where it can be put in order."""
    wanted = asked.value_prefix + name
    found = [column for column in table.columns if column.name == wanted]
    return found[0] if len(found) == 1 and (found[0].is_number or found[0].is_text) else None


def _numeric(column: Column) -> Column:
    if not (column.is_number or column.is_text or column.type in {"NULL", '"NULL"'}):
        message = f"Column {column.name!r} holds {column.type}, which is not a number."
        raise Invalid(message, fields={column.name: "is not a number"})
    return column


def _number(column: Column) -> str:
    """The SQL of its value, missing where it is no finite number.

    Text is trimmed so that DuckDB does not move the cast into its reader of CSV, where it is no longer one that tries.
    """
    number = f"TRY_CAST({f'trim({column.sql})' if column.is_text else column.sql} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _totals(
    table: Table, columns: Sequence[Column], base: Column | None, output: Column | None
) -> tuple[int, list[dict[str, float]], Additivity | None]:
    given = {f"a{place}": _number(column) for place, column in enumerate(columns)}
    asked = ["count(*)"]
    for name in given:
        asked += [f"count({name})", f"fsum(abs({name}))", f"fsum({name})", f"min({name})", f"max({name})"]
    if base is not None and output is not None:
        given |= {"base": _number(base), "output": _number(output)}
        explained = " + ".join(f"a{place}" for place in range(len(columns)))
        asked += ["count(base)", "count(output)"]
        asked += [f"max(abs(base + ({explained}) - output))", "avg((output - base) * (output - base))"]
    read = ", ".join(f"{sql} AS {name}" for name, sql in given.items())
    row = table.rows(f"SELECT {', '.join(asked)} FROM (SELECT {read} FROM {table.source})", {})[0]
    rows = int(row[0])
    if not rows:
        raise Invalid("The table has no rows.")
    totals = []
    for place, column in enumerate(columns):
        present, absolute, signed, least, most = row[1 + 5 * place : 6 + 5 * place]
        _refuse_gaps(column, rows - present)
        totals.append({"absolute": absolute, "signed": signed, "least": least, "most": most})
    additivity = None
    if base is not None and output is not None:
        of_base, of_output, error, square = row[1 + 5 * len(columns) :]
        _refuse_gaps(base, rows - of_base)
        _refuse_gaps(output, rows - of_output)
        additivity = Additivity(error=error, scale=math.sqrt(square))
    if not all(math.isfinite(value) for total in totals for value in total.values()):
        raise Invalid("Attributions are so large that their sums are not finite.")
    return rows, totals, additivity


def _refuse_gaps(column: Column, gaps: int) -> None:
    if gaps:
        are = "rows are" if gaps > 1 else "row is"
        raise Invalid(f"Column {column.name!r}: {gaps:,} {are} no number.", fields={column.name: "is no number"})


def _spreads(
    table: Table, read: Mapping[int, tuple[Column, Column | None]], lowest: float, highest: float
) -> dict[int, list[tuple[int, int, int, int]]]:
    """For each of the columns its counts by part of the range and third of the feature's value, in one pass."""
    width = (highest - lowest) / PARTS or 1.0
    given, thirds, found = [], [], []
    for place, (column, value) in read.items():
        given += [f"{_number(column)} AS a{place}", f"{'NULL' if value is None else _number(value)} AS v{place}"]
        # As a list of two, in which a NULL makes both comparisons below unknown.
        thirds.append(
            f"{'NULL::DOUBLE[]' if value is None else f'quantile_cont(v{place}, [1 / 3, 2 / 3])'} AS t{place}"
        )
        found.append(
            f"""
            histogram({len(_THIRDS)} * CAST(least({PARTS - 1}, floor((a{place} - $lowest) / $width)) AS INTEGER)
                + CASE WHEN v{place} IS NULL OR t{place} IS NULL THEN {_UNKNOWN}
                       WHEN v{place} <= t{place}[1] THEN {_LOW}
                       WHEN v{place} > t{place}[2] OR (v{place} >= t{place}[2] AND t{place}[2] > t{place}[1])
                       THEN {_HIGH} ELSE {_MIDDLE} END)
            """
        )
    row = table.rows(
        f"WITH read AS (SELECT {', '.join(given)} FROM {table.source}), "
        f"thirds AS (SELECT {', '.join(thirds)} FROM read) SELECT {', '.join(found)} FROM read, thirds",
        {"lowest": lowest, "width": width},
    )[0]
    return {place: list(_parts(counts)) for place, counts in zip(read, row, strict=True)}


def _parts(counts: Mapping[int, int]) -> Iterator[tuple[int, int, int, int]]:
    for part in range(PARTS):
        low, middle, high, unknown = (counts.get(len(_THIRDS) * part + third, 0) for third in _THIRDS)
        yield low, middle, high, unknown


def _by_seed(table: Table, columns: Sequence[Column], seed: Column) -> list[list[float]]:
    """The mean size of each feature's attributions, for each seed in order."""
    if not seed.is_plain:
        raise Invalid(f"Column {seed.name!r} holds {seed.type}, which is no seed.", fields={seed.name: "is no seed"})
    means = ", ".join(f"avg(abs({_number(column)}))" for column in columns)
    rows = table.rows(
        f"SELECT CAST({seed.sql} AS VARCHAR) AS seed, {means} FROM {table.source} GROUP BY seed ORDER BY seed "
        f"LIMIT {MAX_SEEDS + 1}",
        {},
    )
    if len(rows) > MAX_SEEDS:
        raise TooLarge(f"Column {seed.name!r} has more than {MAX_SEEDS} seeds.", fields={seed.name: "has too many"})
    return [list(row[1:]) for row in rows]
