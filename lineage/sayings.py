"""Merges what senders say again and again of assets, their facets and kinds, into the tables.

Called by `lineage.projection` alone. Of the same words is kept when they were said first and last, and their tellings.
"""

from typing import Any
from uuid import UUID

import psycopg

from lineage import tellings, upserts
from lineage.translation import Batch

TABLES = ("lineage_facetsighting", "lineage_facetdocument", "lineage_assetkind")

SAID_AGAIN = f"""DO UPDATE SET {upserts.tell("f", "first_seen_at")}, {upserts.SAID_LAST}
        WHERE {upserts.tells_more("f", "first_seen_at")} OR {upserts.SAID_LATER}"""


def write(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> None:
    if batch.kinds:
        _kinds(cursor, batch, assets)
    if batch.sightings:
        _facets(cursor, batch, assets)


def _kinds(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> None:
    rows = sorted(
        (assets[asset], kind, processing, *said.last, *tellings.columns(said.seen))
        for (asset, kind, processing), said in batch.kinds.items()
    )
    cursor.execute(
        f"""
        INSERT INTO lineage_assetkind AS f (asset_id, kind, processing, last_seen_at, last_digest, first_seen_at,
                                            known_at, also_told)
        SELECT asset, kind, processing, last_seen_at, last_digest, first_seen_at, known_at, also_told::timestamptz[]
        FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::timestamptz[], %b::bytea[], %b::timestamptz[],
                    %b::timestamptz[], %b::text[])
             AS said (asset, kind, processing, last_seen_at, last_digest, first_seen_at, known_at, also_told)
        ON CONFLICT (asset_id, kind, processing) {SAID_AGAIN}
        """,
        upserts.columns(rows, 8),
    )


def _facets(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> None:
    cursor.execute("SELECT uuid FROM lineage_facetdocument WHERE uuid = ANY(%b::uuid[])", [list(batch.documents)])
    known = {row[0] for row in cursor.fetchall()}
    new = [
        (uuid, body.decode())
        for uuid, body in sorted(batch.documents.items(), key=lambda item: item[0].int)
        if uuid not in known
    ]
    if new:
        cursor.execute(
            """
            INSERT INTO lineage_facetdocument (uuid, body)
            SELECT uuid, body::jsonb FROM unnest(%b::uuid[], %b::text[]) AS said (uuid, body)
            ON CONFLICT (uuid) DO NOTHING
            """,
            upserts.columns(new, 2),
        )
    rows = sorted(
        (assets[asset], document, *said.last, *tellings.columns(said.seen))
        for (asset, document), said in batch.sightings.items()
    )
    cursor.execute(
        f"""
        INSERT INTO lineage_facetsighting AS f (asset_id, document_id, last_seen_at, last_digest, first_seen_at,
                                                known_at, also_told)
        SELECT asset, document, last_seen_at, last_digest, first_seen_at, known_at, also_told::timestamptz[]
        FROM unnest(%b::bigint[], %b::uuid[], %b::timestamptz[], %b::bytea[], %b::timestamptz[], %b::timestamptz[],
                    %b::text[]) AS said (asset, document, last_seen_at, last_digest, first_seen_at, known_at, also_told)
        ON CONFLICT (asset_id, document_id) {SAID_AGAIN}
        """,
        upserts.columns(rows, 7),
    )
