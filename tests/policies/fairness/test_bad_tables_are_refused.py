"""What cannot be counted is refused by name, before it takes more than its share of the machine."""

import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.errors import DomainError, Invalid, TooLarge
from policies.fairness import counts
from policies.fairness.groups import Columns, Part
from policies.fairness.tables import Limits
from tests import project
from tests.policies.fairness import tables

GOOD: dict[str, list[Any]] = {
    "label": [1, 0, 1],
    "prediction": [1, 1, 0],
    "score": [0.1, 0.2, 0.3],
    "sex": ["f", "m", "m"],
}
COLUMNS = Columns(label="label", prediction="prediction", sensitive=["sex"])


def refused(table: Any, columns: Columns = COLUMNS, parts: tuple[Part, ...] = (Part.CONFUSION,)) -> DomainError:
    with pytest.raises(DomainError) as caught:
        counts.count(table if isinstance(table, Path) else pa.table(table), columns, parts)
    return caught.value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": [1, 0, None]}, "Column 'label': 1 row is without a value."),
        ({"label": [1.0, math.nan, math.nan]}, "Column 'label': 2 rows are without a value."),
        ({"label": [1, 0, 2]}, "Column 'label': 1 row is neither 0 nor 1 (such as '2'). Say which value is positive."),
        ({"label": ["1", "0", "NaN"]}, "Column 'label': 1 row is without a value."),
        ({"label": ["1", "0", "maybe"]}, "Column 'label': 1 row is neither 0 nor 1 (such as 'maybe'). Say which value"),
        ({"label": [[1], [0], [1]]}, "Column 'label' holds BIGINT[], which is not a class."),
        ({"prediction": [1, None, 0]}, "Column 'prediction': 1 row is without a value."),
        ({"prediction": [0.5, 1, 0]}, "Column 'prediction': 1 row is neither 0 nor 1 (such as '0.5')."),
        ({"sex": [[1], [2], [3]]}, "Column 'sex' holds BIGINT[], which makes no groups."),
        ({"sex": [b"f", b"m", b"m"]}, "Column 'sex' holds BLOB, which makes no groups."),
        ({"sex": ["f", "m", "x" * 201]}, "Column 'sex' has a value of 201 characters, more than 200."),
    ],
)
def test_values(change: dict[str, Any], message: str) -> None:
    error = refused({**GOOD, **change})

    assert error.message.startswith(message)
    assert list(error.fields) == list(change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "Label"}, "The table has no column 'Label'. Did you mean 'label'?"),
        ({"sensitive": ["race"]}, "The table has no column 'race'."),
        ({"sensitive": ["sex", "sex"]}, "A sensitive column is named twice."),
        ({"prediction": None}, "Name the column of the prediction, or that of the score with a threshold."),
        ({"weight": "prediction"}, "Column 'prediction': 1 row is not above 0 (such as '0')."),
        ({"weight": "sex"}, "Column 'sex': 3 rows are no number (such as"),
        ({"positive": 7}, "Column 'label' has more than two values: 0 and 1 beside 7."),
    ],
)
def test_columns(change: dict[str, Any], message: str) -> None:
    error = refused(GOOD, msgspec.structs.replace(COLUMNS, **change))

    assert error.message.startswith(message)
    assert error.fields


@pytest.mark.parametrize("scores", [[0.1, 1.2, 0.3], [0.1, -0.1, 0.3]])
def test_a_score_that_is_no_probability_has_no_calibration(scores: list[float]) -> None:
    columns = msgspec.structs.replace(COLUMNS, score="score")

    error = refused({**GOOD, "score": scores}, columns, (Part.CALIBRATION,))

    assert error.message.startswith("Column 'score': 1 row is not between 0 and 1")


def test_numbers_beyond_all_sums() -> None:
    columns = Columns(label="label", prediction="prediction", sensitive=["sex"])

    error = refused({**GOOD, "prediction": [1e200, 1.0, 2.0]}, columns, (Part.LOSSES,))

    assert "not finite" in error.message
    assert "is no number" in refused({**GOOD, "prediction": [math.inf, 1, 2]}, columns, (Part.LOSSES,)).message


def test_no_rows(tmp_path: Path) -> None:
    empty: dict[str, Any] = {name: pa.array([], pa.int64()) for name in GOOD}
    (tmp_path / "header.csv").write_text("label,prediction,sex\n")
    (tmp_path / "nothing").write_bytes(b"")

    assert refused(empty).message == "The table has no rows."
    assert refused(tables.parquet(tmp_path / "empty", empty)).message == "The table has no rows."
    assert refused(tmp_path / "header.csv").message == "The table has no rows."
    assert refused(tmp_path / "nothing").message == "The table is empty: not even a header."


def test_files_that_are_not_what_they_say(tmp_path: Path) -> None:
    whole = tables.parquet(tmp_path / "whole", GOOD).read_bytes()
    files = {
        "is cut off": whole[:-20],
        "ends like Parquet": b"PAR1" + b"x" * 100 + struct.pack("<I", 50) + b"PAR1",
        "has a footer larger than itself": b"PAR1" + struct.pack("<I", 10_000) + b"PAR1",
        "has been damaged": whole[: len(whole) // 2] + b"\xff" * 40 + whole[len(whole) // 2 + 40 :],
        "is a pickle": b"\x80\x04\x95\x00\x00cposix\nsystem\n.",
        "is not text": b"label,prediction,sex\n\xff\xfe1,1,f\n" * 3,
        "has a ragged line": b"label,prediction,sex\n1,1,f,extra\n",
        "has an open quote": b'label,prediction,sex\n1,1,"f\n',
        "is gzip": b"\x1f\x8b\x08\x00" + bytes(range(200)),
        "is JSON": b'[{"label": 1, "prediction": 1, "sex": "f"}]',
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)

        error = refused(path)

        assert isinstance(error, Invalid), name
        assert str(tmp_path) not in error.message, name
    assert refused(tmp_path / "missing").message.startswith("The table cannot be read")
    assert refused(tmp_path).message.startswith("The table cannot be read")


def test_too_many_groups() -> None:
    rows = 2 * counts.MAX_GROUPS
    table = {"label": [1] * rows, "prediction": [1] * rows, "sex": ["f"] * rows, "id": list(range(rows))}

    error = refused(table, msgspec.structs.replace(COLUMNS, sensitive=["sex", "id"]))

    assert isinstance(error, TooLarge)
    assert "column 'id' alone" in error.message
    assert list(error.fields) == ["id"]


@pytest.mark.parametrize("columns", [10_001, 300_000])
def test_too_many_columns(columns: int, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{number}" for number in range(columns)) + "\n")

    assert isinstance(refused(path), TooLarge)


def test_a_parquet_of_very_many_columns_is_refused_by_its_footer(tmp_path: Path) -> None:
    """A million columns take minutes and gigabytes to write honestly; the length of the footer is all that is read."""
    footer = 33 << 20
    path = tmp_path / "wide.parquet"
    with path.open("wb") as file:
        file.write(b"PAR1")
        file.seek(footer, 1)
        file.write(struct.pack("<I", footer) + b"PAR1")

    assert "33 MiB" in refused(path).message


def test_a_parquet_of_more_columns_than_are_read(tmp_path: Path) -> None:
    path = tables.parquet(tmp_path / "wide.parquet", {f"c{number}": [1] for number in range(10_001)})

    assert refused(path).message == "The table has 10,001 columns; at most 10,000 are read."


def test_values_larger_than_the_memory_given(tmp_path: Path) -> None:
    """Twenty million bytes a value; nothing of it may be kept."""
    big = pa.table(
        {"label": [1] * 8, "prediction": [1] * 8, "sex": [chr(97 + number) * 20_000_000 for number in range(8)]}
    )
    pq.write_table(big, tmp_path / "big", use_dictionary=False)
    del big

    with pytest.raises(TooLarge):
        counts.count(tmp_path / "big", COLUMNS, limits=Limits(memory_mib=64))


# The peak of the memory, which unlike getrusage does not count what the parent had before the program was started.
PROGRAM = """
import re, sys
from pathlib import Path
from governance.errors import TooLarge
from policies.fairness import counts
from policies.fairness.groups import Columns
from policies.fairness.tables import Limits
columns = Columns(label="label", prediction="prediction", sensitive=["sex"])
try:
    counts.count(Path(sys.argv[1]), columns, limits=Limits(memory_mib=64))
except TooLarge:
    print(re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak of memory")
def test_a_group_for_every_row_stays_within_its_memory(tmp_path: Path) -> None:
    """Two million distinct values, each a group to DuckDB before anyone counts them."""
    rows = 2_000_000
    ids = pa.array([f"person number {number:020}" for number in range(rows)])
    ones = pa.array([1] * rows, pa.int8())
    pq.write_table(pa.table({"label": ones, "prediction": ones, "sex": ids}), tmp_path / "ids")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "ids")]

    done = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True, check=True)

    assert int(done.stdout) < 300 * 1024
