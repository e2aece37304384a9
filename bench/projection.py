"""How fast the log becomes the graph: a backlog drained, the lag while events arrive, and a rebuild of everything."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import psycopg

from bench import generator, load, rows, scene
from bench.rows import Better, Row, Target
from bench.scene import Scene, Service

ARRIVING_PER_SECOND = 500
POLL_S = 0.02


def run(stage: Scene) -> Iterator[Row]:
    backlog = 5_000 if stage.quick else 30_000
    with stage.service() as service:
        stream = generator.lines(events=10_000_000, seed=scene.SEED, assets=5_000)
        service.post(list(islice(stream, 2_000)))
        service.settle()
        drained = []
        for number in range(stage.runs(3)):
            stage.say(f"projection: backlog {number + 1}")
            drained.append(_drain(service, list(islice(stream, backlog))))
        stage.say("projection: lag")
        lags = [_lag(service, stream, 5.0 if stage.quick else 20.0) for _ in range(stage.runs(3))]
    yield rows.measured(
        "projection",
        f"backlog of {backlog:,} drained",
        drained,
        "events/s",
        target=Target(value=2_500),
    )
    yield rows.measured(
        "projection",
        f"lag p95 at {ARRIVING_PER_SECOND} events/s",
        [rows.percentile(lag, 0.95) for lag in lags],
        "s",
        better=Better.LESS,
        target=Target(value=2.0),
        note=f"acknowledged to in the graph; longest {rows.number(max(max(lag) for lag in lags))} s",
    )
    yield _rebuild(stage, 20_000 if stage.quick else 1_000_000)


def _drain(service: Service, lines: list[bytes]) -> float:
    """Events a second from the first that leaves the outbox to the last."""
    with psycopg.connect(service.database_url, autocommit=True) as watching:
        with held_back(service):
            service.post(lines)
            full = service.waiting(watching)
        while service.waiting(watching) == full:
            time.sleep(0.001)
        begun, left = time.perf_counter(), service.waiting(watching)
        return left / (service.settle() - begun)


@contextmanager
def held_back(service: Service) -> Iterator[None]:
    """No event is projected inside the block: the bench holds the lock that one projector holds."""
    key = service.manage("shell", "--no-imports", "-c", "from lineage import tasks; print(tasks.PROJECTOR_LOCK)")
    with psycopg.connect(service.database_url, autocommit=True) as holding:
        holding.execute("SELECT pg_advisory_lock(%s)", [int(key)])
        yield


def _lag(service: Service, stream: Iterator[bytes], seconds: float) -> list[float]:
    """Seconds from acknowledged to in the graph, for each event of a steady arrival.

    The outbox is read every few milliseconds; an event is in the graph when it is no longer there. So a lag is
    known to within the pause between two readings, never told too short.
    """
    lines = list(islice(stream, int(ARRIVING_PER_SECOND * seconds)))
    requests = [service.request("/lineage", line) for line in lines]
    with psycopg.connect(service.database_url, autocommit=True) as database:
        row = database.execute("SELECT coalesce(max(id), 0) FROM lineage_event").fetchone()
        newest = row[0] if row else 0
        watch = _Watch(service, after=newest)
        watch.start()
        try:
            result = load.paced(service.address, requests, connections=16, per_second=ARRIVING_PER_SECOND).expect(201)
            service.settle()
        finally:
            watch.stop()
        ids = {
            hashlib.sha256(body).digest(): event
            for event, body in database.execute("SELECT id, body FROM lineage_event WHERE id > %s", [newest])
        }
    gone_at = watch.gone_at()
    return [
        max(0.0, gone_at(ids[hashlib.sha256(lines[number]).digest()], acknowledged) - acknowledged)
        for number, acknowledged in result.acknowledged_at.items()
    ]


class _Watch(threading.Thread):
    """Reads which events wait, again and again."""

    def __init__(self, service: Service, *, after: int) -> None:
        super().__init__(daemon=True)
        self.service, self.after = service, after
        self.readings: list[tuple[float, frozenset[int]]] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        with psycopg.connect(self.service.database_url, autocommit=True) as database:
            while not self.stopped.is_set():
                at = time.perf_counter()
                waiting = database.execute(
                    "SELECT event_id FROM lineage_outbox WHERE event_id > %s", [self.after]
                ).fetchall()
                self.readings.append((at, frozenset(row[0] for row in waiting)))
                self.stopped.wait(POLL_S)

    def stop(self) -> None:
        time.sleep(3 * POLL_S)  # One reading after the last event is in the graph.
        self.stopped.set()
        self.join()

    def gone_at(self) -> "_Gone":
        return _Gone(self.readings)


class _Gone:
    """When an event was first seen to be in the graph."""

    def __init__(self, readings: list[tuple[float, frozenset[int]]]) -> None:
        self.last_seen: dict[int, int] = {}
        for number, (_, waiting) in enumerate(readings):
            for event in waiting:
                self.last_seen[event] = number
        self.times = [at for at, _ in readings]

    def __call__(self, event: int, acknowledged: float) -> float:
        """The first reading after the last that saw it wait; if none saw it, it was in before it could be seen."""
        number = self.last_seen.get(event)
        if number is None:
            return acknowledged
        return self.times[min(number + 1, len(self.times) - 1)]


def _rebuild(stage: Scene, events: int) -> Row:
    url = stage.log_of(events)
    with stage.service(database_url=url) as service:
        stage.say(f"projection: rebuilding {events:,} events")
        begun = time.perf_counter()
        service.manage("rebuild_graph")
        service.settle()
        minutes = (time.perf_counter() - begun) / 60
    return rows.measured(
        "projection",
        f"rebuild of {events:,} events",
        [minutes],
        "min",
        better=Better.LESS,
        target=None if stage.quick else Target(value=8.0),
        note=f"{events / minutes / 60:,.0f} events/s",
    )
