"""Evaluation tables as DuckDB sees them: Parquet, CSV or Arrow, opened with limits. Pure.

What is in a file was made by somebody else. It is looked at before DuckDB is, DuckDB may read this one file and nothing
else, cannot load extensions, and has a bound on its memory and threads.
"""

import csv
import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb

from governance.errors import Invalid, TooLarge

MAX_COLUMNS = 10_000
# Names stand in findings and on pages.
MAX_NAME_CHARS = 500
MAX_TYPE_CHARS = 100
MAX_HEADER_BYTES = 1 << 20
# About 100 bytes a column and row group: room for 10,000 columns in 30 row groups, or 50 columns in 6,000.
MAX_FOOTER_BYTES = 32 << 20
MAX_LINE_BYTES = 16 << 20
PARQUET = b"PAR1"
DELIMITERS = ",;\t|"
# These are mistakes in our SQL and no fault of the table.
OUR_MISTAKES = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)


class ArrowStream(Protocol):
    """A table in memory that offers the Arrow C stream interface (PyArrow, Polars, pandas, ADBC and others)."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a count may take of the machine."""

    memory_mib: int = 512
    threads: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name in the table, how SQL writes it, and its type in DuckDB's words."""

    name: str
    sql: str
    type: str

    @property
    def is_text(self) -> bool:
        return self.type == "VARCHAR" or self.type.startswith("ENUM")

    @property
    def is_number(self) -> bool:
        return self.type in _NUMBERS or self.type.startswith("DECIMAL")

    @property
    def is_float(self) -> bool:
        return self.type in {"FLOAT", "DOUBLE"}

    @property
    def is_plain(self) -> bool:
        """One value, and not bytes, a list or a record."""
        return self.is_text or self.is_number or self.type in {"BOOLEAN", "DATE", "NULL", '"NULL"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that queries may read from as `source`, which needs its named parameters."""

    database: duckdb.DuckDBPyConnection
    source: str
    parameters: Mapping[str, object]
    columns: Sequence[Column]

    def column(self, name: str) -> Column:
        """Raises Invalid when there is none of that name, or more than one."""
        found = [column for column in self.columns if column.name == name]
        if not found and len(name) > MAX_NAME_CHARS:
            # As a model's file may have it, which anybody wrote.
            raise Invalid(f"The table has no column {name[:50]!r}… (of {len(name):,} characters).")
        if len(found) == 1:
            return found[0]
        if found:
            raise Invalid(f"The table has {len(found)} columns {name!r}.", fields={name: "is there more than once"})
        near = difflib.get_close_matches(name, [column.name for column in self.columns], n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise Invalid(f"The table has no column {name!r}.{hint}", fields={name: "is not in the table"})

    def rows(self, sql: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """All rows of a query that reads from the source; it uses each of its own parameters."""
        return self.database.execute(sql, {**self.parameters, **parameters}).fetchall()


@contextmanager
def opened(source: Path | ArrowStream, limits: Limits) -> Iterator[Table]:
    """The table, while the block lasts.

    Raises Invalid when it cannot be read, also later in the block, and TooLarge when it needs more than the limits.
    """
    with _database(limits, [source] if isinstance(source, Path) else []) as database:
        yield _file(database, source) if isinstance(source, Path) else _stream(database, source)


@contextmanager
def opened_both(one: Path, other: Path, limits: Limits) -> Iterator[tuple[Table, Table]]:
    """Two tables of files in one database, while the block lasts. Raises as `opened`."""
    with _database(limits, [one, other]) as database:
        yield _file(database, one), _file(database, other)


@contextmanager
def _database(limits: Limits, paths: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that may read these files and nothing else."""
    database = duckdb.connect(":memory:")
    try:
        database.execute(f"SET memory_limit = '{limits.memory_mib}MiB'")
        database.execute(f"SET threads = {limits.threads}")
        database.execute("SET preserve_insertion_order = false")
        database.execute("SET temp_directory = ''")
        database.execute("SET autoinstall_known_extensions = false")
        database.execute("SET autoload_known_extensions = false")
        if paths:
            database.execute("SET allowed_paths = ?", [[str(path) for path in paths]])
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")
        yield database
    except OUR_MISTAKES:
        raise
    except duckdb.OutOfMemoryException as error:
        raise TooLarge(
            f"Counting the table needs more than {limits.memory_mib} MiB: it has very long values or very many groups."
        ) from error
    except duckdb.Error as error:
        raise Invalid(f"The table cannot be read: {_said(error, paths)}") from error
    finally:
        database.close()


def _file(database: duckdb.DuckDBPyConnection, path: Path) -> Table:
    try:
        with path.open("rb") as opened_file:
            head = opened_file.read(MAX_HEADER_BYTES)
            size = opened_file.seek(0, 2)
            opened_file.seek(max(0, size - 8))
            tail = opened_file.read(8)
    except OSError as error:
        raise Invalid(f"The table cannot be read: {error.strerror}.") from error
    if not head:
        raise Invalid("The table is empty: not even a header.")
    return _parquet(database, path, tail, size) if head.startswith(PARQUET) else _csv(database, path, head)


def _parquet(database: duckdb.DuckDBPyConnection, path: Path, tail: bytes, size: int) -> Table:
    if tail[4:] != PARQUET:
        raise Invalid("The table begins as Parquet and does not end as it: it was cut off.")
    footer = int.from_bytes(tail[:4], "little")
    if footer > size:
        raise Invalid(
            "The table begins and ends as Parquet and is none: what describes it would be longer than itself."
        )
    if footer > MAX_FOOTER_BYTES:
        raise TooLarge(
            f"The description of the table's columns takes {footer >> 20} MiB, more than {MAX_FOOTER_BYTES >> 20}. "
            "Write a file with the columns that the check names."
        )
    source, parameters = "read_parquet($path, hive_partitioning => false)", {"path": str(path)}
    # DuckDB numbers columns whose names differ in case alone; the file's own names are in its schema, nested ones too.
    nodes = database.execute("SELECT name, num_children FROM parquet_schema($path)", parameters).fetchall()
    names, place = [], 1
    while place < len(nodes):
        names.append(str(nodes[place][0]))
        place = _after(nodes, place)
    return _table(database, source, parameters, names)


def _after(nodes: Sequence[tuple[str, int | None]], place: int) -> int:
    """The place of the next node that is not below the one at `place`; nodes come parents first."""
    open_children = 1
    while open_children and place < len(nodes):
        open_children += (nodes[place][1] or 0) - 1
        place += 1
    return place


def _csv(database: duckdb.DuckDBPyConnection, path: Path, head: bytes) -> Table:
    text = head.decode("utf-8-sig", errors="ignore")
    if b"\0" in head or len(text.encode()) < len(head) - 8:
        raise Invalid("The table is neither Parquet nor CSV in UTF-8.")
    lines = text.splitlines(keepends=True)
    if len(head) == MAX_HEADER_BYTES and len(lines) < 2:
        raise TooLarge(f"The first line of the table is longer than {MAX_HEADER_BYTES >> 20} MiB.")
    delimiter = max(DELIMITERS, key=lines[0].count)
    try:
        names = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Invalid(f"The header of the table cannot be read: {error}.") from error
    if not names:
        raise Invalid("The table is empty: not even a header.")
    _bounded(names)
    # By place instead of by name, so that names may be anything, even twice the same.
    columns = {f"c{place}": "VARCHAR" for place in range(len(names))}
    source = (
        "read_csv($path, auto_detect => false, header => true, delim => $delimiter, quote => '\"', escape => '\"', "
        f"nullstr => '', max_line_size => {MAX_LINE_BYTES}, columns => $columns)"
    )
    found = [Column(name=name, sql=sql, type="VARCHAR") for name, sql in zip(names, columns, strict=True)]
    parameters = {"path": str(path), "delimiter": delimiter, "columns": columns}
    return Table(database=database, source=source, parameters=parameters, columns=found)


def _stream(database: duckdb.DuckDBPyConnection, source: ArrowStream) -> Table:
    database.register("given", source)
    return _table(database, "given", {}, None)


def _table(
    database: duckdb.DuckDBPyConnection, source: str, parameters: Mapping[str, object], names: Sequence[str] | None
) -> Table:
    described = database.execute(f"DESCRIBE SELECT * FROM {source}", dict(parameters)).fetchall()
    said = names or [str(row[0]) for row in described]
    _bounded(said)
    columns = [
        # A type of many fields is as long as they are, and of no use: it is told in part.
        Column(name=name, sql=_quoted(sql), type=kind[:MAX_TYPE_CHARS])
        for name, (sql, kind, *_) in zip(said, described, strict=True)
    ]
    return Table(database=database, source=source, parameters=parameters, columns=columns)


def _bounded(names: Sequence[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise TooLarge(f"The table has {len(names):,} columns; at most {MAX_COLUMNS:,} are read.")
    longest = max(names, key=len, default="")
    if len(longest) > MAX_NAME_CHARS:
        raise TooLarge(
            f"The table has a column whose name has {len(longest):,} characters, more than {MAX_NAME_CHARS}: "
            f"{longest[:50]!r}…"
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _said(error: duckdb.Error, paths: Sequence[Path]) -> str:
    """The first sentence of DuckDB's complaint, without the place of the file."""
    line = str(error).strip().partition("\n")[0]
    for path in paths:
        line = line.replace(str(path), "the file")
    return line if len(line) <= 300 else f"{line[:300]}…"


_NUMBERS = {
    *(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")),
    *("INTEGER", "UINTEGER", "FLOAT", "DOUBLE"),
}
