"""The command `python -m bench`: what it refuses, and that one bench that fails does not hide the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import rows
from bench.rows import Row
from bench.scene import BenchError, Scene


@pytest.mark.parametrize(
    ("arguments", "named"), [(["ingets"], "ingets"), (["--json", "/nowhere/at/all.json"], "/nowhere/at/all.json")]
)
def test_what_it_cannot_use_is_named(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        command.parse(arguments)

    assert exit_.value.code == 64
    assert named in capsys.readouterr().err


def test_names_choose_the_benches() -> None:
    assert command.parse(["gate", "ingest", "--quick"]).names == ["gate", "ingest"]


def test_a_bench_that_fails_is_told_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def breaks(stage: Scene) -> Iterator[Row]:
        yield rows.measured("breaks", "first", [1.0], "s")
        raise BenchError("the service did not start")

    def works(stage: Scene) -> Iterator[Row]:
        yield rows.measured("works", "first", [2.0], "s")

    monkeypatch.setattr(command, "BENCHES", {"breaks": breaks, "works": works})

    measured, failed = command.measure(Scene(quick=True, data=tmp_path, cluster_url=""), ["breaks", "works"])

    assert failed == ["breaks"]
    assert [(row.name, row.value) for row in measured] == [("breaks", 1.0), ("breaks", None), ("works", 2.0)]
    assert measured[1].note == "not measured: BenchError: the service did not start"
