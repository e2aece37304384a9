"""What the statements that merge facts into the tables of the graph have in common. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into the column arrays that unnest takes."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]


def tell(row: str, column: str) -> str:
    """Assignments that merge the tellings of an upserted row, see `lineage.tellings`."""
    at, known_at, also_told = _merged(row, column)
    return f"""{column} = {at},
            known_at = {known_at},
            also_told = {also_told}"""


def tell_oneself(row: str, column: str) -> str:
    """The same, of what a row shows by itself: tellings that stood there through a join alone give way to it."""
    merged = zip((column, "known_at", "also_told"), _merged(row, column), strict=True)
    return ",\n            ".join(
        f"{name} = CASE WHEN {row}.joined THEN excluded.{name} ELSE {value} END" for name, value in merged
    )


def _merged(row: str, column: str) -> tuple[str, str, str]:
    """The columns of an upserted row's tellings, merged with the new ones."""
    more = tells_more(row, column)
    # Spelt out for each column, because a subquery would be run for every row and not only where there is more.
    told = f"""lineage_tellings(
                    array_remove(ARRAY[{row}.{column}, {row}.known_at], NULL) || {row}.also_told,
                    ARRAY[excluded.{column}, excluded.known_at] || excluded.also_told)"""
    return (
        f"LEAST({row}.{column}, excluded.{column})",
        f"CASE WHEN {more} THEN ({told})[2] ELSE {row}.known_at END",
        f"CASE WHEN {more} THEN NULLIF(({told})[3:], '{{}}') ELSE {row}.also_told END",
    )


def tells_more(row: str, column: str) -> str:
    """Whether the new tellings may add to the stored ones. Nearly never: what is told later is received later.

    Either may have none at all, which is null.
    """
    return (
        f"COALESCE({row}.{column} > excluded.{column} OR {row}.known_at > excluded.known_at "
        f"OR excluded.also_told IS NOT NULL, excluded.{column} IS NOT NULL)"
    )


# How the last time of the same words is merged, in a row `f`.
SAID_LATER = "(f.last_seen_at, f.last_digest) < (excluded.last_seen_at, excluded.last_digest)"
SAID_LAST = """(last_seen_at, last_digest) = (
                SELECT * FROM (VALUES (excluded.last_seen_at, excluded.last_digest), (f.last_seen_at, f.last_digest))
                AS said (at, digest) ORDER BY at DESC, digest DESC LIMIT 1)"""
