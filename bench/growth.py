"""How much more the same costs when the log has grown a hundredfold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench import gate, ingest, rows
from bench.rows import Better, Row, Target
from bench.scene import Scene

ALLOWED_PERCENT = 20.0
SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured on a log of one size."""

    ingest_per_second: float
    ingest_p99_ms: float
    gate_p50_ms: float
    gate_p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    name: str
    attribute: str
    unit: str
    better: Better


METRICS = (
    Metric(name="ingest, events/s", attribute="ingest_per_second", unit="events/s", better=Better.MORE),
    Metric(name="ingest, latency p99", attribute="ingest_p99_ms", unit="ms", better=Better.LESS),
    Metric(name="gate, verdict p50", attribute="gate_p50_ms", unit="ms", better=Better.LESS),
    Metric(name="gate, verdict p95", attribute="gate_p95_ms", unit="ms", better=Better.LESS),
)


def run(stage: Scene) -> Iterator[Row]:
    small, large = (2_000, 20_000) if stage.quick else (10_000, 1_000_000)
    measured: dict[int, list[Figures]] = {small: [], large: []}
    for size in measured:
        stage.log_of(size)
    # In turns, so that a machine that slows down or speeds up meanwhile does not decide the difference.
    for turn in range(stage.runs(3)):
        for size, figures in measured.items():
            stage.say(f"growth: {size:,} events in the log, turn {turn + 1}")
            if size == small:
                # What is measured adds to the log, and the small one must be small each time.
                stage.restore(stage.log_of(size))
            figures.append(_figures(stage, stage.log_of(size), turn))
    for metric in METRICS:
        yield _change(metric, measured[small], measured[large], f"{small:,} and {large:,} events in the log")


def _figures(stage: Scene, url: str, turn: int) -> Figures:
    with stage.service(database_url=url) as service:
        stream = ingest.events(seed=1_000 + turn)
        ingest.one_by_one(service, stream, 1.0)
        result = ingest.one_by_one(service, stream, SECONDS)
        service.settle()
        verdicts = gate.verdict_times(service, gate.prepare(service, count=40, seed=2_000 + turn))
    return Figures(
        ingest_per_second=result.per_second,
        ingest_p99_ms=rows.percentile(result.latencies, 0.99) * 1000,
        gate_p50_ms=rows.percentile(verdicts, 0.50) * 1000,
        gate_p95_ms=rows.percentile(verdicts, 0.95) * 1000,
    )


def _change(metric: Metric, before: Sequence[Figures], after: Sequence[Figures], sizes: str) -> Row:
    """By how many percent it is worse on the long log; below nothing means better."""
    small, large = (median(getattr(figures, metric.attribute) for figures in half) for half in (before, after))
    worse = (small / large if metric.better is Better.MORE else large / small) - 1
    return rows.measured(
        "growth",
        f"{metric.name}: worse by",
        [worse * 100],
        "%",
        better=Better.LESS,
        target=Target(value=ALLOWED_PERCENT),
        note=f"{rows.number(small)} and {rows.number(large)} {metric.unit} at {sizes}",
    )
