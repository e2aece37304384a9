"""A bounded sample of a table's rows as numbers: the same rows for the same table and seed. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from governance.errors import Invalid
from policies.fairness.tables import Column, Table


def sample(table: Table, names: Sequence[str], size: int, *, seed: int) -> NDArray[np.float64]:
    """At most `size` rows of the columns, missing values as NaN.

    Rows are drawn by the hash of their content and the seed, so neither the order of the file nor of threads matters.
    Raises Invalid for a column that is not there or holds something else than numbers.
    """
    columns = [table.column(name) for name in names]
    for column in columns:
        _refuse_words(table, column)
    read = ", ".join(f"CAST({column.sql} AS DOUBLE) AS v{place}" for place, column in enumerate(columns))
    values = ", ".join(f"v{place}" for place in range(len(columns)))
    drawn = table.database.execute(
        f"SELECT {values} FROM (SELECT {read} FROM {table.source}) "
        f"ORDER BY hash($seed, {values}), {values} LIMIT $size",
        {**table.parameters, "seed": seed, "size": size},
    ).fetchnumpy()
    rows = [np.ma.filled(np.ma.asarray(drawn[f"v{place}"], dtype=np.float64), np.nan) for place in range(len(columns))]
    found: NDArray[np.float64] = np.column_stack(rows)
    if not len(found):
        raise Invalid("The table has no rows.")
    return found


def _refuse_words(table: Table, column: Column) -> None:
    if not (column.is_number or column.is_text or column.type == "BOOLEAN"):
        message = f"Column {column.name!r} holds {column.type}, which is not a number."
        raise Invalid(message, fields={column.name: "is not a number"})
    if not column.is_text:
        return
    wrong = table.rows(
        f"SELECT left({column.sql}, 50) FROM {table.source} "
        f"WHERE {column.sql} IS NOT NULL AND TRY_CAST({column.sql} AS DOUBLE) IS NULL LIMIT 1",
        {},
    )
    if wrong:
        raise Invalid(
            f"Column {column.name!r} holds {wrong[0][0]!r}, which is no number: send the features as the model takes "
            "them, encoded.",
            fields={column.name: "is not a number"},
        )
