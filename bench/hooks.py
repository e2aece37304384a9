"""How fast webhook deliveries are answered at a steady pace, while they are translated and projected."""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench import generator, ingest, load, rows, scene
from bench.rows import Better, Peer, Row, Target
from bench.scene import BenchError, Scene, Service

PER_SECOND = 200
CONNECTIONS = 16
SECRET = "a secret of the bench, long enough"
FLOOR = "bare view at the same pace"
PATIENCE_S = 600.0


@dataclass(slots=True, kw_only=True)
class Figures:
    """What several runs gave."""

    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    settled_s: list[float] = field(default_factory=list)

    def add(self, result: load.Result) -> None:
        self.p50_ms.append(rows.percentile(result.latencies, 0.50) * 1000)
        self.p99_ms.append(rows.percentile(result.latencies, 0.99) * 1000)


def run(stage: Scene) -> Iterator[Row]:
    count = PER_SECOND * (4 if stage.quick else 30)
    floor, hooks = Figures(), Figures()
    with ingest.bare_view(stage) as address:
        stage.say("hooks: bare view")
        lines = generator.lines(events=count, seed=scene.SEED, assets=ingest.ASSETS)
        requests = [load.request(address, "/one", body=line) for line in lines]
        floor.add(load.paced(address, requests, connections=CONNECTIONS, per_second=PER_SECOND).expect(201))
    with stage.service() as service:
        connect(service)
        warm = [delivery(service, number) for number in range(scene.WARMING_REQUESTS)]
        load.closed(service.address, warm, connections=CONNECTIONS).expect(202)
        settle(service)
        for number in range(stage.runs(3)):
            stage.say(f"hooks: run {number + 1}")
            requests = [delivery(service, one) for one in range(count)]
            hooks.add(load.paced(service.address, requests, connections=CONNECTIONS, per_second=PER_SECOND).expect(202))
            begun = time.perf_counter()
            settle(service)
            hooks.settled_s.append(time.perf_counter() - begun)
    what = f"{PER_SECOND} signed deliveries/s beside translator and projector"
    yield rows.measured(
        "hooks",
        f"{what}, latency p50",
        hooks.p50_ms,
        "ms",
        better=Better.LESS,
        peer=Peer(name=FLOOR, values=floor.p50_ms),
        target=Target(value=20),
    )
    yield rows.measured(
        "hooks",
        "the same, latency p99",
        hooks.p99_ms,
        "ms",
        better=Better.LESS,
        peer=Peer(name=FLOOR, values=floor.p99_ms),
        target=Target(value=100),
    )
    yield rows.measured(
        "hooks",
        f"the same, from the last answer until all {count:,} are in the graph",
        hooks.settled_s,
        "s",
        better=Better.LESS,
    )


def connect(service: Service) -> None:
    """A team, and its connection to CircleCI."""
    service.call("POST", "/teams", {"slug": "bench", "name": "Bench"})
    service.call(
        "POST",
        "/connections",
        {
            "slug": "ci",
            "team": "bench",
            "system": "circleci",
            "title": "CircleCI",
            "namespace": "circleci://circleci.com",
            "scheme": "circleci",
            "secret": SECRET,
        },
    )


def delivery(service: Service, number: int) -> bytes:
    """A delivery that no other is the same as: the end of a workflow, which is told as two events of a run."""
    document: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "type": "workflow-completed",
        "happened_at": "2026-03-02T08:15:31Z",
        "webhook": {"id": str(uuid.UUID(int=1)), "name": "assay"},
        "project": {"id": str(uuid.UUID(int=2)), "name": "loans", "slug": f"github/acme/loans-{number % 50}"},
        "organization": {"id": str(uuid.UUID(int=3)), "name": "acme"},
        "workflow": {
            "id": str(uuid.uuid4()),
            "name": "train",
            "status": "success",
            "created_at": "2026-03-02T08:00:00Z",
            "stopped_at": "2026-03-02T08:15:30Z",
            "url": "https://app.circleci.example/workflows/1",
        },
        "pipeline": {
            "id": str(uuid.uuid4()),
            "number": number,
            "vcs": {"target_repository_url": "https://github.com/acme/loans", "revision": f"{number:040x}"},
            "note": "x" * 500,
        },
    }
    body = json.dumps(document).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"circleci-signature": f"v1={signature}", "circleci-event-type": "workflow-completed"}
    return load.request(service.address, "/api/v1/hooks/ci", body=body, headers=headers)


def settle(service: Service) -> None:
    """Wait until every delivery is translated and its events are in the graph."""
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(service.database_url, autocommit=True) as database:
        while True:
            row = database.execute("SELECT count(*) FROM integrations_delivery WHERE due_at IS NOT NULL").fetchone()
            if row is not None and row[0] == 0:
                break
            if time.monotonic() > deadline:
                raise BenchError(f"Deliveries were still waiting after {PATIENCE_S:.0f} s: {row}.")
            time.sleep(0.05)
        wrong = database.execute(
            "SELECT state, error FROM integrations_delivery WHERE state <> 'translated' LIMIT 1"
        ).fetchone()
    if wrong:
        raise BenchError(f"A delivery is {wrong[0]}: {wrong[1]}")
    service.settle()
