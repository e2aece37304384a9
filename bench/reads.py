"""How reads of the graph grow with it: closures in the database, neighbourhoods over HTTP, and the memory they take."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import psycopg

from bench import inside, landscape, load, rows, upstream_peer
from bench.peers import ML_METADATA
from bench.rows import Better, Peer, Row, Target
from bench.scene import BenchError, Scene, Service

PERCENTILES = (("p50", 0.50), ("p95", 0.95))
NODES = 200
SAMPLE = 60
ASKED = 20
# The middle of the year over which the edges of the landscape begin.
DAY = "2025-09-01T00:00:00Z"
# Upstream closures that are asked for, with what p50 and p95 may take, in milliseconds.
CLOSURES: Mapping[int, tuple[float | None, float | None]] = {
    1_000: (None, None),
    10_000: (25.0, 60.0),
    200_000: (700.0, 700.0),
}
TIMES_THE_PEER = 8
STEPS = 6
MEBIBYTES = 400


def closures(stage: Scene, service: Service, assets: int, repeats: int) -> Iterator[Row]:
    """Everything upstream of assets that have about so much there, in the service's own process."""
    asked = [size for size in CLOSURES if size < assets]
    near = [str(size) for size in asked]
    answers = json.loads(inside.run(service, "bench.closures", "--repeats", str(repeats), "--near", *near))
    for wanted, answer in zip(asked, answers, strict=True):
        is_near = 0.5 < answer["size"] / wanted < 2
        for (name, share), limit in zip(PERCENTILES, CLOSURES[wanted], strict=True):
            yield rows.measured(
                "search",
                f"upstream closure of {answer['size']:,} among {assets:,} assets, {name}",
                [rows.percentile(answer["ours_ms"], share)],
                "ms",
                better=Better.LESS,
                peer=Peer(name="bare recursive query", values=[rows.percentile(answer["bare_ms"], share)]),
                target=Target(value=limit) if is_near and limit else None,
                note=None if is_near else f"no asset of the sample has about {wanted:,} upstream",
            )
    stage.say("search: the same of ML Metadata")
    yield from _beside_the_peer(stage, service, assets, answers)


def _beside_the_peer(stage: Scene, service: Service, assets: int, answers: Sequence[dict[str, Any]]) -> Iterator[Row]:
    """The median of each closure beside the same question to ML Metadata. With a fifth of all facts at one hub, and
    without it."""
    metrics = [f"upstream closure of {answer['size']:,} among {assets:,} assets, median" for answer in answers]
    target = Target(ratio=TIMES_THE_PEER)
    try:
        whole, without = upstream_peer.answers(
            stage, service, [answer["root"] for answer in answers], hub=landscape.CALENDAR_ID
        )
    except BenchError as error:
        for metric in metrics:
            yield rows.not_measured(
                "search", metric, "ms", str(error), better=Better.LESS, peer=ML_METADATA, target=target
            )
        return
    for metric, answer, theirs, rest in zip(metrics, answers, whole, without, strict=True):
        for peer, found, asked in ((ML_METADATA, theirs, target), (f"{ML_METADATA}, without the hub", rest, None)):
            yield rows.measured(
                "search",
                metric,
                answer["ours_ms"],
                "ms",
                better=Better.LESS,
                peer=Peer(name=peer, values=found.ms),
                target=asked,
                note=f"ids of {answer['size']:,} assets; the peer: events that name {found.size:,} nodes",
            )


def neighbourhoods(service: Service, assets: int, requests: int) -> Iterator[Row]:
    """GET /graph around assets that have at least 200 others within some steps, now and as of a day."""
    with psycopg.connect(service.database_url) as database:
        sample = database.execute(
            "SELECT uuid FROM lineage_asset WHERE id %% (SELECT greatest(count(*) / %s, 1) FROM lineage_asset) = 0",
            [SAMPLE],
        ).fetchall()
    asked = [{"asset": uuid, "direction": "both", "depth": STEPS, "budget": NODES} for (uuid,) in sample]
    paths = [f"/graph?{urlencode(query)}" for query in asked]
    full = [path for path in paths if len(service.call("GET", path)["nodes"]) == NODES][:ASKED]
    if not full:
        raise BenchError(f"No asset of the sample has {NODES} others within {STEPS} steps.")
    now = latencies(service, full, requests)
    then = latencies(service, [f"{path}&{urlencode({'as_of': DAY})}" for path in full], requests)
    for name, share in PERCENTILES:
        yield rows.measured(
            "search",
            f"GET /graph, {NODES} nodes among {assets:,} assets, {name}",
            [rows.percentile(now, share) * 1000],
            "ms",
            better=Better.LESS,
            target=Target(value=60) if name == "p95" else None,
            note="with names, owners and states",
        )
        yield rows.measured(
            "search",
            f"GET /graph as of a day, {NODES} nodes among {assets:,} assets, {name}",
            [rows.percentile(then, share) * 1000],
            "ms",
            better=Better.LESS,
            peer=Peer(name="the same now", values=[rows.percentile(now, share) * 1000]),
            target=Target(ratio=0.5),
            note="half of the edges had not begun by that day",
        )


def memory(service: Service, assets: int) -> Row:
    """The most that a process of the web server has held through all of it."""
    served = {
        one.pid
        for one in psutil.net_connections("tcp")
        if one.laddr and one.laddr.port == service.address.port and one.pid
    }
    held = [_peak(pid) for pid in served]
    if not held:
        raise BenchError("No process listens where the service should.")
    return rows.measured(
        "search",
        f"memory of a web process after all of it, {assets:,} assets",
        [max(held)],
        "MiB",
        better=Better.LESS,
        target=Target(value=MEBIBYTES),
        note=f"the largest of {len(held)} processes that serve, its peak",
    )


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))):
        return int(found[1]) / 1024
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def hub(service: Service) -> tuple[str, int]:
    """The asset with the most others right after it, and how many those are."""
    with psycopg.connect(service.database_url) as database:
        row = database.execute(
            "SELECT a.uuid, count(*) FROM lineage_edge e JOIN lineage_asset a ON a.id = e.source_id "
            "WHERE e.valid_to IS NULL GROUP BY a.uuid ORDER BY 2 DESC LIMIT 1"
        ).fetchone()
    if row is None:
        raise BenchError(f"The graph has no edges, not even those of {landscape.CALENDAR[1]}.")
    return str(row[0]), row[1]


def latencies(service: Service, paths: Sequence[str], requests: int) -> list[float]:
    wire = [service.request(paths[number % len(paths)]) for number in range(requests)]
    return load.closed(service.address, wire, connections=1).expect(200).latencies
