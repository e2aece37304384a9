"""How long it takes to rate every team by every framework, and whether a team costs less the more there are."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict

import psycopg

from bench import inside, load, rows
from bench.rows import Better, Peer, Row, Target
from bench.scene import Scene, Service

READS = 40


class Figures(TypedDict):
    """What `bench.ratings` prints of one rating."""

    seconds: float
    memory_mib: float


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
    yield from _whole(stage, QUICK if stage.quick else WHOLE, is_asked=not stage.quick)
    first: float | None = None
    for size in QUICK_GROWING if stage.quick else GROWING:
        with _organisation(stage, size) as service:
            measured = _ratings(service, stage.runs(3))
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


def _whole(stage: Scene, size: Size, *, is_asked: bool) -> Iterator[Row]:
    with _organisation(stage, size) as service:
        measured = _ratings(service, stage.runs(3))
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
        teams = [f"/maturity/teams/{slug}" for slug in _some_teams(service)]
        for what, paths, target in (
            ("a team's scorecard page", teams, Target(value=300.0)),
            ("the leadership page", ["/maturity"], None),
        ):
            yield rows.measured(
                "maturity",
                f"{what} from the last snapshot, p50",
                [rows.percentile(_latencies(service, paths), 0.5) * 1000],
                "ms",
                better=Better.LESS,
                target=target,
                note=f"whole pages over HTTP, one after the other, signed in; {size.teams:,} teams",
            )


@contextmanager
def _organisation(stage: Scene, size: Size) -> Iterator[Service]:
    """The service with an organisation of that size in its graph."""
    stage.say(f"maturity: {size}")
    with stage.service() as service:
        said = {"teams": size.teams, "models": size.models, "versions": size.versions, "runs": size.runs}
        inside.run(service, "bench.organisation", *(f"--{name}={value}" for name, value in said.items()))
        service.settle()
        _expect(service, size)
        yield service


def _ratings(service: Service, repeats: int) -> list[Figures]:
    """The figures of several ratings, each in a process of its own."""
    return [json.loads(inside.run(service, "bench.ratings")) for _ in range(repeats)]


def _some_teams(service: Service) -> list[str]:
    """Spread over all of them, since the first and the last may be the least or most mature."""
    with psycopg.connect(service.database_url) as database:
        slugs = [slug for (slug,) in database.execute("SELECT slug FROM governance_team ORDER BY id")]
    return slugs[:: max(1, len(slugs) // READS)][:READS]


def _latencies(service: Service, paths: Sequence[str]) -> list[float]:
    """Seconds until each page was there, after one round that is not counted."""
    name, key = inside.run(service, "bench.session").split()
    wire = [load.request(service.address, path, headers={"Cookie": f"{name}={key}"}) for path in paths]
    load.closed(service.address, wire, connections=1).expect(200)
    asked = [wire[number % len(wire)] for number in range(READS)]
    return load.closed(service.address, asked, connections=1).expect(200).latencies


def _expect(service: Service, size: Size) -> None:
    """The database really holds what the row says it holds."""
    with psycopg.connect(service.database_url) as database:
        row = database.execute("SELECT count(*) FROM lineage_run").fetchone()
    assert row is not None, "an aggregate gives a row"
    assert row[0] >= size.teams * size.models * size.runs, f"only {row[0]:,} runs"
