"""Which model versions are live, and which alerts stand open about them. By what the events show now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

PRODUCTION = "production"
# An alert whose sender was not heard of for so long is nobody's any more.
ALERTS_WITHIN_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVersion:
    """A model version that a deployment serves: that of its run which was heard of last, while that run lasts.

    Of runs heard of at the same time one that lasts counts, so that a canary that ends gives way to what it was tried
    beside. `stage`: its environment.
    """

    deployment: UUID
    deployment_name: str
    model: UUID
    namespace: str
    name: str
    version: UUID
    key: str
    since: datetime
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that is not closed, about a model version. `id`: its sender's."""

    id: str
    version: UUID
    job_name: str
    severity: str
    kind: str
    opened_at: datetime


def versions() -> list[LiveVersion]:
    """All of them, by deployment. A deployment that says no environment counts as production."""
    return [
        LiveVersion(**row)
        for row in _rows(
            """
            WITH last AS (
                SELECT DISTINCT ON (d.id, m.id)
                       d.uuid AS deployment, d.name AS deployment_name, m.uuid AS model, m.namespace, m.name,
                       io.version_id, io.run_id, io.first_seen_at AS since, r.ended_at
                FROM lineage_asset d
                JOIN lineage_run r ON r.job_id = d.id
                JOIN lineage_runio io ON io.run_id = r.uuid AND io.direction = 'input' AND io.version_id IS NOT NULL
                JOIN lineage_asset m ON m.id = io.asset_id AND m.kind = 'model'
                WHERE d.kind = 'deployment'
                -- That a run ended is no word that it serves: it counts from when it began, or the end of the one
                -- before would hide the one that took its place.
                ORDER BY d.id, m.id,
                         CASE WHEN r.ended_at IS NULL THEN r.last_event_at ELSE io.first_seen_at END DESC,
                         (r.ended_at IS NULL) DESC, io.first_seen_at DESC, io.run_id
            )
            SELECT deployment, deployment_name, model, namespace, name, v.uuid AS version, v.key, since,
                   COALESCE((SELECT max(s.body ->> 'environment') FROM lineage_rundetail s
                             WHERE s.run = last.run_id AND s.name = 'deployment'), %(production)s) AS stage
            FROM last JOIN lineage_assetversion v ON v.id = last.version_id
            WHERE last.ended_at IS NULL
            ORDER BY namespace, name, v.key, deployment_name
            """,
            {"production": PRODUCTION},
        )
    ]


def open_alerts() -> list[OpenAlert]:
    """Those of the last 30 days whose newest telling does not close them, by version and time."""
    return [
        OpenAlert(**row)
        for row in _rows(
            """
            SELECT id, version, job_name, severity, kind, opened_at FROM (
                SELECT DISTINCT ON (v.uuid, e ->> 'id')
                       e ->> 'id' AS id, v.uuid AS version, j.name AS job_name,
                       COALESCE(e ->> 'severity', 'warning') AS severity, COALESCE(e ->> 'kind', '') AS kind,
                       COALESCE((e ->> 'opened_at')::timestamptz, d.first_seen_at) AS opened_at,
                       e ->> 'closed_at' AS closed_at
                FROM lineage_rundetail d
                CROSS JOIN LATERAL jsonb_array_elements(d.body -> 'alerts') e
                JOIN lineage_runio io ON io.run_id = d.run AND io.direction = 'input'
                JOIN lineage_assetversion v ON v.id = io.version_id
                JOIN lineage_run r ON r.uuid = d.run
                JOIN lineage_asset j ON j.id = r.job_id
                WHERE d.name = 'alerts' AND d.last_seen_at > now() - make_interval(days => %(days)s)
                ORDER BY v.uuid, e ->> 'id', d.last_seen_at DESC, (e ->> 'closed_at') IS NULL
            ) told WHERE closed_at IS NULL
            ORDER BY version, opened_at, id
            """,
            {"days": ALERTS_WITHIN_DAYS},
        )
    ]


def _rows(statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
