"""What declarations amount to: edges with the time from which and until which they were declared. Pure.

Jobs declare what they read and write. People declare, of an asset, which others are the same (direction `alias`).
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime


def edges(
    rows: Sequence[tuple[int, str, datetime, str]],
) -> Iterator[tuple[int, int, str, datetime, datetime | None, datetime]]:
    """The declared edges and their validity: from the first declaration that lists an asset until one does not.

    Where another declaration of the same time always had the last word, the edge held at no time and ends where it
    begins: before the other was received it was known all the same.
    """
    sequences: dict[tuple[int, str], list[tuple[datetime, set[int]]]] = {}
    for job, direction, at, listed in rows:
        sequences.setdefault((job, direction), []).append((at, set(json.loads(listed))))
    for (job, direction), sequence in sequences.items():
        begun: dict[int, datetime] = {}
        overtaken: dict[int, datetime] = {}
        held: set[int] = set()
        for number, (at, listed_now) in enumerate(sequence):
            until, listed_next = sequence[number + 1] if number + 1 < len(sequence) else (None, set[int]())
            for asset in listed_now:
                begun.setdefault(asset, at)
            for asset in sorted(begun.keys() - listed_next):
                start = begun.pop(asset)
                if until == start:
                    overtaken[asset] = start
                    continue
                held.add(asset)
                for source, target, relation in _edges(job, direction, asset):
                    yield source, target, relation, start, until, at
        for asset in sorted(overtaken.keys() - held):
            at = overtaken[asset]
            for source, target, relation in _edges(job, direction, asset):
                yield source, target, relation, at, at, at


def _edges(job: int, direction: str, asset: int) -> list[tuple[int, int, str]]:
    match direction:
        case "input":
            return [(asset, job, "consumed")]
        case "output":
            return [(job, asset, "produced")]
        case _:
            # What is the same is walked both ways.
            return [(job, asset, "alias"), (asset, job, "alias_of")]
