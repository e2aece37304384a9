"""Counting an evaluation table by groups, out of core: from any number of rows to a few numbers a group. Pure.

One pass over the columns that are named; others are not read. Missing sensitive values are a group of their own. Any
other value that is missing or wrong refuses the table, with the column and how often.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.errors import Invalid, TooLarge
from policies.fairness import readings, tables
from policies.fairness.groups import Bin, Cell, Columns, Confusion, Counts, Loss, Losses, Part, Tally
from policies.fairness.readings import Fault, Value
from policies.fairness.tables import ArrowStream, Column, Limits, Table

MAX_GROUPS = 500
MAX_VALUE_LENGTH = 200
TENTHS = 10
# Each group has at most this many rows of counts: label, prediction, tenth, and rows that are faulty in one way.
_ROWS_A_GROUP = 2 * 2 * TENTHS + 20
_LOSSES = ("error", "absolute", "square")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to ask DuckDB: named expressions to group by and to sum up, and the faults in their order."""

    keys: dict[str, str]
    numbers: dict[str, str]
    sums: dict[str, str]
    # Those in which any value but the positive one is the negative one, by the name of their key.
    classes: dict[str, Column]
    faults: tuple[Fault, ...]
    parameters: dict[str, object]


def count(
    source: Path | ArrowStream,
    columns: Columns,
    parts: Collection[Part] = (Part.CONFUSION,),
    limits: Limits | None = None,
) -> Counts:
    """The counts of the parts that are asked for.

    Raises Invalid with the column in `fields` when the table does not hold what the columns say, and TooLarge when it
    has more groups, columns or bytes in a value than are taken.
    """
    _consistent(columns, parts)
    with tables.opened(source, limits or Limits()) as table:
        sensitive = [_sensitive(table.column(name)) for name in columns.sensitive]
        query = _query(table, columns, frozenset(parts))
        rows = _ask(table, query, sensitive)
        _refuse_groups(rows, sensitive)
        _refuse_faults(rows, table, query)
        _refuse_third_classes(rows, query, columns.positive)
    if not rows:
        raise Invalid("The table has no rows.")
    return Counts(columns=columns, cells=_cells(rows, len(sensitive), frozenset(parts)))


def _consistent(columns: Columns, parts: Collection[Part]) -> None:
    if len(set(columns.sensitive)) < len(columns.sensitive):
        raise Invalid("A sensitive column is named twice.", fields={"sensitive": "names a column twice"})
    if Part.CONFUSION in parts and columns.prediction is None and (columns.score is None or columns.threshold is None):
        raise Invalid(
            "Name the column of the prediction, or that of the score with a threshold.",
            fields={"prediction": "is missing"},
        )
    if Part.LOSSES in parts and columns.number is None:
        raise Invalid("Name the column of the score or of the prediction.", fields={"score": "is missing"})
    if Part.CALIBRATION in parts and columns.score is None:
        raise Invalid("Calibration needs the column of the score.", fields={"score": "is missing"})


def _sensitive(column: Column) -> Column:
    if not column.is_plain:
        raise Invalid(
            f"Column {column.name!r} holds {column.type}, which makes no groups.",
            fields={column.name: "makes no groups"},
        )
    return column


def _query(table: Table, columns: Columns, parts: frozenset[Part]) -> Query:
    parameters: dict[str, object] = {}
    keys: dict[str, str] = {}
    numbers: dict[str, str] = {}
    classes: dict[str, Column] = {}
    positive = columns.positive
    if positive is not None:
        parameters["positive"] = readings.positive_as_text(positive)

    def read(name: str, column: Column, *, is_class: bool) -> Value:
        if not is_class and positive is None:
            return readings.number(column)
        if positive is not None:
            classes[name] = column
        return readings.classified(column, positive)

    label = read("label", table.column(columns.label), is_class=parts != {Part.LOSSES})
    values = [label]
    numbers["label_number"] = label.sql
    if columns.prediction is not None:
        prediction = read("prediction", table.column(columns.prediction), is_class=Part.CONFUSION in parts)
        values.append(prediction)
        numbers["prediction_number"] = prediction.sql
    if columns.score is not None:
        score = readings.number(table.column(columns.score), is_probability=Part.CALIBRATION in parts)
        values.append(score)
        numbers["score_number"] = score.sql
    if columns.weight is not None:
        weight = readings.weight(table.column(columns.weight))
        values.append(weight)
        numbers["weight_number"] = weight.sql
    if Part.CONFUSION in parts:
        keys["label"] = "label_number = 1"
        keys["prediction"] = "prediction_number = 1"
        if columns.prediction is None:
            keys["prediction"] = "score_number >= $threshold"
            parameters["threshold"] = columns.threshold
    if Part.CALIBRATION in parts:
        keys["tenth"] = f"CAST(least({TENTHS - 1}, floor(score_number * {TENTHS})) AS INTEGER)"
    return Query(
        keys=keys,
        numbers=numbers,
        sums=dict(_sums(columns, parts, classes)),
        classes=classes,
        faults=tuple(fault for value in values for fault in value.faults),
        parameters=parameters,
    )


def _sums(columns: Columns, parts: frozenset[Part], classes: Collection[str]) -> Iterator[tuple[str, str]]:
    """What to sum up. Sums are Kahan's, so that they are exact to the last digits."""
    w = ""
    if columns.weight is not None:
        w = "weight_number * "
        yield "weight", "fsum(weight_number)"
        yield "squared", "fsum(weight_number * weight_number)"
    guess = "score_number" if columns.score is not None else "prediction_number"
    if Part.CALIBRATION in parts:
        yield "score", f"fsum({w}score_number)"
        yield "positive", f"fsum({w}label_number)"
    if Part.LOSSES in parts:
        error = f"({guess} - label_number)"
        for name, loss in zip(_LOSSES, (error, f"abs{error}", f"({error} * {error})"), strict=True):
            yield name, f"fsum({w}{loss})"
            yield f"{name}_squared_weighted", f"fsum({w}{w}{loss})"
            yield f"{name}_squares", f"fsum({w}{w}{loss} * {loss})"
    for name in classes:
        yield f"{name}_least", f"min({name}_given) FILTER (WHERE {name}_number = 0)"
        yield f"{name}_most", f"max({name}_given) FILTER (WHERE {name}_number = 0)"


def _ask(table: Table, query: Query, sensitive: Sequence[Column]) -> list[dict[str, Any]]:
    """The counts of each group, key by key. Values are cut and measured only after grouping, when there are few."""
    names = [f"s{place}" for place in range(len(sensitive))]
    fault = " ".join(f"WHEN {fault.condition} THEN {number}" for number, fault in enumerate(query.faults))
    given = {
        **{name: _grouped(column) for name, column in zip(names, sensitive, strict=True)},
        "fault": f"CASE {fault} ELSE -1 END",
        **query.numbers,
        **{f"{name}_given": column.sql for name, column in query.classes.items()},
    }
    keys = [*names, "fault", *query.keys]
    sums = {"rows": "count(*)", **query.sums}
    shown = [
        *(f"left(CAST({name} AS VARCHAR), {MAX_VALUE_LENGTH}) AS {name}" for name in names),
        *(f"length(CAST({name} AS VARCHAR)) AS {name}_length" for name in names),
        "fault",
        *query.keys,
        *sums,
    ]
    limit = MAX_GROUPS * _ROWS_A_GROUP + 1
    sql = (
        # The keys are made of names of ours, which the table could have as well: so apart from the reading of it.
        f"WITH read AS (SELECT {_listed(given)} FROM {table.source}), "
        f"given AS (SELECT {', '.join(['*', *(f'{sql} AS {name}' for name, sql in query.keys.items())])} FROM read), "
        f"counted AS (SELECT {', '.join(keys)}, {_listed(sums)} FROM given GROUP BY {', '.join(keys)}) "
        f"SELECT {', '.join(shown)} FROM counted LIMIT {limit}"
    )
    named = [*names, *(f"{name}_length" for name in names), "fault", *query.keys, *sums]
    return [dict(zip(named, row, strict=True)) for row in table.rows(sql, query.parameters)]


def _grouped(column: Column) -> str:
    """A sensitive column as SQL groups by it: what is not a number is missing."""
    return f"CASE WHEN isnan({column.sql}) THEN NULL ELSE {column.sql} END" if column.is_float else column.sql


def _listed(expressions: dict[str, str]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in expressions.items())


def _refuse_groups(rows: Sequence[dict[str, Any]], sensitive: Sequence[Column]) -> None:
    for place, column in enumerate(sensitive):
        longest = max((row[f"s{place}_length"] or 0 for row in rows), default=0)
        if longest > MAX_VALUE_LENGTH:
            raise TooLarge(
                f"Column {column.name!r} has a value of {longest:,} characters, more than {MAX_VALUE_LENGTH}.",
                fields={column.name: "has values that are too long"},
            )
    names = [f"s{place}" for place in range(len(sensitive))]
    if len({tuple(row[name] for name in names) for row in rows}) > MAX_GROUPS:
        values = [len({row[name] for row in rows}) for name in names]
        worst = sensitive[values.index(max(values))].name
        raise TooLarge(
            f"There are more than {MAX_GROUPS} groups; column {worst!r} alone has {max(values):,} values or more.",
            fields={worst: "has too many values"},
        )


def _refuse_faults(rows: Sequence[dict[str, Any]], table: Table, query: Query) -> None:
    for number, fault in enumerate(query.faults):
        found = sum(row["rows"] for row in rows if row["fault"] == number)
        if not found:
            continue
        name = fault.column.name
        example = "" if fault.is_absence else f" (such as {_example(table, fault)!r})"
        are = "rows are" if found > 1 else "row is"
        raise Invalid(
            f"Column {name!r}: {found:,} {are} {fault.says}{example}.{fault.hint}", fields={name: f"is {fault.says}"}
        )


def _refuse_third_classes(rows: Sequence[dict[str, Any]], query: Query, positive: object) -> None:
    for name, column in query.classes.items():
        others = {row[f"{name}_{end}"] for row in rows for end in ("least", "most")} - {None}
        if len(others) > 1:
            least, most = (_short(one) for one in (min(others), max(others)))
            raise Invalid(
                f"Column {column.name!r} has more than two values: {least} and {most} beside {positive!r}.",
                fields={column.name: "has more than two values"},
            )


def _short(value: Any) -> str:
    return f"{value[:50]!r}…" if isinstance(value, str) and len(value) > 50 else repr(value)


def _example(table: Table, fault: Fault) -> str:
    sql = f"SELECT left(CAST({fault.column.sql} AS VARCHAR), 50) FROM {table.source} WHERE {fault.condition} LIMIT 1"
    return str(table.rows(sql, {})[0][0])


def _cells(rows: Sequence[dict[str, Any]], sensitive: int, parts: frozenset[Part]) -> list[Cell]:
    found: dict[tuple[str | None, ...], Cell] = {}
    for row in rows:
        values = tuple(row[f"s{place}"] for place in range(sensitive))
        cell = _cell(row, values, parts)
        found[values] = found[values].merged(cell, values) if values in found else cell
    return list(found.values())


def _cell(row: dict[str, Any], values: tuple[str | None, ...], parts: frozenset[Part]) -> Cell:
    """One row of counts as a cell that has nothing else."""
    rows = row["rows"]
    tally = Tally(rows=rows, weight=row.get("weight", float(rows)), squared=row.get("squared", float(rows)))
    confusion, losses, calibration = None, None, None
    if Part.CONFUSION in parts:
        confusion = Confusion(**{_OUTCOMES[row["label"], row["prediction"]]: tally})
    if Part.LOSSES in parts:
        losses = Losses(tally=tally, **{name: _loss(row, name) for name in _LOSSES})
    if Part.CALIBRATION in parts:
        filled = Bin(tally=tally, score=row["score"], positive=row["positive"])
        calibration = tuple(filled if tenth == row["tenth"] else Bin() for tenth in range(TENTHS))
    return Cell(values=values, rows=rows, confusion=confusion, losses=losses, calibration=calibration)


def _loss(row: dict[str, Any], name: str) -> Loss:
    sums = Loss(weighted=row[name], squared_weighted=row[f"{name}_squared_weighted"], squares=row[f"{name}_squares"])
    if not math.isfinite(sums.weighted + sums.squared_weighted + sums.squares):
        raise Invalid("Labels, predictions or weights are so large that their sums are not finite.")
    return sums


_OUTCOMES = {
    (True, True): "true_positive",
    (False, True): "false_positive",
    (True, False): "false_negative",
    (False, False): "true_negative",
}
