"""How fast fairness is measured: all metrics of groups by two columns, each with its interval, beside Fairlearn.

Each figure is that of a whole cold process: start, imports, reading the Parquet file, counting, metrics. Fairlearn has
no intervals but by its bootstrap, which would take hours, and is spared it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench import rows, scene
from bench.rows import Better, Peer, Row, Target
from bench.scene import BenchError, Scene

OURS, FAIRLEARN = "bench.fairness_counts", "bench.fairness_rows"
BESIDE_FAIRLEARN = 1_000_000
# How many rows alone, with what is asked: seconds and mebibytes.
ALONE = ((10_000_000, 2.0, 1024.0), (100_000_000, 25.0, 2048.0))
PATIENCE_S = 1_800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a program took, as a whole, and what it found."""

    seconds: float
    peak_mib: float
    values: dict[str, float | None]


def run(stage: Scene) -> Iterator[Row]:
    beside = BESIDE_FAIRLEARN // 20 if stage.quick else BESIDE_FAIRLEARN
    path = stage.data / "evaluation.parquet"
    try:
        stage.say(f"fairness: {beside:,} rows, beside Fairlearn")
        _write(path, beside)
        yield from _beside(path, beside, stage.runs(3), is_record=not stage.quick)
        for size, seconds, mebibytes in ALONE[:1] if stage.quick else ALONE:
            stage.say(f"fairness: {size:,} rows")
            _write(path, size)
            yield from _alone(path, size, seconds, mebibytes, stage.runs(3 if size < 50_000_000 else 1))
    finally:
        path.unlink(missing_ok=True)


def _beside(path: Path, size: int, runs: int, *, is_record: bool) -> Iterator[Row]:
    ours = [measure(OURS, path) for _ in range(runs)]
    # Once: it takes longer than all of ours together.
    theirs = measure(FAIRLEARN, path)
    peer = "Fairlearn MetricFrame on the rows"
    yield rows.measured(
        "fairness",
        f"{size:,} rows, all metrics with intervals, cold process",
        [one.seconds for one in ours],
        "s",
        better=Better.LESS,
        peer=Peer(name=peer, values=[theirs.seconds]),
        target=Target(ratio=50) if is_record else None,
    )
    yield rows.measured(
        "fairness",
        f"{size:,} rows, peak memory",
        [one.peak_mib for one in ours],
        "MiB",
        better=Better.LESS,
        peer=Peer(name=peer, values=[theirs.peak_mib]),
    )
    yield rows.measured(
        "fairness",
        f"largest distance from Fairlearn in {len(theirs.values)} metrics",
        [max(_distance(ours[0].values[name], value) for name, value in theirs.values.items())],
        "",
        better=Better.LESS,
        target=Target(value=1e-12),
    )


def _alone(path: Path, size: int, seconds: float, mebibytes: float, runs: int) -> Iterator[Row]:
    ours = [measure(OURS, path) for _ in range(runs)]
    yield rows.measured(
        "fairness",
        f"{size:,} rows, all metrics with intervals, cold process",
        [one.seconds for one in ours],
        "s",
        better=Better.LESS,
        target=Target(value=seconds),
    )
    yield rows.measured(
        "fairness",
        f"{size:,} rows, peak memory",
        [one.peak_mib for one in ours],
        "MiB",
        better=Better.LESS,
        target=Target(value=mebibytes),
    )


def _write(path: Path, size: int) -> None:
    """People of six races and two sexes whose chances differ a little; the same for the same number."""
    with duckdb.connect(":memory:") as database:
        database.execute(
            """
            COPY (
                SELECT CAST(hash(i) % 1000 < 300 + 20 * race AS TINYINT) AS label,
                       CAST(score + 0.02 * race >= 0.55 AS TINYINT) AS prediction,
                       score,
                       'race ' || race AS race,
                       CASE WHEN hash(i + 1) % 2 = 0 THEN 'female' ELSE 'male' END AS sex
                FROM (SELECT i, CAST(hash(i + 2) % 6 AS TINYINT) AS race, hash(i + 3) % 1000000 / 1000000.0 AS score
                      FROM range($size) t(i))
            ) TO $path (FORMAT parquet)
            """,
            {"size": size, "path": str(path)},
        )


def measure(program: str, *paths: Path) -> Measured:
    """Run a program as a process of its own. Raises BenchError with its last words when it fails."""
    started = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-m", program, *map(str, paths)],
            cwd=scene.ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{program} was not done in {PATIENCE_S:.0f} s") from error
    seconds = time.perf_counter() - started
    if done.returncode:
        raise BenchError(f"{program} failed: {done.stderr.strip()[-300:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return Measured(seconds=seconds, peak_mib=answer["peak_mib"], values=answer["values"])


def _distance(ours: float | None, theirs: float | None) -> float:
    if ours is None or theirs is None:
        return 0.0 if ours is theirs else float("inf")
    return abs(ours - theirs)
