"""How fast assets are found and the graph is read, among 10,000, 100,000 and a million, one request after the other."""

import random
from collections.abc import Iterator
from urllib.parse import urlencode

import psycopg

from bench import landscape, painting, reads, rows, scene
from bench.rows import Better, Row, Target
from bench.scene import BenchError, Scene, Service

SIZES = (10_000, 100_000, 1_000_000)
TOUCHED = 5_000
WORDS_ASKED = 40
HUB_NODES = 150


def run(stage: Scene) -> Iterator[Row]:
    """The same on ever larger graphs, each on a database of its own: so the rows show how cost grows."""
    for assets in (10_000,) if stage.quick else SIZES:
        requests = 60 if stage.quick else 400
        with stage.service() as service:
            stage.say(f"search: filling a graph of {assets:,} assets")
            edges = landscape.fill(service.database_url, assets=assets, seed=scene.SEED, density=landscape.DENSE)
            note = f"{assets:,} assets, {edges:,} edges"
            stage.say("search: closures and neighbourhoods")
            yield from reads.closures(stage, service, assets, requests // 20)
            yield from reads.neighbourhoods(service, assets, requests // 2)
            stage.say("search: words")
            yield from _searches(service, assets, requests, note)
            stage.say("search: impact and hub")
            yield from _impact(service, assets, requests // 4, note)
            yield from _hub(service, requests // 10, note)
            yield reads.memory(service, assets)
            stage.say("search: the page")
            yield from painting.run(service, reads.hub(service)[0], assets)


def _searches(service: Service, assets: int, requests: int, note: str) -> Iterator[Row]:
    with psycopg.connect(service.database_url) as database:
        names = [
            name
            for (name,) in database.execute(
                "SELECT name FROM lineage_asset WHERE id %% %s = 0", [max(1, _count(database) // WORDS_ASKED)]
            )
        ]
    chance = random.Random(scene.SEED)
    typed = [_with_a_slip(name, chance) for name in names]
    for what, extra, target in (
        ("a slip in a word", {}, Target(value=80)),
        ("a slip in a word, of one team", {"team": "fraud"}, None),
        ("a slip in a word, with counts", {"counts": "true"}, None),
    ):
        paths = [f"/assets?{urlencode({'q': text} | extra)}" for text in typed]
        found = sum(bool(service.call("GET", path)["results"]) for path in paths)
        latencies = reads.latencies(service, paths, requests)
        for name, share in reads.PERCENTILES:
            yield rows.measured(
                "search",
                f"GET /assets?q=, {what}, among {assets:,} assets, {name}",
                [rows.percentile(latencies, share) * 1000],
                "ms",
                better=Better.LESS,
                target=target if name == "p95" else None,
                note=f"{note}; {found} of {len(paths)} searches found something",
            )


def _with_a_slip(name: str, chance: random.Random) -> str:
    """The longest word of a name with two letters swapped, and half of the time the number that follows."""
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    word = max(words, key=len)
    place = chance.randrange(1, len(word) - 1)
    slip = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    number = next((part for part in words if part.isdigit()), "")
    return f"{slip} {number}" if number and chance.random() < 0.5 else slip


def _impact(service: Service, assets: int, requests: int, note: str) -> Iterator[Row]:
    root, size = _touching(service, TOUCHED)
    latencies = reads.latencies(service, [f"/assets/{root}/impact"], requests)
    for name, share in reads.PERCENTILES:
        yield rows.measured(
            "search",
            f"GET /assets/…/impact with owners, {size:,} downstream among {assets:,} assets, {name}",
            [rows.percentile(latencies, share) * 1000],
            "ms",
            better=Better.LESS,
            target=Target(value=300) if name == "p95" else None,
            note=note,
        )


def _touching(service: Service, wanted: int) -> tuple[str, int]:
    """The asset of a sample whose downstream is nearest to `wanted` assets, and how many those are."""
    with psycopg.connect(service.database_url) as database:
        sample = [
            str(uuid)
            for (uuid,) in database.execute(
                "SELECT uuid FROM lineage_asset WHERE kind = 'dataset' AND id %% %s = 1",
                [max(1, _count(database) // 100)],
            )
        ]
    sizes = {uuid: sum(service.call("GET", f"/assets/{uuid}/impact?limit=10000")["kinds"].values()) for uuid in sample}
    if not sizes:
        raise BenchError("The graph has no datasets.")
    return min(sizes.items(), key=lambda item: abs(item[1] - wanted))


def _hub(service: Service, requests: int, note: str) -> Iterator[Row]:
    root, neighbours = reads.hub(service)
    query = {"asset": root, "direction": "downstream", "depth": 1, "budget": HUB_NODES}
    latencies = reads.latencies(service, [f"/graph?{urlencode(query)}"], requests)
    for name, share in reads.PERCENTILES:
        yield rows.measured(
            "search",
            f"GET /graph at a hub of {neighbours:,} neighbours, first {HUB_NODES}, {name}",
            [rows.percentile(latencies, share) * 1000],
            "ms",
            better=Better.LESS,
            target=Target(value=400) if name == "p95" else None,
            note=note,
        )


def _count(database: psycopg.Connection[tuple[int]]) -> int:
    row = database.execute("SELECT count(*) FROM lineage_asset").fetchone()
    return row[0] if row else 0
