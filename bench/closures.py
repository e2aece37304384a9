"""Times whole closures inside the service's own process and prints them as JSON. Run by `bench.traversal`.

    DJANGO_SETTINGS_MODULE=governance.settings python -m bench.closures --repeats 20

Each root is walked by the service's own function and by a bare recursive query over a two-column table with a
covering index, which is the floor in this database.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
django.setup()

from django.db import connection  # noqa: E402 - needs the settings

from lineage import traversal  # noqa: E402
from lineage.traversal import Direction  # noqa: E402

EVERYTHING = 1_000_000
CANDIDATES = 300
SAMPLE = 120
BARE = """
CREATE TEMPORARY TABLE bare_edge AS SELECT DISTINCT target_id AS dst, source_id AS src FROM lineage_edge
WHERE valid_to IS NULL;
CREATE UNIQUE INDEX bare_upstream ON bare_edge (dst, src);
CREATE UNIQUE INDEX bare_downstream ON bare_edge (src, dst);
"""
# Room for all of it, and pages known to be visible: else its index alone would not do.
ROOM = "SET temp_buffers = '512MB'"


def bare(root: int, direction: Direction) -> list[int]:
    """Ids of everything on one side of the root by the plainest query."""
    here, there = ("dst", "src") if direction is Direction.UPSTREAM else ("src", "dst")
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE reached (id) AS (SELECT %s::bigint UNION SELECT e.{there} FROM reached "
            f"JOIN bare_edge e ON e.{here} = reached.id) SELECT id FROM reached",
            [root],
        )
        return [row[0] for row in cursor.fetchall()]


def ours(root: int, direction: Direction) -> list[int]:
    return traversal.closure(root=root, direction=direction, limit=EVERYTHING)[0]


def timed(walk: Callable[[int, Direction], list[int]], root: int, direction: Direction) -> float:
    begun = time.perf_counter()
    walk(root, direction)
    return (time.perf_counter() - begun) * 1000


def chosen(direction: Direction) -> dict[str, tuple[int, int]]:
    """A root with a closure of middling size and the one with the largest, of a sample: (id, size) by name."""
    with connection.cursor() as cursor:
        # The hubs have the low ids, and every n-th of the others comes too.
        cursor.execute(
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS total "
            "FROM lineage_asset) AS asset WHERE n <= 50 OR n %% greatest(total / %s, 1) = 0",
            [CANDIDATES],
        )
        sample = [row[0] for row in cursor.fetchall()]
    sizes = sorted((len(ours(root, direction)), root) for root in sample)
    populated = [pair for pair in sizes if pair[0]] or sizes
    middle, largest = populated[len(populated) // 2], populated[-1]
    return {"middling": (middle[1], middle[0]), "largest": (largest[1], largest[0])}


def nearest(wanted: int) -> tuple[int, int]:
    """Of a sample the data set whose upstream is nearest to this many assets: (id, size)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS total "
            "FROM lineage_asset WHERE family = 'dataset') AS asset WHERE n %% greatest(total / %s, 1) = 0",
            [SAMPLE],
        )
        sample = [row[0] for row in cursor.fetchall()]
    sizes = [(len(ours(root, Direction.UPSTREAM)), root) for root in sample]
    size, root = min(sizes, key=lambda pair: abs(pair[0] - wanted))
    return root, size


def upstream_of(wanted: int, repeats: int) -> dict[str, Any]:
    root, size = nearest(wanted)
    own, floor = ([timed(walk, root, Direction.UPSTREAM) for _ in range(repeats)] for walk in (ours, bare))
    return {
        "root": root,
        "which": f"about {wanted:,}",
        "direction": "upstream",
        "size": size,
        "ours_ms": own,
        "bare_ms": floor,
    }


def figures(direction: Direction, repeats: int) -> list[dict[str, Any]]:
    answers = []
    for name, (root, size) in chosen(direction).items():
        walks: Sequence[Callable[[int, Direction], list[int]]] = (ours, bare)
        own, floor = ([timed(walk, root, direction) for _ in range(repeats)] for walk in walks)
        answers.append({"which": name, "direction": direction, "size": size, "ours_ms": own, "bare_ms": floor})
    return answers


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--near", type=int, nargs="*", default=[], metavar="N", help="upstream of about N assets only")
    arguments = parser.parse_args()
    with connection.cursor() as cursor:
        cursor.execute(ROOM)
        cursor.execute(BARE)
        cursor.execute("VACUUM ANALYZE bare_edge")
    answers = [upstream_of(wanted, arguments.repeats) for wanted in arguments.near] or [
        answer
        for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM)
        for answer in figures(direction, arguments.repeats)
    ]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
