"""Evidence that stays where it lies: a table of a warehouse, counted there by groups; only the counts come here.

A promotion names it as `table:warehouse/schema.table`, and only connections that the operator has configured are known:
nobody reaches a file or a server by naming it. Any engine that ibis speaks to will do.
"""

import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec
import psycopg
from django.conf import settings

from governance.errors import Invalid, NotFound, TooLarge
from policies.fairness.groups import Cell, Columns, Confusion, Counts, Part, Tally

if TYPE_CHECKING:
    import ibis

PREFIX = "table:"
PART = r"[A-Za-z_][A-Za-z0-9_]{0,199}"
REFERENCE = re.compile(rf"table:(?P<connection>[a-z0-9][a-z0-9-]{{0,49}})/(?P<path>(?:{PART}\.){{0,2}}{PART})")
NO_REFERENCE = "A table is named as table:connection/schema.table."
# No column of a table is likely to have one of these, and one that has is refused.
ROWS, WEIGHT, SQUARES, LEAST, ABSENT = (
    f"{what} by assay" for what in ("rows", "weight", "squares", "least weight", "rows without weight")
)
OURS = (ROWS, WEIGHT, SQUARES, LEAST, ABSENT)
MAX_ROWS = 50_000
# Others that speak its protocol number transactions otherwise, or keep rows elsewhere.
POSTGRESQL = re.compile(r"PostgreSQL \d+(\.\d+)*( \((?!Greenplum)[^)]*\))? on ")
# Of an ordinary table or a materialized view whose rows this server keeps and shows to everyone alike.
POSTGRESQL_STATE = """
    SELECT version(), pg_postmaster_start_time()::text, t.oid::text, pg_current_snapshot()::text
    FROM pg_class t JOIN pg_am a ON a.oid = t.relam
    WHERE t.oid = to_regclass(%(name)s) AND t.relkind IN ('r', 'm') AND a.amname = 'heap'
      AND NOT t.relrowsecurity AND NOT t.relhassubclass
      AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
"""
logger = logging.getLogger(__name__)


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
    if part is not Part.CONFUSION:
        raise Invalid("Of a table by reference only classes are counted: send a file for this metric.")
    with _opened(reference) as table:
        grouped = _grouped(table, reference, columns)
    # DuckDB and ibis are loaded by the workers that count and not by every process that knows of promotions.
    from policies.fairness import counts  # noqa: PLC0415

    def summed(name: str) -> list[Cell]:
        """Rows come with what each stands for, so they are counted as rows of that weight."""
        read = msgspec.structs.replace(columns, weight=name, threshold=columns.threshold and 1.0)
        return counts.count(grouped, read, {part}).cells

    rows = summed(ROWS)
    if columns.weight is None:
        return Counts(columns=columns, cells=[_cell(one, one, one) for one in rows])
    weights, squares = ({cell.values: cell for cell in summed(name)} for name in (WEIGHT, SQUARES))
    cells = [_cell(one, weights[one.values], squares[one.values]) for one in rows]
    return Counts(columns=columns, cells=cells)


def state(reference: str) -> str | None:
    """What changes whenever the table does; None where the engine has no such thing and it must be counted anew.

    Known of a file of DuckDB, by the time and size of it and of its log, and of PostgreSQL.
    """
    check(reference)
    address = urlsplit(settings.EVIDENCE_TABLES[reference.removeprefix(PREFIX).partition("/")[0]])
    if address.scheme in {"postgres", "postgresql"}:
        return _state_in_postgresql(reference)
    if address.scheme != "duckdb" or not address.path:
        return None
    file = Path(unquote(f"{address.netloc}{address.path}"))
    try:
        told = [
            (place.stat().st_mtime_ns, place.stat().st_size) for place in (file, Path(f"{file}.wal")) if place.exists()
        ]
    except OSError:
        return None
    return f"{file} {told}" if told else None


def _state_in_postgresql(reference: str) -> str | None:
    """Which transactions a reader sees: as long as these are the same, so is every table that PostgreSQL itself keeps.

    Nothing can be changed in it without a transaction's number, anywhere in the server, so on a busy one this changes
    more often than the table; its counters of changes for single tables come late, and may be reset.
    """
    *schema, name = reference.partition("/")[2].split(".")
    if len(schema) > 1:
        return None
    quoted = ".".join(f'"{part}"' for part in (*schema, name))
    with _opened(reference) as table, table.get_backend().con.cursor() as cursor:
        try:
            cursor.execute(POSTGRESQL_STATE, {"name": quoted})
            row = cursor.fetchone()
        except psycopg.Error as error:  # what speaks PostgreSQL's protocol need not have its functions
            logger.info("%s does not tell its state: %s", reference, type(error).__name__)
            return None
    return None if row is None or not POSTGRESQL.match(row[0]) else " ".join(row[1:])


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
    if columns.weight is not None:
        wanted.append(columns.weight)
    for name in wanted:
        if name not in table.columns:
            raise Invalid(f"The table has no column {name!r}.", fields={name: "is not in the table"})
    if taken := sorted(set(OURS) & set(wanted)):
        raise Invalid(f"The column {taken[0]!r} has a name that counting needs.", fields={taken[0]: "has a taken name"})
    keys = [table[name] for name in (*columns.sensitive, columns.label)]
    if columns.prediction is not None:
        keys.append(table[columns.prediction])
    else:
        # A score is turned into a class where it lies, or each of its values would be a group.
        score = table[answer].cast("float64")
        is_known = score.notnull() & ~score.isnan()
        reached = (score >= columns.threshold).ifelse(1.0, 0.0)
        keys.append(is_known.ifelse(reached, ibis.null("float64")).name(answer))
    sums = {ROWS: table.count()}
    try:
        if columns.weight is not None:
            weight = table[columns.weight].cast("float64")
            sums |= {WEIGHT: weight.sum(), SQUARES: (weight * weight).sum(), LEAST: weight.min()}
            sums |= {ABSENT: weight.isnull().sum()}
        counted = table.group_by(keys).aggregate(**sums).limit(MAX_ROWS + 1).to_pyarrow()
    except Exception as error:  # each engine has errors of its own
        raise Invalid(f"{reference} cannot be counted: {type(error).__name__}.") from error
    if counted.num_rows > MAX_ROWS:
        raise TooLarge(f"{reference} has more than {MAX_ROWS:,} combinations of values.")
    if columns.weight is not None:
        _refuse_weights(counted, columns.weight)
    return counted


def _refuse_weights(counted: Any, name: str) -> None:
    """Sums would hide a weight that is missing, infinite or not above 0."""
    absent = sum(counted.column(ABSENT).to_pylist())
    if absent:
        raise Invalid(f"Column {name!r}: {absent:,} rows are missing.", fields={name: "is missing"})
    least, sums = counted.column(LEAST).to_pylist(), counted.column(SQUARES).to_pylist()
    if not all(value > 0 for value in least) or not all(math.isfinite(value) for value in sums):
        raise Invalid(f"Column {name!r}: not all weights are above 0 and finite.", fields={name: "is no weight"})


def _cell(rows: Cell, weights: Cell, squares: Cell) -> Cell:
    """One cell of three that were counted alike: how many rows there are, what they weigh, and the squares of that."""
    if rows.confusion is None or weights.confusion is None or squares.confusion is None:
        return rows
    tallies = {
        name: Tally(
            rows=round(getattr(rows.confusion, name).weight),
            weight=getattr(weights.confusion, name).weight,
            squared=getattr(squares.confusion, name).weight,
        )
        for name in rows.confusion.__struct_fields__
    }
    return Cell(values=rows.values, rows=sum(tally.rows for tally in tallies.values()), confusion=Confusion(**tallies))
