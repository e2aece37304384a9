"""Daily runs of the pipelines that feed a made-up organisation's models, put straight into log and graph.

They are most of the runs, and no measure has to do with them but to pass them by. The log and the projector would take
half an hour for a million, and what they write is measured elsewhere; here each table is filled by one statement for
many models, with the rows that they would have written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg

from assessments.organisation.history import LAKE
from assessments.organisation.practice import HISTORY_DAYS, MadeUpModel
from lineage import events, identity
from lineage.identity import Family

MODELS_AT_ONCE = 500

STAGING = """
    CREATE TEMPORARY TABLE staged_model (number int PRIMARY KEY, job uuid, job_name text, namespace text, source uuid,
                                         source_name text, target uuid, target_name text) ON COMMIT DROP;
    CREATE TEMPORARY TABLE staged_run (model int, run uuid, at timestamptz, version uuid, key text) ON COMMIT DROP
"""
# In the canonical form, so that the digest is the one that the receiver would have stored.
EVENTS = """
    INSERT INTO lineage_event (digest, kind, event_time, run, sender_id, body)
    SELECT sha256(body), 'run', at, run, %(sender)s, body
    FROM staged_run r JOIN staged_model m ON m.number = r.model CROSS JOIN LATERAL (SELECT convert_to(format(
        '{"eventTime":"%%s","eventType":"COMPLETE","inputs":[{"name":"%%s","namespace":"%%s"}],'
        '"job":{"name":"%%s","namespace":"%%s"},"outputs":[{"facets":{"version":{"datasetVersion":"%%s"}},"name":"%%s",'
        '"namespace":"%%s"}],"producer":"%%s","run":{"runId":"%%s"}}',
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), source_name, %(lake)s::text, job_name, namespace,
        key, target_name, %(lake)s::text, %(producer)s::text, run), 'UTF8') AS body) b
"""
ASSETS = """
    INSERT INTO lineage_asset (uuid, family, kind, processing, namespace, name, first_seen_at, last_seen_at, shown_at,
                               known_at)
    SELECT a.uuid, a.family, a.family, '', a.namespace, a.name, min(r.at), max(r.at), min(r.at), now()
    FROM staged_model m JOIN staged_run r ON r.model = m.number
    CROSS JOIN LATERAL (VALUES (m.job, 'job', m.namespace, m.job_name),
                               (m.source, 'dataset', %(lake)s::text, m.source_name),
                               (m.target, 'dataset', %(lake)s::text, m.target_name)) a (uuid, family, namespace, name)
    GROUP BY 1, 2, 5, 6 ON CONFLICT (uuid) DO NOTHING
"""
VERSIONS = """
    INSERT INTO lineage_assetversion (uuid, asset_id, key, produced_at, seen_at, known_at)
    SELECT r.version, t.id, r.key, r.at, r.at, now()
    FROM staged_run r JOIN staged_model m ON m.number = r.model JOIN lineage_asset t ON t.uuid = m.target
"""
RUNS = """
    INSERT INTO lineage_run (uuid, external_id, job_id, state, event_types, ended_at, end_digest, first_event_at,
                             last_event_at, last_digest)
    SELECT r.run, r.run::text, j.id, 'completed', %(complete)s, r.at, e.digest, r.at, r.at, e.digest
    FROM staged_run r JOIN staged_model m ON m.number = r.model JOIN lineage_asset j ON j.uuid = m.job
    JOIN lineage_event e ON e.run = r.run
"""
READS_AND_WRITES = """
    INSERT INTO lineage_runio (run_id, direction, asset_id, version_id, first_seen_at, known_at)
    SELECT r.run, io.direction, a.id, v.id, r.at, now()
    FROM staged_run r JOIN staged_model m ON m.number = r.model
    CROSS JOIN LATERAL (VALUES ('input', m.source, NULL), ('output', m.target, r.version))
               io (direction, asset, version)
    JOIN lineage_asset a ON a.uuid = io.asset LEFT JOIN lineage_assetversion v ON v.uuid = io.version
"""
EDGES = """
    INSERT INTO lineage_edge (source_id, target_id, relation, is_declared, valid_from, last_seen_at, known_at)
    SELECT s.id, t.id, e.relation, false, r.first_at, r.last_at, now()
    FROM staged_model m
    JOIN (SELECT model, min(at) AS first_at, max(at) AS last_at FROM staged_run GROUP BY model) r ON r.model = m.number
    CROSS JOIN LATERAL (VALUES (m.source, m.job, 'consumed'), (m.job, m.target, 'produced'))
               e (source, target, relation)
    JOIN lineage_asset s ON s.uuid = e.source JOIN lineage_asset t ON t.uuid = e.target
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeding:
    """A model's pipelines, and how often they ran."""

    model: MadeUpModel
    runs: int


def write(
    database: psycopg.Connection[tuple[object, ...]],
    feedings: Sequence[Feeding],
    *,
    until: datetime,
    producer: str,
    sender: int,
) -> None:
    """The runs of all models, spread evenly over the history, many models a transaction."""
    for begin in range(0, len(feedings), MODELS_AT_ONCE):
        with database.transaction(), database.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            cursor.execute(STAGING)
            _stage(cursor, feedings[begin : begin + MODELS_AT_ONCE], until)
            cursor.execute("ANALYZE staged_run")
            said = {"lake": LAKE, "producer": producer, "sender": sender, "complete": int(events.EventType.COMPLETE)}
            for statement in (EVENTS, ASSETS, VERSIONS, RUNS, READS_AND_WRITES, EDGES):
                cursor.execute(statement, said)


def _stage(cursor: psycopg.Cursor[tuple[object, ...]], feedings: Sequence[Feeding], until: datetime) -> None:
    with cursor.copy("COPY staged_model FROM STDIN") as copy:
        for number, feeding in enumerate(feedings):
            slug, name = feeding.model.team.slug, feeding.model.name
            job, source, target = f"refresh.{name}", f"{slug}/events", f"{name}/refreshed"
            copy.write_row(
                (
                    number,
                    identity.asset(Family.JOB, slug, job),
                    job,
                    slug,
                    identity.asset(Family.DATASET, LAKE, source),
                    source,
                    identity.asset(Family.DATASET, LAKE, target),
                    target,
                )
            )
    with cursor.copy("COPY staged_run FROM STDIN") as copy:
        for number, feeding in enumerate(feedings):
            for row in _runs(feeding, until):
                copy.write_row((number, *row))


def _runs(feeding: Feeding, until: datetime) -> Iterator[tuple[UUID, datetime, UUID, str]]:
    name = feeding.model.name
    target = identity.asset(Family.DATASET, LAKE, f"{name}/refreshed")
    for number in range(feeding.runs):
        at = (until - timedelta(days=HISTORY_DAYS * (number + 1) / (feeding.runs + 1))).replace(microsecond=0)
        # By time, so that the key of no two runs of a model is the same, however many there are.
        key = f"{at:%Y%m%d%H%M%S}"
        # Past its cache: no name comes twice.
        yield events.run_uuid(f"refresh {name} {number}"), at, identity.version.__wrapped__(target, key), key
