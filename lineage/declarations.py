"""What declarations amount to: edges with the time from which and until which they were declared. Pure.

Jobs declare what they read and write. People declare, of an asset, which others are the same (direction `alias`) and
which are not, whoever tells that they are (direction `apart`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

Row = tuple[int, str, datetime, str]
# Two assets, the one that speaks first.
Pair = tuple[int, int]
Span = tuple[datetime, datetime | None]
# When what was told stands again, and when it was told last.
Resumed = tuple[datetime, datetime | None, datetime]


def edges(
    rows: Sequence[Row], again: Mapping[Pair, Sequence[Resumed]]
) -> Iterator[tuple[int, int, str, datetime, datetime | None, datetime]]:
    """The declared edges and their validity. What people confirm while it stands `again` is no other."""
    for (job, direction), sequence in _sequences(rows).items():
        if direction == "apart":
            continue
        for asset, start, until, last in _spans(sequence):
            if direction == "alias" and any(
                since <= start and (end is None or start < end) for since, end, _ in again.get((job, asset), ())
            ):
                continue
            for source, target, relation in _edges(job, direction, asset):
                yield source, target, relation, start, until, last
    for (job, asset), spans in again.items():
        for start, until, last in spans:
            for source, target, relation in _edges(job, "alias", asset):
                yield source, target, relation, start, until, max(start, last)


def apart(rows: Sequence[Row]) -> dict[Pair, list[Span]]:
    """When people said that two assets are not the same: at no time, if another of the time had the last word."""
    found: dict[Pair, list[Span]] = {}
    for (asset, direction), sequence in _sequences(rows).items():
        if direction == "apart":
            for other, start, until, _ in _spans(sequence):
                spans = found.setdefault((asset, other), [])
                if start != until:
                    spans.append((start, until))
    return found


def cut(since: datetime, spans: Sequence[Span]) -> datetime | None:
    """When what was told `since` first ends, as two assets are apart at times: where it begins, if they are then."""
    for start, until in spans:
        if until is None or until > since:
            return max(start, since)
    return None


def resumed(since: datetime, spans: Sequence[Span]) -> list[Span]:
    """When what was told `since` stands again, after the assets were apart."""
    nexts = [*(start for start, _ in spans[1:]), None]
    return [
        (until, end)
        for (_, until), end in zip(spans, nexts, strict=False)
        if until is not None and until > since and until != end
    ]


def _sequences(rows: Sequence[Row]) -> dict[tuple[int, str], list[tuple[datetime, set[int]]]]:
    """What was listed at which time, by who declares and in which direction."""
    found: dict[tuple[int, str], list[tuple[datetime, set[int]]]] = {}
    for job, direction, at, listed in rows:
        found.setdefault((job, direction), []).append((at, set(json.loads(listed))))
    return found


def _spans(
    sequence: Sequence[tuple[datetime, set[int]]],
) -> Iterator[tuple[int, datetime, datetime | None, datetime]]:
    """Each asset from the first declaration that lists it until one does not, and the last that did.

    Where another declaration of the same time always had the last word, it held at no time and ends where it begins:
    before the other was received it was known all the same.
    """
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
            yield asset, start, until, at
    for asset in sorted(overtaken.keys() - held):
        yield asset, overtaken[asset], overtaken[asset], overtaken[asset]


def _edges(job: int, direction: str, asset: int) -> list[tuple[int, int, str]]:
    match direction:
        case "input":
            return [(asset, job, "consumed")]
        case "output":
            return [(job, asset, "produced")]
        case _:
            # What is the same is walked both ways.
            return [(job, asset, "alias"), (asset, job, "alias_of")]
