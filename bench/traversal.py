"""How fast the graph answers: whole closures in the database, and neighbourhoods over HTTP."""

import json
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlencode

from bench import generator, inside, load, rows, scene
from bench.rows import Better, Peer, Row, Target
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
        stage.say("traversal: evidence")
        yield from _evidence(service, repeats * 5)


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
    """GET /graph around the assets with the most neighbours among a hundred, one request after the other.

    Each also as of the newest day in the log, when the same assets and edges stood: so what is compared is how they are
    found, not how many they are.
    """
    assets = service.call("GET", "/assets?limit=100")["results"]
    if not assets:
        raise BenchError("The graph has no assets.")
    day = max(asset["last_seen_at"] for asset in assets)
    for depth in (1, 3):
        asked = [{"asset": asset["id"], "direction": "both", "depth": depth} for asset in assets]
        paths = ["/graph?" + urlencode(query) for query in asked]
        sizes = {path: len(service.call("GET", path)["nodes"]) for path in paths}
        largest = sorted(paths, key=sizes.__getitem__)[-LARGEST:]
        nodes = [sizes[path] for path in largest]
        note = f"{min(nodes)} to {max(nodes)} nodes in an answer, with owners and states"
        now = _latencies(service, largest, requests)
        then = _latencies(service, [f"{path}&{urlencode({'as_of': day})}" for path in largest], requests)
        for name, share in PERCENTILES:
            yield rows.measured(
                "traversal",
                f"GET /graph, both ways, depth {depth}, {name}",
                [rows.percentile(now, share) * 1000],
                "ms",
                better=Better.LESS,
                target=Target(value=60) if name == "p95" else None,
                note=note,
            )
            yield rows.measured(
                "traversal",
                f"GET /graph as of a day, both ways, depth {depth}, {name}",
                [rows.percentile(then, share) * 1000],
                "ms",
                better=Better.LESS,
                peer=Peer(name="the same now", values=[rows.percentile(now, share) * 1000]),
                target=Target(ratio=0.5),
                note=note,
            )


def _evidence(service: Service, requests: int) -> Iterator[Row]:
    """What the newest versions of models were made of, back to the sources: versions, runs and commits."""
    models = service.call("GET", f"/assets?kind=model&limit={LARGEST}")["results"]
    if not models:
        raise BenchError("The graph has no models.")
    asked = [{"graph": "evidence", "asset": model["id"], "direction": "upstream", "depth": 20} for model in models]
    paths = ["/graph?" + urlencode(query) for query in asked]
    nodes = [len(service.call("GET", path)["nodes"]) for path in paths]
    latencies = _latencies(service, paths, requests)
    for name, share in PERCENTILES:
        yield rows.measured(
            "traversal",
            f"GET /graph?graph=evidence, all upstream of a model version, {name}",
            [rows.percentile(latencies, share) * 1000],
            "ms",
            better=Better.LESS,
            note=f"{min(nodes)} to {max(nodes)} versions and runs in an answer, at most 200",
        )


def _latencies(service: Service, paths: list[str], requests: int) -> list[float]:
    wire = [service.request(paths[number % len(paths)]) for number in range(requests)]
    return load.closed(service.address, wire, connections=1).expect(200).latencies
