"""How long it takes to rate every team by every framework, and whether a team costs less the more there are."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

import psycopg

from bench import inside, rows
from bench.rows import Better, Peer, Row, Target
from bench.scene import Scene, Service

READS = 40


class Figures(TypedDict):
    """What `bench.ratings` prints of one rating."""

    seconds: float
    memory_mib: float
    reads_ms: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """An organisation: so many teams with so many models each, and for each model so many versions and runs."""

    teams: int
    models: int
    versions: int
    runs: int

    def __str__(self) -> str:
        models = self.teams * self.models
        return (
            f"{self.teams:,} teams, {models:,} models, {models * self.versions:,} versions, {models * self.runs:,} runs"
        )


# What was asked for, and small teams to see how the cost of one falls with their number.
WHOLE = Size(teams=200, models=25, versions=4, runs=200)
GROWING = tuple(Size(teams=teams, models=2, versions=4, runs=20) for teams in (20, 200, 2_000))
QUICK = Size(teams=10, models=4, versions=4, runs=50)
QUICK_GROWING = tuple(Size(teams=teams, models=2, versions=4, runs=20) for teams in (5, 20))


def run(stage: Scene) -> Iterator[Row]:
    yield from _whole(stage, QUICK if stage.quick else WHOLE)
    first: float | None = None
    for size in QUICK_GROWING if stage.quick else GROWING:
        measured = _rated(stage, size, repeats=stage.runs(3))
        per_team = [one["seconds"] / size.teams * 1000 for one in measured]
        peer = None if first is None else Peer(name="a team at the smallest size", values=[first])
        row = rows.measured(
            "maturity",
            f"rating {size.teams:,} teams with {size.models} models, each team",
            per_team,
            "ms",
            better=Better.LESS,
            peer=peer,
            target=None if first is None else Target(ratio=1.0),
            note=str(size),
        )
        first = row.value if first is None else first
        yield row


def _whole(stage: Scene, size: Size) -> Iterator[Row]:
    measured = _rated(stage, size, repeats=stage.runs(3))
    is_asked = not stage.quick
    yield rows.measured(
        "maturity",
        "rating all teams by all frameworks",
        [one["seconds"] for one in measured],
        "s",
        better=Better.LESS,
        target=Target(value=60.0) if is_asked else None,
        note=str(size),
    )
    yield rows.measured(
        "maturity",
        "memory while rating",
        [one["memory_mib"] for one in measured],
        "MiB",
        better=Better.LESS,
        target=Target(value=1_024.0) if is_asked else None,
    )
    yield rows.measured(
        "maturity",
        "a team's scorecard from the last snapshot, p50",
        [rows.percentile(one["reads_ms"], 0.5) for one in measured],
        "ms",
        better=Better.LESS,
        target=Target(value=300.0),
        note="all that the page reads, by the service's own functions",
    )


def _rated(stage: Scene, size: Size, *, repeats: int) -> list[Figures]:
    """The figures of several ratings of the same organisation, each in a process of its own."""
    stage.say(f"maturity: {size}")
    with stage.service() as service:
        said = {"teams": size.teams, "models": size.models, "versions": size.versions, "runs": size.runs}
        inside.run(service, "bench.organisation", *(f"--{name}={value}" for name, value in said.items()))
        service.settle()
        _expect(service, size)
        return [json.loads(inside.run(service, "bench.ratings", "--reads", str(READS))) for _ in range(repeats)]


def _expect(service: Service, size: Size) -> None:
    """The database really holds what the row says it holds."""
    with psycopg.connect(service.database_url) as database:
        row = database.execute("SELECT count(*) FROM lineage_run").fetchone()
    assert row is not None, "an aggregate gives a row"
    assert row[0] >= size.teams * size.models * size.runs, f"only {row[0]:,} runs"
