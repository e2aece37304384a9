"""The same rows give the same counts, in whatever file and type they come."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from policies.fairness import counts
from policies.fairness.groups import Columns, Counts, Part
from tests.policies.fairness import tables

TABLE: dict[str, list[Any]] = {
    "label": [1, 0, 1, 0, 1, 0],
    "prediction": [1, 1, 0, 0, 1, 0],
    "score": [0.9, 0.8, 0.4, 0.05, 1.0, 0.0],
    "sex": ["f", "f", "m", "m", None, "m"],
}
COLUMNS = Columns(label="label", prediction="prediction", sensitive=["sex"])


def csv(path: Path, columns: tables.Columns) -> Path:
    pacsv.write_csv(pa.table(dict(columns)), path)
    return path


def written(counted: Counts) -> dict[str | None, tuple[int, int, int, int]]:
    """Of each group: true positives, false positives, false negatives, true negatives."""
    found = {}
    for cell in counted.groups():
        assert cell.confusion is not None
        c = cell.confusion
        found[cell.values[0]] = (
            c.true_positive.rows, c.false_positive.rows, c.false_negative.rows, c.true_negative.rows,
        )  # fmt: skip
    return found


EXPECTED = {"f": (1, 1, 0, 0), "m": (0, 0, 1, 2), None: (1, 0, 0, 0)}


@pytest.mark.parametrize("write", [tables.parquet, csv])
def test_files(write: Callable[[Path, tables.Columns], Path], tmp_path: Path) -> None:
    found = counts.count(write(tmp_path / "evidence", TABLE), COLUMNS)

    assert written(found) == EXPECTED
    assert [cell.values[0] for cell in found.groups()] == ["f", "m", None]


def test_a_table_in_memory() -> None:
    assert written(counts.count(pa.table(TABLE), COLUMNS)) == EXPECTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_as_people_write_it(delimiter: str, tmp_path: Path) -> None:
    """A mark of the byte order, quotes, a line break in a value, names that occur twice in columns nobody asked for."""
    path = tmp_path / "evidence.csv"
    lines = ['"label",prediction,note,note,sex', '1,1,"a,\nb",,f', "0,1,,,f", "1,0,,,m", "0,0,,,m", "1,1,,,", "0,0,,,m"]
    path.write_text("\n".join(lines).replace(",", delimiter) + "\n", encoding="utf-8-sig")

    assert written(counts.count(path, COLUMNS)) == EXPECTED


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        ([1.0, 0.0], None),
        ([True, False], None),
        (["1", "0"], None),
        (["1.0", "0.0"], None),
        (["yes", "no"], "yes"),
        (["true", "false"], True),
        ([True, False], True),
        ([True, False], "true"),
        ([1, 2], 1),
        ([1.0, 2.0], "1"),
        (["1", "2"], 1),
        ([0, 1], False),
        ([1, -1], 1),
    ],
)
def test_classes_in_any_type(values: list[Any], positive: Any) -> None:
    columns = msgspec.structs.replace(COLUMNS, positive=positive)
    table = {
        name: [values[0] if one else values[1] for one in column] if name in {"label", "prediction"} else column
        for name, column in TABLE.items()
    }

    assert written(counts.count(pa.table(table), columns)) == EXPECTED


def test_a_score_with_a_threshold_predicts() -> None:
    columns = Columns(label="label", score="score", threshold=0.8, sensitive=["sex"])

    assert written(counts.count(pa.table(TABLE), columns)) == EXPECTED


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([1, 2, None], ["1", "2", None]),
        ([0.5, math.nan, None], ["0.5", None]),
        ([True, False, None], ["false", "true", None]),
        (["", "x", None], ["", "x", None]),
        (["Ünïcode", 'it\'s; "quoted"', "x"], ['it\'s; "quoted"', "x", "Ünïcode"]),
    ],
)
def test_sensitive_values_of_any_type(values: list[Any], names: list[str | None]) -> None:
    found = counts.count(pa.table({"label": [0, 1, 1], "prediction": [1, 1, 0], "sex": values}), COLUMNS)

    assert [cell.values[0] for cell in found.groups()] == names


def test_names_that_differ_in_case_or_look_like_ours(tmp_path: Path) -> None:
    table: dict[str, list[Any]] = {
        "SEX": ["x"] * 6,
        **TABLE,
        "label_number": [7] * 6,
        's0"; --': ["y"] * 6,
        "st": [{"sex": 1}] * 6,
    }
    path = tables.parquet(tmp_path / "evidence", table)

    assert written(counts.count(path, COLUMNS)) == EXPECTED
    odd = msgspec.structs.replace(COLUMNS, sensitive=['s0"; --'])
    assert [cell.values for cell in counts.count(path, odd).groups()] == [("y",)]


def test_files_whose_names_look_like_patterns(tmp_path: Path) -> None:
    tables.parquet(tmp_path / "a1", {"label": [1], "prediction": [1], "sex": ["other file"]})

    assert written(counts.count(tables.parquet(tmp_path / "a[1]*?", TABLE), COLUMNS)) == EXPECTED


def test_coarser_groups_are_sums_of_finer_ones() -> None:
    table = {**TABLE, "age": ["old", "young"] * 3}
    both = counts.count(pa.table(table), msgspec.structs.replace(COLUMNS, sensitive=["sex", "age"]))

    assert both.groups(["sex"]) == counts.count(pa.table(table), COLUMNS).groups()
    assert both.overall().rows == both.rows == 6


@given(table=tables.classified())
@settings(max_examples=25, deadline=None)
def test_counts_survive_being_stored(table: tables.Columns) -> None:
    columns = Columns(label="label", prediction="prediction", score="score", sensitive=["race", "sex"], weight="weight")
    found = counts.count(pa.table(dict(table)), columns, list(Part))

    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(found)), Counts) == found
    assert found.rows == len(table["label"])


def test_of_several_row_groups_and_a_dictionary(tmp_path: Path) -> None:
    table = pa.table({**TABLE, "sex": pa.array(TABLE["sex"]).dictionary_encode()})
    pq.write_table(table, tmp_path / "evidence", row_group_size=2)

    assert written(counts.count(tmp_path / "evidence", COLUMNS)) == EXPECTED
