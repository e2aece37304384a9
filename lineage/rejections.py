"""What senders told of two names that people rejected: when it ends, and when it stands again.

Reads for the projector, which holds the rows of the assets and does the writing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from lineage import declarations, upserts
from lineage.declarations import Pair, Resumed, Span
from lineage.translation import Batch


def deciding(cursor: psycopg.Cursor[Any], batch: Batch, assets: Mapping[UUID, int]) -> set[int]:
    """Of the assets that senders of the batch say are the same as others, those of which people rejected any."""
    told = [(source, target) for source, target, relation in batch.edges if relation == "alias"]
    if not told:
        return set()
    cursor.execute(
        """
        SELECT DISTINCT job_id FROM lineage_declaration
        WHERE job_id = ANY(%b::bigint[]) AND direction = 'apart' AND assets <> '[]'
        """,
        [[assets[min(pair, key=lambda asset: asset.int)] for pair in told]],
    )
    return {row[0] for row in cursor.fetchall()}


def of(
    cursor: psycopg.Cursor[Any], apart: Mapping[Pair, Sequence[Span]]
) -> tuple[list[tuple[int, datetime | None]], dict[Pair, list[Resumed]]]:
    """The ends of told edges that are not right, by their ids, and when the same of two assets stands again.

    The row with the tellings is what stood first. It is empty when the two were apart from its beginning.
    """
    if not apart:
        return [], {}
    rows = [(*pair, *ends) for pair in apart for ends in (pair, pair[::-1])]
    cursor.execute(
        """
        SELECT pair.asset, pair.other, e.id, e.valid_from, e.valid_to, e.last_seen_at
        FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]) AS pair (asset, other, source, target)
        JOIN lineage_edge e ON e.source_id = pair.source AND e.target_id = pair.target
        WHERE NOT e.is_declared AND e.relation IN ('alias', 'alias_of')
        """,
        upserts.columns(rows, 4),
    )
    ends: list[tuple[int, datetime | None]] = []
    told: dict[Pair, tuple[datetime, datetime]] = {}
    for asset, other, edge, since, until, last in cursor.fetchall():
        pair = asset, other
        end = declarations.cut(since, apart[pair])
        if end != until:
            ends.append((edge, end))
        first = told.get(pair, (since, last))
        told[pair] = min(first[0], since), max(first[1], last)
    return ends, {
        pair: [(*span, last) for span in declarations.resumed(since, apart[pair])]
        for pair, (since, last) in told.items()
    }
