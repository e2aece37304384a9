"""Evaluation tables for tests: columns of values, as a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

Columns = Mapping[str, Sequence[Any]]
GROUPS = ("a", "b", "c", "d")


def parquet(path: Path, columns: Columns) -> Path:
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path)
    return path


@st.composite
def classified(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Labels, predictions, scores, weights and two sensitive columns of 1 to 60 people; any group may lack anything."""
    rows = draw(st.integers(1, 60))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    return {
        "label": column(st.integers(0, 1)),
        "prediction": column(st.integers(0, 1)),
        "score": column(st.floats(0, 1)),
        "weight": column(st.floats(0.01, 100)),
        "race": column(st.sampled_from(GROUPS)),
        "sex": column(st.sampled_from(GROUPS[:2])),
    }
