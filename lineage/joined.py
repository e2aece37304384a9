"""What runs read and wrote by names that were joined to others, and what of it holds.

Whoever translates for a system may find that a name stands for a version that another system registered. The event
then names that version, and in the facet `assay_joined` the name that was said. While people say that the two are not
the same, the run counts as having read or written what was said, of whatever day it is asked: that it was the other
was a mistake, not something that ended. Once that is undone, it counts as before.

Such rows are told apart in the tables of inputs, outputs and edges, since what the run was told to have read in its own
words as well holds whatever is decided.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from lineage import declarations, events, tellings, upserts
from lineage.declarations import Pair, Span
from lineage.tellings import Tellings
from lineage.translation import Batch

Merge = Callable[[psycopg.Cursor[Any], Batch, dict[UUID, int], dict[UUID, int]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One input or output through a join, by the ids of the rows. `place`: the name that was said."""

    run: UUID
    direction: str
    asset: int
    version: int | None
    place: int
    job: int
    seen: Tellings
    last_seen_at: datetime


def write(cursor: psycopg.Cursor[Any], batch: Batch, assets: Mapping[UUID, int], versions: Mapping[UUID, int]) -> None:
    """Store what was told through joins, and show it as far as it holds. The declarations are stored before."""
    rows = [
        Row(
            run=run,
            direction=direction,
            asset=assets[asset],
            version=None if version is None else versions[version],
            place=assets[place],
            job=assets[job],
            seen=fact.seen,
            last_seen_at=fact.last_seen_at,
        )
        for (run, direction, asset, version, place, job), fact in sorted(batch.joined.items(), key=str)
    ]
    if not rows:
        return
    cursor.execute(
        f"""
        INSERT INTO lineage_joinedio AS j (run, direction, asset_id, version_id, place_id, job_id, last_seen_at,
                                           first_seen_at, known_at, also_told)
        SELECT run, direction, asset, version, place, job, last_seen_at, first_seen_at, known_at,
               also_told::timestamptz[]
        FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::timestamptz[],
                    %b::timestamptz[], %b::timestamptz[], %b::text[])
             AS said (run, direction, asset, version, place, job, last_seen_at, first_seen_at, known_at, also_told)
        ON CONFLICT (run, direction, asset_id, version_id, place_id, job_id) DO UPDATE SET
            last_seen_at = GREATEST(j.last_seen_at, excluded.last_seen_at),
            {upserts.tell("j", "first_seen_at")}
        """,
        upserts.columns(
            (
                (
                    row.run,
                    row.direction,
                    row.asset,
                    row.version,
                    row.place,
                    row.job,
                    row.last_seen_at,
                    *tellings.columns(row.seen),
                )
                for row in rows
            ),
            10,
        ),
    )
    apart = _apart(cursor, rows)
    _show(cursor, rows, apart)
    _silence(cursor, rows, apart)


def settle(cursor: psycopg.Cursor[Any], apart: Mapping[Pair, Sequence[Span]], merge: Merge) -> None:
    """Take back what was told through names that are apart now, and tell it again where they no longer are.

    `merge` writes what a batch measured and remarked.
    """
    if not apart:
        return
    pairs = [pair for one in apart for pair in (one, one[::-1])]
    cursor.execute(
        """
        SELECT DISTINCT j.run, j.job_id
        FROM unnest(%b::bigint[], %b::bigint[]) AS pair (asset, place)
        JOIN lineage_joinedio j ON j.asset_id = pair.asset AND j.place_id = pair.place
        """,
        upserts.columns(pairs, 2),
    )
    found = cursor.fetchall()
    if not found:
        return
    ends = sorted({end for pair in pairs for end in pair})
    runs, jobs = sorted({row[0] for row in found}), sorted({row[1] for row in found})
    cursor.execute(
        "DELETE FROM lineage_runio WHERE joined AND run_id = ANY(%b::uuid[]) AND asset_id = ANY(%b::bigint[])",
        [runs, ends],
    )
    cursor.execute(
        """
        DELETE FROM lineage_edge WHERE joined
           AND (source_id = ANY(%b::bigint[]) AND target_id = ANY(%b::bigint[])
                OR source_id = ANY(%b::bigint[]) AND target_id = ANY(%b::bigint[]))
        """,
        [ends, jobs, jobs, ends],
    )
    rows = _of(cursor, runs, jobs)
    now = _apart(cursor, rows)
    _show(cursor, rows, now)
    merge(cursor, *_told_again(cursor, runs))
    _silence(cursor, rows, now)


def _of(cursor: psycopg.Cursor[Any], runs: Sequence[UUID], jobs: Sequence[int]) -> list[Row]:
    """All that is told through joins of these runs, and of others of their jobs."""
    cursor.execute(
        """
        SELECT run, direction, asset_id, version_id, place_id, job_id, last_seen_at, first_seen_at, known_at, also_told
        FROM lineage_joinedio WHERE run = ANY(%b::uuid[]) OR job_id = ANY(%b::bigint[])
        """,
        [runs, jobs],
    )
    return [
        Row(
            run=row[0],
            direction=row[1],
            asset=row[2],
            version=row[3],
            place=row[4],
            job=row[5],
            last_seen_at=row[6],
            seen=((row[7], row[8]), *zip((row[9] or ())[::2], (row[9] or ())[1::2], strict=True)),
        )
        for row in cursor.fetchall()
    ]


def _apart(cursor: psycopg.Cursor[Any], rows: Iterable[Row]) -> set[Pair]:
    """The pairs of a version's asset and the name that was said of which people say now that they are two."""
    pairs = {(row.asset, row.place) for row in rows}
    cursor.execute(
        """
        SELECT job_id, direction, event_time, assets::text FROM lineage_declaration
        WHERE job_id = ANY(%b::bigint[]) AND direction = 'apart' ORDER BY job_id, direction, event_time, digest
        """,
        [sorted({end for pair in pairs for end in pair})],
    )
    said = declarations.apart(cursor.fetchall())
    now = {pair for pair, spans in said.items() if any(until is None for _, until in spans)}
    return {pair for pair in pairs if pair in now or pair[::-1] in now}


def _show(cursor: psycopg.Cursor[Any], rows: Iterable[Row], apart: set[Pair]) -> None:
    """Inputs, outputs and edges as they hold, beside which whatever was told in other words stands."""
    io: dict[tuple[UUID, str, int, int | None], Tellings] = {}
    edges: dict[tuple[int, int, str], tuple[Tellings, datetime]] = {}
    for row in rows:
        is_apart = (row.asset, row.place) in apart
        asset, version = (row.place, None) if is_apart else (row.asset, row.version)
        _merge(io, (row.run, row.direction, asset, version), row.seen)
        edge = (asset, row.job, "consumed") if row.direction == "input" else (row.job, asset, "produced")
        seen, last = edges.get(edge, (row.seen, row.last_seen_at))
        edges[edge] = _both(seen, row.seen), max(last, row.last_seen_at)
    cursor.execute(
        f"""
        INSERT INTO lineage_runio AS io (run_id, direction, asset_id, version_id, joined, first_seen_at, known_at,
                                         also_told)
        SELECT run, direction, asset, version, true, first_seen_at, known_at, also_told::timestamptz[]
        FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::timestamptz[],
                    %b::text[]) AS seen (run, direction, asset, version, first_seen_at, known_at, also_told)
        ON CONFLICT (run_id, direction, asset_id, version_id) DO UPDATE SET {upserts.tell("io", "first_seen_at")}
        WHERE io.joined AND {upserts.tells_more("io", "first_seen_at")}
        """,
        upserts.columns(sorted(((*key, *tellings.columns(seen)) for key, seen in io.items()), key=str), 7),
    )
    cursor.execute(
        f"""
        INSERT INTO lineage_edge AS e (source_id, target_id, relation, is_declared, joined, last_seen_at, valid_from,
                                       known_at, also_told)
        SELECT source, target, relation, false, true, last_seen_at, valid_from, known_at, also_told::timestamptz[]
        FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
                    %b::text[]) AS seen (source, target, relation, last_seen_at, valid_from, known_at, also_told)
        ON CONFLICT (source_id, target_id, relation) WHERE NOT is_declared DO UPDATE SET
            last_seen_at = GREATEST(e.last_seen_at, excluded.last_seen_at),
            {upserts.tell("e", "valid_from")}
        WHERE e.joined AND (e.last_seen_at < excluded.last_seen_at OR {upserts.tells_more("e", "valid_from")})
        """,
        upserts.columns(sorted((*key, last, *tellings.columns(seen)) for key, (seen, last) in edges.items()), 7),
    )


def _merge(io: dict[tuple[UUID, str, int, int | None], Tellings], key: Any, seen: Tellings) -> None:
    io[key] = _both(io.get(key, seen), seen)


def _both(left: Tellings, right: Tellings) -> Tellings:
    for telling in right:
        left = tellings.add(left, telling)
    return left


def _silence(cursor: psycopg.Cursor[Any], rows: Iterable[Row], apart: set[Pair]) -> None:
    """What a run said of a version that it did not mean is nothing that is known of the version."""
    mistaken = sorted(
        {(row.run, row.asset, row.version) for row in rows if row.version and (row.asset, row.place) in apart}, key=str
    )
    if not mistaken:
        return
    cursor.execute(
        """
        DELETE FROM lineage_observation o
        USING unnest(%b::uuid[], %b::bigint[], %b::bigint[]) AS m (run, asset, version)
        WHERE o.run = m.run AND o.version_id = m.version
        """,
        upserts.columns(mistaken, 3),
    )
    cursor.execute(
        """
        DELETE FROM lineage_remark r
        USING unnest(%b::uuid[], %b::bigint[], %b::bigint[]) AS m (run, asset, version)
        WHERE r.run = m.run AND r.asset_id = m.asset AND r.version_id = m.version
        """,
        upserts.columns(mistaken, 3),
    )


def _told_again(cursor: psycopg.Cursor[Any], runs: Sequence[UUID]) -> tuple[Batch, dict[UUID, int], dict[UUID, int]]:
    """What the events of these runs say that stand in the graph, with the ids of assets and versions."""
    cursor.execute(
        """
        SELECT event_time, received_at, digest, body FROM lineage_event e
        WHERE run = ANY(%b::uuid[])
          AND NOT EXISTS (SELECT FROM lineage_outbox waiting WHERE waiting.event_id = e.id)
        """,
        [runs],
    )
    batch = Batch()
    for at, received_at, digest, body in cursor.fetchall():
        batch.add(events.decode(bytes(body)), event_time=at, received_at=received_at, digest=bytes(digest))
    found = []
    for table, uuids in (("lineage_asset", batch.assets), ("lineage_assetversion", batch.versions)):
        cursor.execute(f"SELECT uuid, id FROM {table} WHERE uuid = ANY(%b::uuid[])", [list(uuids)])
        found.append(dict(cursor.fetchall()))
    return batch, found[0], found[1]
