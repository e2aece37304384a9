"""How fast events are taken: one a request, and in batches, beside a bare view that only validates and inserts."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from bench import floor, generator, load, rows, scene
from bench.rows import Better, Peer, Row, Target
from bench.scene import Scene, Service
from governance import server

CONNECTIONS = 16
BATCH = 100
BATCH_CONNECTIONS = 4
ASSETS = 5_000
FLOOR = "bare view"
# The floor's best on 2 cores: fewer leave the database idle, more get in each other's way.
FLOOR_THREADS = 8


@dataclass(slots=True, kw_only=True)
class Figures:
    """What several runs gave."""

    per_second: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    def add(self, result: load.Result, *, events: int = 1) -> None:
        self.per_second.append(result.per_second * events)
        self.p50_ms.append(rows.percentile(result.latencies, 0.50) * 1000)
        self.p99_ms.append(rows.percentile(result.latencies, 0.99) * 1000)


def events(seed: int) -> Iterator[bytes]:
    """Events that no other run of this bench sends: a log stores an event once."""
    return generator.lines(events=10_000_000, seed=seed, assets=ASSETS)


def run(stage: Scene) -> Iterator[Row]:
    seconds = 2.0 if stage.quick else 8.0
    floor_one, floor_many = Figures(), Figures()
    one, arrays, ndjson = Figures(), Figures(), Figures()
    _measure_floor(stage, floor_one, floor_many, seconds)
    with stage.service() as service:
        stream = events(seed=scene.SEED)
        for number in range(stage.runs(3)):
            stage.say(f"ingest: run {number + 1} on the service")
            one.add(one_by_one(service, stream, seconds))
            service.settle()
            arrays.add(_batches(service, stream, seconds, ndjson=False), events=BATCH)
            service.settle()
            ndjson.add(_batches(service, stream, seconds, ndjson=True), events=BATCH)
            service.settle()
    # Before and after, so that a machine that slows down or speeds up meanwhile does not decide the ratio.
    _measure_floor(stage, floor_one, floor_many, seconds)

    yield rows.measured(
        "ingest",
        f"one event a request, {CONNECTIONS} connections",
        one.per_second,
        "events/s",
        peer=Peer(name=FLOOR, values=floor_one.per_second),
        target=Target(value=800, ratio=0.4),
    )
    yield rows.measured(
        "ingest",
        "the same, latency p50",
        one.p50_ms,
        "ms",
        better=Better.LESS,
        peer=Peer(name=FLOOR, values=floor_one.p50_ms),
    )
    yield rows.measured(
        "ingest",
        "the same, latency p99",
        one.p99_ms,
        "ms",
        better=Better.LESS,
        peer=Peer(name=FLOOR, values=floor_one.p99_ms),
        target=Target(value=60),
    )
    for metric, figures in (("JSON array", arrays), ("NDJSON", ndjson)):
        yield rows.measured(
            "ingest",
            f"batches of {BATCH}, {metric}",
            figures.per_second,
            "events/s",
            peer=Peer(name=f"{FLOOR}, one INSERT a batch", values=floor_many.per_second),
            target=Target(value=6_000),
        )


def one_by_one(service: Service, stream: Iterator[bytes], seconds: float) -> load.Result:
    """Single events for some seconds."""
    lines = islice(stream, int(3_000 * seconds))
    requests = [service.request("/lineage", line) for line in lines]
    return load.closed(service.address, requests, connections=CONNECTIONS, seconds=seconds).expect(201)


def _batches(service: Service, stream: Iterator[bytes], seconds: float, *, ndjson: bool) -> load.Result:
    """Batches for some seconds, or until those made beforehand are sent."""
    content_type = "application/x-ndjson" if ndjson else "application/json"
    requests = [
        service.request("/lineage", body, content_type)
        for body in batches(list(islice(stream, int(8_000 * seconds))), ndjson=ndjson)
    ]
    return load.closed(service.address, requests, connections=BATCH_CONNECTIONS, seconds=seconds).expect(200)


def batches(lines: Sequence[bytes], *, ndjson: bool = False) -> Iterator[bytes]:
    """Bodies of `BATCH` events each."""
    for at in range(0, len(lines), BATCH):
        chunk = lines[at : at + BATCH]
        yield b"\n".join(chunk) if ndjson else b"[" + b",".join(chunk) + b"]"


def _measure_floor(stage: Scene, one: Figures, many: Figures, seconds: float) -> None:
    with bare_view(stage) as address:
        stream = events(seed=1)
        load.closed(
            address, [load.request(address, "/one", body=next(stream)) for _ in range(200)], connections=16
        ).expect(201)
        for number in range(stage.runs(2)):
            stage.say(f"ingest: run {number + 1} on the bare view")
            requests = [load.request(address, "/one", body=line) for line in islice(stream, int(6_000 * seconds))]
            one.add(load.closed(address, requests, connections=CONNECTIONS, seconds=seconds).expect(201))
            bodies = batches(list(islice(stream, int(10_000 * seconds))))
            requests = [load.request(address, "/many", body=body) for body in bodies]
            many.add(
                load.closed(address, requests, connections=BATCH_CONNECTIONS, seconds=seconds).expect(200),
                events=BATCH,
            )


@contextmanager
def bare_view(stage: Scene) -> Iterator[load.Address]:
    """The floor under the same web server, with as many workers as the service has."""
    url = stage.database("floor")
    floor.prepare(url)
    address = load.Address(scene.HOST, scene.free_port())
    log = stage.data / "floor.log"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", address.host]
    command += ["--port", str(address.port), "--no-ws", "--log-level", "warning"]
    command += ["--workers", str(server.WEB_WORKERS), "--blocking-threads", str(FLOOR_THREADS)]
    command.append("bench.floor:application")
    environment = dict(stage.environment) | {"FLOOR_DATABASE_URL": url}
    with (
        log.open("wb") as output,
        scene.program(command, environment, output, log) as process,
    ):
        scene.wait_until_ready(address, "/ready", process, log)
        yield address
