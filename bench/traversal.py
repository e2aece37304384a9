"""How fast the graph answers: whole closures in the database, and neighbourhoods over HTTP."""

import json
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlencode

from bench import generator, inside, load, rows, scene
from bench.rows import Better, Peer, Row
from bench.scene import BenchError, Scene, Service

LARGEST = 20
PERCENTILES = (("p50", 0.50), ("p95", 0.95))


def run(stage: Scene) -> Iterator[Row]:
    events, assets = (8_000, 2_000) if stage.quick else (100_000, 20_000)
    repeats = 10 if stage.quick else 40
    with stage.service() as service:
        stage.say(f"traversal: a graph of {events:,} events")
        stream = generator.lines(events=events, seed=scene.SEED, assets=assets)
        while chunk := list(islice(stream, 20_000)):
            service.post(chunk)
        service.settle()
        stage.say("traversal: closures")
        yield from _closures(service, repeats)
        stage.say("traversal: neighbourhoods")
        yield from _neighbourhoods(service, repeats * 5)


def _closures(service: Service, repeats: int) -> Iterator[Row]:
    for answer in json.loads(inside.run(service, "bench.closures", "--repeats", str(repeats))):
        for name, share in PERCENTILES:
            yield rows.measured(
                "traversal",
                f"{answer['direction']} closure of {answer['size']:,} assets ({answer['which']}), {name}",
                [rows.percentile(answer["ours_ms"], share)],
                "ms",
                better=Better.LESS,
                peer=Peer(name="bare recursive query", values=[rows.percentile(answer["bare_ms"], share)]),
            )


def _neighbourhoods(service: Service, requests: int) -> Iterator[Row]:
    """GET /graph around the assets with the most neighbours among a hundred, one request after the other."""
    assets = service.call("GET", "/assets?limit=100")["results"]
    if not assets:
        raise BenchError("The graph has no assets.")
    for depth in (1, 3):
        paths = ["/graph?" + urlencode({"asset": asset["id"], "direction": "both", "depth": depth}) for asset in assets]
        sizes = {path: len(service.call("GET", path)["nodes"]) for path in paths}
        largest = sorted(paths, key=sizes.__getitem__)[-LARGEST:]
        wire = [service.request(largest[number % len(largest)]) for number in range(requests)]
        result = load.closed(service.address, wire, connections=1).expect(200)
        nodes = [sizes[path] for path in largest]
        for name, share in PERCENTILES:
            yield rows.measured(
                "traversal",
                f"GET /graph, both ways, depth {depth}, {name}",
                [rows.percentile(result.latencies, share) * 1000],
                "ms",
                better=Better.LESS,
                note=f"{min(nodes)} to {max(nodes)} nodes in an answer",
            )
