"""The only writer of the graph: takes events from the outbox and merges their facts into the tables.

Law: the same set of events, in any order, with repeats and in batches of any size, gives the same graph. The merges of
`lineage.translation` are repeated here against the stored rows. Rows are written in the order of their identities, so
that two projectors wait for each other instead of deadlocking.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.db import OperationalError, connections, transaction

from lineage import (
    declarations,
    events,
    fieldprojection,
    joined,
    names,
    rejections,
    sayings,
    tellings,
    upserts,
    words,
)
from lineage.translation import Batch, state_of

logger = logging.getLogger(__name__)

Fact = TypeVar("Fact")

BATCH_EVENTS = 1_000
BATCH_BYTES = 32_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One event on its way into the graph."""

    id: int
    event_time: datetime
    received_at: datetime
    digest: bytes
    body: bytes


def project(*, limit: int = BATCH_EVENTS, using: str = "default") -> int:
    """Merge up to `limit` waiting events into the graph and say how many left the outbox (dead letters included).

    Several callers may work at once: each takes rows that no other holds. Zero means that nothing is waiting, or that
    others hold all of it.
    """
    try:
        with transaction.atomic(using=using):
            pending = _take(limit, using)
            if pending:
                _merge(pending, using)
                _settle(pending, using)
            return len(pending)
    except (psycopg.OperationalError, OperationalError):
        raise  # The database's trouble, not an event's: the sweep comes again.
    except Exception:  # One of the events provokes it; the next step finds out which.
        logger.exception("A batch of events could not be projected; taking them one by one.")
    return _one_by_one(limit, using)


def _one_by_one(limit: int, using: str) -> int:
    """Find the events that cannot be projected and set them aside with the reason."""
    done = 0
    for _ in range(limit):
        with transaction.atomic(using=using):
            pending = _take(1, using)
            if not pending:
                break
            try:
                with transaction.atomic(using=using):
                    _merge(pending, using)
                _settle(pending, using)
            except (psycopg.OperationalError, OperationalError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever the event provokes must not stop those behind it
                logger.warning("Event %s is a dead letter: %s", pending[0].id, type(error).__name__)
                _bury(pending[0], error, using)
            done += 1
    return done


def _take(limit: int, using: str) -> list[Pending]:
    """Lock the oldest waiting events, at most `limit` of them and about BATCH_BYTES."""
    with _cursor(using) as cursor:
        # Not joined to the log here: the planner may then merge the two by id, and walks the whole log to get there.
        cursor.execute(
            "SELECT event_id FROM lineage_outbox WHERE NOT is_dead ORDER BY event_id LIMIT %b FOR UPDATE SKIP LOCKED",
            [limit],
        )
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return []
        cursor.execute(
            """
            SELECT id, event_time, received_at, digest, body FROM (
                SELECT *, sum(octet_length(body)) OVER (ORDER BY id) - octet_length(body) AS bytes_before
                FROM lineage_event WHERE id = ANY(%b::bigint[])
            ) AS waiting WHERE bytes_before < %b ORDER BY id
            """,
            [ids, BATCH_BYTES],
        )
        return [
            Pending(id=row[0], event_time=row[1], received_at=row[2], digest=bytes(row[3]), body=bytes(row[4]))
            for row in cursor.fetchall()
        ]


def _merge(pending: Sequence[Pending], using: str) -> None:
    batch = Batch()
    for event in pending:
        batch.add(
            events.decode(event.body),
            event_time=event.event_time,
            digest=event.digest,
            received_at=event.received_at,
        )
    with _cursor(using) as cursor:
        write(cursor, batch)


def _settle(pending: Sequence[Pending], using: str) -> None:
    with _cursor(using) as cursor:
        cursor.execute(
            "DELETE FROM lineage_outbox WHERE event_id = ANY(%b::bigint[])", [[event.id for event in pending]]
        )


def _bury(event: Pending, error: Exception, using: str) -> None:
    with _cursor(using) as cursor:
        cursor.execute(
            "UPDATE lineage_outbox SET is_dead = true, error = %b WHERE event_id = %b",
            [f"{type(error).__name__}: {error}"[:2000].replace("\0", ""), event.id],
        )


def _cursor(using: str) -> psycopg.Cursor[Any]:
    """A cursor with parameters bound by the server: Django's own sends them as text, many times slower for arrays."""
    connections[using].ensure_connection()
    return psycopg.Cursor(connections[using].connection)


def write(cursor: psycopg.Cursor[Any], batch: Batch) -> None:
    """Merge a batch into the stored graph, within the caller's transaction."""
    assets = _assets(cursor, batch)
    versions = _versions(cursor, batch, assets)
    _runs(cursor, batch, assets, versions)
    _io(cursor, batch, assets, versions)
    _edges(cursor, batch, assets)
    _declarations(cursor, batch, assets)
    sayings.write(cursor, batch, assets)
    fieldprojection.write(cursor, batch, assets)
    _said(cursor, batch, assets, versions)
    _details(cursor, batch)
    joined.write(cursor, batch, assets, versions)


def _in_order(facts: dict[UUID, Fact]) -> list[tuple[UUID, Fact]]:
    """By identity. As integers, since comparing UUIDs themselves costs more than the rest of a batch."""
    return sorted(facts.items(), key=lambda item: item[0].int)


def _assets(cursor: psycopg.Cursor[Any], batch: Batch) -> dict[UUID, int]:
    """Upsert the assets and give the id of each."""
    if not batch.assets:
        return {}
    rows = [
        (
            uuid,
            fact.family,
            fact.kind,
            fact.processing,
            fact.namespace,
            fact.name,
            fact.first_seen_at,
            fact.last_seen_at,
            fact.kind_set and fact.kind_set[0],
            fact.kind_set and fact.kind_set[1],
            names.fold(fact.family, fact.namespace, fact.name),
            *(tellings.columns(fact.shown) if fact.shown else (None, None, None)),
        )
        for uuid, fact in _in_order(batch.assets)
    ]
    cursor.execute(
        f"""
        INSERT INTO lineage_asset AS a (uuid, family, kind, processing, namespace, name, first_seen_at, last_seen_at,
                                        kind_set_at, kind_digest, folding, shown_at, known_at, also_told)
        SELECT uuid, family, kind, processing, namespace, name, first_seen_at, last_seen_at, kind_set_at, kind_digest,
               folding, shown_at, known_at, also_told::timestamptz[]
        FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
                    %b::timestamptz[], %b::timestamptz[], %b::timestamptz[], %b::bytea[], %b::uuid[],
                    %b::timestamptz[], %b::timestamptz[], %b::text[])
             AS told (uuid, family, kind, processing, namespace, name, first_seen_at, last_seen_at, kind_set_at,
                      kind_digest, folding, shown_at, known_at, also_told)
        ON CONFLICT (uuid) DO UPDATE SET
            first_seen_at = LEAST(a.first_seen_at, excluded.first_seen_at),
            last_seen_at = GREATEST(a.last_seen_at, excluded.last_seen_at),
            (kind, processing, kind_set_at, kind_digest) = (
                SELECT * FROM (VALUES
                    (excluded.kind, excluded.processing, excluded.kind_set_at, excluded.kind_digest),
                    (a.kind, a.processing, a.kind_set_at, a.kind_digest)
                ) AS said (kind, processing, at, digest)
                -- Whatever was shown by a name is more than a name.
                ORDER BY at DESC NULLS LAST, digest DESC NULLS LAST, kind = 'name' LIMIT 1),
            {upserts.tell("a", "shown_at")}
        RETURNING uuid, id, xmax = 0
        """,
        upserts.columns(rows, 14),
    )
    written = cursor.fetchall()
    # The mark of PostgreSQL for a row that was inserted and not updated.
    _words(cursor, [batch.assets[uuid].name for uuid, _, is_new in written if is_new])
    return {uuid: number for uuid, number, _ in written}


def _words(cursor: psycopg.Cursor[Any], names: list[str]) -> None:
    """Add the words of new assets."""
    found = sorted({word for name in names for word in words.of(name)})
    if found:
        cursor.execute(
            "INSERT INTO lineage_word (word) SELECT unnest(%b::text[]) ON CONFLICT (word) DO NOTHING", [found]
        )


def _versions(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> dict[UUID, int]:
    """Upsert the versions and give the id of each."""
    if not batch.versions:
        return {}
    rows = [
        (uuid, assets[fact.asset], fact.key, fact.produced_at, *tellings.columns(fact.seen))
        for uuid, fact in _in_order(batch.versions)
    ]
    columns = upserts.columns(rows, 7)
    cursor.execute(
        f"""
        INSERT INTO lineage_assetversion AS v (uuid, asset_id, key, produced_at, seen_at, known_at, also_told)
        SELECT uuid, asset, key, produced_at, seen_at, known_at, also_told::timestamptz[]
        FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
                    %b::text[]) AS seen (uuid, asset, key, produced_at, seen_at, known_at, also_told)
        ON CONFLICT (uuid) DO UPDATE SET
            produced_at = LEAST(v.produced_at, excluded.produced_at),
            {upserts.tell("v", "seen_at")}
        WHERE {upserts.tells_more("v", "seen_at")}
           OR COALESCE(v.produced_at > excluded.produced_at, excluded.produced_at IS NOT NULL)
        """,
        columns,
    )
    cursor.execute("SELECT uuid, id FROM lineage_assetversion WHERE uuid = ANY(%b::uuid[])", [columns[0]])
    return dict(cursor.fetchall())


def _runs(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int], versions: dict[UUID, int]) -> None:
    if not batch.runs:
        return
    rows = [
        (
            uuid,
            fact.external_id,
            assets[fact.job],
            fact.parent,
            fact.root,
            fact.end_state or state_of(fact.event_types),
            fact.event_types,
            fact.started_at,
            fact.end and fact.end[0],
            fact.end and fact.end[1],
            fact.first_event_at,
            fact.last[0],
            fact.last[1],
            fact.commit and versions[fact.commit],
            fact.commit_set and fact.commit_set[0],
            fact.commit_set and fact.commit_set[1],
        )
        for uuid, fact in _in_order(batch.runs)
    ]
    cursor.execute(
        """
        INSERT INTO lineage_run AS r (uuid, external_id, job_id, parent, root, state, event_types, started_at, ended_at,
            end_digest, first_event_at, last_event_at, last_digest, commit_id, commit_set_at, commit_digest)
        SELECT * FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::uuid[], %b::uuid[], %b::text[], %b::smallint[],
            %b::timestamptz[], %b::timestamptz[], %b::bytea[], %b::timestamptz[], %b::timestamptz[], %b::bytea[],
            %b::bigint[], %b::timestamptz[], %b::bytea[])
        ON CONFLICT (uuid) DO UPDATE SET
            parent = GREATEST(r.parent, excluded.parent),
            root = GREATEST(r.root, excluded.root),
            event_types = r.event_types | excluded.event_types,
            started_at = LEAST(r.started_at, excluded.started_at),
            -- A terminal state is never taken back by an event that comes late; of two the later one holds.
            (state, ended_at, end_digest) = (
                SELECT state, NULLIF(at, '-infinity'), digest FROM (VALUES
                    (excluded.state, excluded.ended_at, excluded.end_digest),
                    (r.state, r.ended_at, r.end_digest),
                    (CASE WHEN (r.event_types | excluded.event_types) & 3 <> 0 THEN 'running' ELSE 'unknown' END,
                     '-infinity', NULL)
                ) AS said (state, at, digest)
                WHERE at IS NOT NULL ORDER BY at DESC, digest DESC NULLS LAST LIMIT 1),
            first_event_at = LEAST(r.first_event_at, excluded.first_event_at),
            (job_id, last_event_at, last_digest) = (
                SELECT * FROM (VALUES
                    (excluded.job_id, excluded.last_event_at, excluded.last_digest),
                    (r.job_id, r.last_event_at, r.last_digest)
                ) AS said (job, at, digest)
                ORDER BY at DESC, digest DESC LIMIT 1),
            (commit_id, commit_set_at, commit_digest) = (
                SELECT * FROM (VALUES
                    (excluded.commit_id, excluded.commit_set_at, excluded.commit_digest),
                    (r.commit_id, r.commit_set_at, r.commit_digest)
                ) AS said (commit, at, digest)
                ORDER BY at DESC NULLS LAST, digest DESC NULLS LAST LIMIT 1)
        """,
        upserts.columns(rows, 16),
    )


def _io(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int], versions: dict[UUID, int]) -> None:
    rows = [
        (run, direction, assets[asset], version and versions[version], *tellings.columns(seen))
        for (run, direction, asset, version), seen in sorted(batch.io.items(), key=_io_order)
    ]
    if not rows:
        return
    cursor.execute(
        f"""
        INSERT INTO lineage_runio AS io (run_id, direction, asset_id, version_id, first_seen_at, known_at, also_told)
        SELECT run, direction, asset, version, first_seen_at, known_at, also_told::timestamptz[]
        FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::timestamptz[],
                    %b::text[]) AS seen (run, direction, asset, version, first_seen_at, known_at, also_told)
        ON CONFLICT (run_id, direction, asset_id, version_id) DO UPDATE SET
            joined = false,
            {upserts.tell_oneself("io", "first_seen_at")}
        WHERE io.joined OR {upserts.tells_more("io", "first_seen_at")}
        """,
        upserts.columns(rows, 7),
    )


def _io_order(item: tuple[tuple[UUID, str, UUID, UUID | None], Any]) -> tuple[int, str, int, int]:
    run, direction, asset, version = item[0]
    return run.int, direction, asset.int, version.int if version else -1


def _edges(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> None:
    rows = sorted(
        (assets[source], assets[target], relation, fact.last_seen_at, *tellings.columns(fact.seen))
        for (source, target, relation), fact in batch.edges.items()
    )
    if not rows:
        return
    cursor.execute(
        f"""
        INSERT INTO lineage_edge AS e (source_id, target_id, relation, is_declared, last_seen_at, valid_from, known_at,
                                       also_told)
        SELECT source, target, relation, false, last_seen_at, valid_from, known_at, also_told::timestamptz[]
        FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[],
                    %b::text[]) AS seen (source, target, relation, last_seen_at, valid_from, known_at, also_told)
        ON CONFLICT (source_id, target_id, relation) WHERE NOT is_declared DO UPDATE SET
            joined = false,
            last_seen_at = CASE WHEN e.joined THEN excluded.last_seen_at
                ELSE GREATEST(e.last_seen_at, excluded.last_seen_at) END,
            {upserts.tell_oneself("e", "valid_from")}
        WHERE e.joined OR e.last_seen_at < excluded.last_seen_at OR {upserts.tells_more("e", "valid_from")}
        """,
        upserts.columns(rows, 7),
    )


def _declarations(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int]) -> None:
    """Store what is declared and make the declared edges of the same jobs, or assets, anew from all of it.

    The upsert of the asset has locked its row, so no other projector declares for the same one meanwhile.
    """
    rows = [
        (
            assets[job],
            direction,
            fact.event_time,
            fact.received_at,
            digest,
            json.dumps([assets[asset] for asset in fact.assets]),
        )
        for (job, direction, digest), fact in sorted(batch.declarations.items(), key=lambda item: item[0])
    ]
    if rows:
        cursor.execute(
            """
            INSERT INTO lineage_declaration (job_id, direction, event_time, known_at, digest, assets)
            SELECT job, direction, at, known_at, digest, assets::jsonb
            FROM unnest(%b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::bytea[], %b::text[])
                 AS said (job, direction, at, known_at, digest, assets)
            ON CONFLICT (job_id, direction, digest) DO NOTHING
            """,
            upserts.columns(rows, 6),
        )
    jobs = sorted({row[0] for row in rows} | rejections.deciding(cursor, batch, assets))
    if not jobs:
        return
    cursor.execute(
        """
        DELETE FROM lineage_edge WHERE is_declared AND relation <> 'built_from'
           AND (source_id = ANY(%b::bigint[]) AND relation IN ('produced', 'alias')
                OR target_id = ANY(%b::bigint[]) AND relation IN ('consumed', 'alias_of'))
        """,
        [jobs, jobs],
    )
    cursor.execute(
        """
        SELECT job_id, direction, event_time, assets::text FROM lineage_declaration WHERE job_id = ANY(%b::bigint[])
        ORDER BY job_id, direction, event_time, digest
        """,
        [jobs],
    )
    said = cursor.fetchall()
    apart = declarations.apart(said)
    joined.settle(cursor, apart, _said)
    ends, resumed = rejections.of(cursor, apart)
    if ends:
        cursor.execute(
            """
            UPDATE lineage_edge SET valid_to = told.until
            FROM unnest(%b::bigint[], %b::timestamptz[]) AS told (edge, until) WHERE id = told.edge
            """,
            upserts.columns(ends, 2),
        )
    edges = list(declarations.edges(said, resumed))
    if edges:
        cursor.execute(
            """
            INSERT INTO lineage_edge (source_id, target_id, relation, is_declared, valid_from, valid_to, last_seen_at)
            SELECT source, target, relation, true, valid_from, valid_to, last_seen_at
            FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[])
                 AS said (source, target, relation, valid_from, valid_to, last_seen_at)
            """,
            upserts.columns(edges, 6),
        )


def _said(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int], versions: dict[UUID, int]) -> None:
    """What a batch measured and remarked."""
    _observations(cursor, batch, versions)
    _remarks(cursor, batch, assets, versions)


def _observations(cursor: psycopg.Cursor[Any], batch: Batch, versions: dict[UUID, int]) -> None:
    rows = [
        (
            versions[version],
            metric,
            segment,
            at,
            fact.value,
            fact.sample_size,
            fact.dataset and versions[fact.dataset],
            fact.run,
            *fact.reported,
        )
        for (version, metric, segment, at), fact in sorted(batch.observations.items())
    ]
    if not rows:
        return
    cursor.execute(
        """
        INSERT INTO lineage_observation AS o (version_id, metric, segment, measured_at, value, sample_size,
                                              dataset_id, run, reported_at, digest)
        SELECT * FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::timestamptz[], %b::float8[], %b::bigint[],
                             %b::bigint[], %b::uuid[], %b::timestamptz[], %b::bytea[])
        ON CONFLICT (version_id, metric, segment, measured_at) DO UPDATE SET
            value = excluded.value, sample_size = excluded.sample_size, dataset_id = excluded.dataset_id,
            run = excluded.run, reported_at = excluded.reported_at, digest = excluded.digest
        WHERE (o.reported_at, o.digest) < (excluded.reported_at, excluded.digest)
        """,
        upserts.columns(rows, 10),
    )


def _details(cursor: psycopg.Cursor[Any], batch: Batch) -> None:
    if not batch.details:
        return
    rows = [
        (run, name, document, batch.detail_bodies[document].decode(), sighting.first_seen_at, *sighting.last)
        for (run, name, document), sighting in sorted(batch.details.items())
    ]
    cursor.execute(
        f"""
        INSERT INTO lineage_rundetail AS f (run, name, document, body, first_seen_at, last_seen_at, last_digest)
        SELECT run, name, document, body::jsonb, first_seen_at, last_seen_at, last_digest
        FROM unnest(%b::uuid[], %b::text[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::bytea[])
             AS said (run, name, document, body, first_seen_at, last_seen_at, last_digest)
        ON CONFLICT (run, name, document) DO UPDATE SET
            first_seen_at = LEAST(f.first_seen_at, excluded.first_seen_at), {upserts.SAID_LAST}
        WHERE f.first_seen_at > excluded.first_seen_at OR {upserts.SAID_LATER}
        """,
        upserts.columns(rows, 7),
    )


def _remarks(cursor: psycopg.Cursor[Any], batch: Batch, assets: dict[UUID, int], versions: dict[UUID, int]) -> None:
    rows = [
        (run, asset and assets[asset], version and versions[version], key, fact.body.decode(), *fact.said)
        for (run, asset, version, key), fact in batch.remarks.items()
    ]
    if not rows:
        return
    rows.sort(key=lambda row: (str(row[0]), row[1] or 0, row[2] or 0, row[3]))
    cursor.execute(
        """
        INSERT INTO lineage_remark AS r (run, asset_id, version_id, key, body, said_at, digest)
        SELECT run, asset, version, key, body::jsonb, said_at, digest
        FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::timestamptz[], %b::bytea[])
             AS said (run, asset, version, key, body, said_at, digest)
        ON CONFLICT (run, asset_id, version_id, key) DO UPDATE SET
            body = excluded.body, said_at = excluded.said_at, digest = excluded.digest
        WHERE (r.said_at, r.digest) < (excluded.said_at, excluded.digest)
        """,
        upserts.columns(rows, 7),
    )


GRAPH_TABLES = (
    "lineage_remark",
    *fieldprojection.TABLES,
    *sayings.TABLES,
    "lineage_rundetail",
    "lineage_observation",
    "lineage_declaration",
    "lineage_edge",
    "lineage_joinedio",
    "lineage_runio",
    "lineage_run",
    "lineage_assetversion",
    "lineage_asset",
    "lineage_word",
)


def forget(*, using: str = "owner") -> int:
    """Empty the graph and put every event of the log back into the outbox, and say how many.

    Needs the owner's connection. Gates wait meanwhile: no watermark is passed until the log is projected again.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        # Projectors that hold rows finish first; none begins before this is committed.
        cursor.execute("LOCK TABLE lineage_outbox IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"TRUNCATE {', '.join(GRAPH_TABLES)}")
        cursor.execute(
            "INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event "
            "ON CONFLICT (event_id) DO UPDATE SET error = '', is_dead = false"
        )
        return int(cursor.rowcount)


def replay_dead_letters(*, using: str = "default") -> int:
    """Give every dead letter another chance, and say how many there were."""
    with _cursor(using) as cursor:
        cursor.execute("UPDATE lineage_outbox SET is_dead = false, error = '' WHERE is_dead")
        return cursor.rowcount


def backlog(*, using: str = "default") -> int:
    """How many events are taken and not yet in the graph, dead letters left out."""
    with _cursor(using) as cursor:
        cursor.execute("SELECT count(*) FROM lineage_outbox WHERE NOT is_dead")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
