"""Merges what events tell of fields, and of dropped datasets, into the tables. Called by `lineage.projection` alone."""

import json
from typing import Any
from uuid import UUID

import psycopg

from lineage import tellings, upserts
from lineage.translation import Batch

TABLES = ("lineage_runfieldmapping", "lineage_fieldlink", "lineage_fieldmapping", "lineage_drop")


def write(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> None:
    """Nothing is done for events that tell nothing of it, as most."""
    if batch.mappings:
        _links(cursor, batch, assets, _mappings(cursor, batch, assets))
        _runs(cursor, batch)
    if batch.drops:
        _drops(cursor, batch, assets)


def _mappings(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> list[UUID]:
    """Upsert the mappings and give those that are new."""
    rows = [
        (uuid, assets[fact.target], fact.job and assets[fact.job], fact.last_seen_at, *tellings.columns(fact.seen))
        for uuid, fact in sorted(batch.mappings.items(), key=lambda item: item[0].int)
    ]
    cursor.execute(
        f"""
        INSERT INTO lineage_fieldmapping AS m (uuid, target_id, job_id, last_seen_at, first_seen_at, known_at,
                                               also_told)
        SELECT uuid, target, job, last_seen_at, first_seen_at, known_at, also_told::timestamptz[]
        FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
                    %b::text[]) AS said (uuid, target, job, last_seen_at, first_seen_at, known_at, also_told)
        ON CONFLICT (uuid) DO UPDATE SET
            last_seen_at = GREATEST(m.last_seen_at, excluded.last_seen_at),
            {upserts.tell("m", "first_seen_at")}
        WHERE m.last_seen_at < excluded.last_seen_at OR {upserts.tells_more("m", "first_seen_at")}
        RETURNING uuid, xmax = 0
        """,
        upserts.columns(rows, 7),
    )
    # The mark of PostgreSQL for a row that was inserted and not updated.
    return [uuid for uuid, is_new in cursor.fetchall() if is_new]


def _links(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int], new: list[UUID]) -> None:
    """A mapping is named after its links, so they are written once, with it."""
    rows = [
        (
            uuid,
            assets[source],
            link.source_field,
            assets[batch.mappings[uuid].target],
            link.target_field,
            link.is_direct,
            link.is_masking,
            json.dumps([one._asdict() for one in link.transformations]),
        )
        for uuid in new
        for source, link in batch.mappings[uuid].links
    ]
    if rows:
        cursor.execute(
            """
            INSERT INTO lineage_fieldlink (mapping_id, source_id, source_field, target_id, target_field, is_direct,
                                           is_masking, transformations)
            SELECT mapping, source, source_field, target, target_field, is_direct, is_masking, transformations::jsonb
            FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::bool[], %b::bool[],
                        %b::text[]) AS said (mapping, source, source_field, target, target_field, is_direct, is_masking,
                                             transformations)
            """,
            upserts.columns(rows, 8),
        )


def _runs(cursor: psycopg.Cursor[Any], batch: Batch) -> None:
    rows = [
        (run, mapping, *tellings.columns(seen))
        for (run, mapping), seen in sorted(
            batch.run_mappings.items(), key=lambda item: (item[0][0].int, item[0][1].int)
        )
    ]
    if rows:
        cursor.execute(
            f"""
            INSERT INTO lineage_runfieldmapping AS m (run_id, mapping_id, first_seen_at, known_at, also_told)
            SELECT run, mapping, first_seen_at, known_at, also_told::timestamptz[]
            FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::timestamptz[], %b::text[])
                 AS said (run, mapping, first_seen_at, known_at, also_told)
            ON CONFLICT (run_id, mapping_id) DO UPDATE SET {upserts.tell("m", "first_seen_at")}
            WHERE {upserts.tells_more("m", "first_seen_at")}
            """,
            upserts.columns(rows, 5),
        )


def _drops(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> None:
    rows = sorted((assets[asset], at, known_at, digest) for (asset, digest), (at, known_at) in batch.drops.items())
    cursor.execute(
        """
        INSERT INTO lineage_drop (asset_id, event_time, known_at, digest)
        SELECT * FROM unnest(%b::bigint[], %b::timestamptz[], %b::timestamptz[], %b::bytea[])
        ON CONFLICT (asset_id, digest) DO NOTHING
        """,
        upserts.columns(rows, 4),
    )
