"""Evidence that stays where it lies: a table of a warehouse, counted there by groups; only the counts come here.

A promotion names it as `table:warehouse/schema.table`, and only connections that the operator has configured are known:
nobody reaches a file or a server by naming it. Any engine that ibis speaks to will do.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from django.conf import settings

from governance.errors import Invalid, NotFound, TooLarge
from policies.fairness.groups import Cell, Columns, Confusion, Counts, Part, Tally

if TYPE_CHECKING:
    import ibis

PREFIX = "table:"
PART = r"[A-Za-z_][A-Za-z0-9_]{0,199}"
REFERENCE = re.compile(rf"table:(?P<connection>[a-z0-9][a-z0-9-]{{0,49}})/(?P<path>(?:{PART}\.){{0,2}}{PART})")
NO_REFERENCE = "A table is named as table:connection/schema.table."
# No column of a table is likely to have it, and one that has is refused.
ROWS = "rows counted by assay"
MAX_ROWS = 50_000


def check(reference: str) -> None:
    """Raises Invalid for what is no reference, and for a connection that is not configured."""
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise Invalid(NO_REFERENCE)
    if found["connection"] not in settings.EVIDENCE_TABLES:
        known = ", ".join(sorted(settings.EVIDENCE_TABLES)) or "none is configured"
        raise Invalid(f"There is no connection {found['connection']!r} ({known}).")


def count(reference: str, columns: Columns, part: Part) -> Counts:
    """The counts of a table, as `policies.fairness.counts` gives them of a file.

    Raises Invalid for what cannot be counted elsewhere or not be read, NotFound for a table that is not there, and
    TooLarge for one with too many groups.
    """
    check(reference)
    if part is not Part.CONFUSION or columns.weight is not None:
        raise Invalid("Of a table by reference only unweighted classes are counted: send a file for this metric.")
    with _opened(reference) as table:
        grouped = _grouped(table, reference, columns)
    # DuckDB and ibis are loaded by the workers that count and not by every process that knows of promotions.
    from policies.fairness import counts  # noqa: PLC0415

    # The rows come with how many each stands for, so they are counted as rows of that weight, and are as many rows.
    read = msgspec.structs.replace(columns, weight=ROWS, threshold=columns.threshold and 1.0)
    found = counts.count(grouped, read, {part})
    return Counts(columns=columns, cells=[_unweighted(cell) for cell in found.cells])


@contextmanager
def _opened(reference: str) -> "Iterator[ibis.Table]":
    """The table, while its connection lasts."""
    # As above.
    import ibis  # noqa: PLC0415
    from ibis.common.exceptions import TableNotFound  # noqa: PLC0415

    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise Invalid(NO_REFERENCE)
    *place, name = found["path"].split(".")
    try:
        connection = ibis.connect(settings.EVIDENCE_TABLES[found["connection"]])
        table = connection.table(name, database=tuple(place) or None)
    except TableNotFound:
        raise NotFound(f"There is no table {found['path']} at {found['connection']}.") from None
    except Exception as error:  # each engine has errors of its own
        raise Invalid(f"{found['connection']} cannot be read: {type(error).__name__}.") from error
    try:
        yield table
    finally:
        connection.disconnect()


def _grouped(table: "ibis.Table", reference: str, columns: Columns) -> Any:
    """How many rows there are of each combination, as an Arrow table."""
    # As above.
    import ibis  # noqa: PLC0415

    answer = columns.prediction or columns.score
    if answer is None:
        raise Invalid("Name the column of the prediction, or that of the score with a threshold.")
    wanted = [*columns.sensitive, columns.label, answer]
    for name in wanted:
        if name not in table.columns:
            raise Invalid(f"The table has no column {name!r}.", fields={name: "is not in the table"})
    keys = [table[name] for name in (*columns.sensitive, columns.label)]
    if columns.prediction is not None:
        keys.append(table[columns.prediction])
    else:
        # A score is turned into a class where it lies, or each of its values would be a group.
        score = table[answer].cast("float64")
        is_known = score.notnull() & ~score.isnan()
        reached = (score >= columns.threshold).ifelse(1.0, 0.0)
        keys.append(is_known.ifelse(reached, ibis.null("float64")).name(answer))
    try:
        counted = table.group_by(keys).aggregate(**{ROWS: table.count()}).limit(MAX_ROWS + 1).to_pyarrow()
    except Exception as error:  # each engine has errors of its own
        raise Invalid(f"{reference} cannot be counted: {type(error).__name__}.") from error
    if counted.num_rows > MAX_ROWS:
        raise TooLarge(f"{reference} has more than {MAX_ROWS:,} combinations of values.")
    return counted


def _unweighted(cell: Cell) -> Cell:
    """The cell as if each row had come by itself: a weight is how many rows there are, and each weighs one."""
    if cell.confusion is None:
        return cell
    told = {name: getattr(cell.confusion, name) for name in cell.confusion.__struct_fields__}
    tallies = {
        name: Tally(rows=round(tally.weight), weight=tally.weight, squared=tally.weight) for name, tally in told.items()
    }
    return Cell(values=cell.values, rows=sum(tally.rows for tally in tallies.values()), confusion=Confusion(**tallies))
