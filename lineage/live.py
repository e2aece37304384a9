"""Which model versions are live, and which alerts stand open about them. By what the events show now."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from lineage import identity, inputs
from lineage.asof import NOW
from lineage.identity import Kind

PRODUCTION = "production"
# An alert whose sender was not heard of for so long is nobody's any more.
ALERTS_WITHIN_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVersion:
    """A model version that a deployment serves: that of its run which was heard of last, while that run lasts.

    Of runs heard of at the same time one that lasts counts, so that a canary that ends gives way to what it was tried
    beside. `stage`: its environment. `served`: the version as the deployment names it. `others`: the same by the other
    names of the model, where it has some.
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
    served: UUID
    others: tuple["LiveVersion", ...] = ()

    @property
    def names(self) -> tuple["LiveVersion", ...]:
        """It by each of its names, its own first."""
        return (replace(self, others=()), *self.others)


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
    """All of them, by deployment. A deployment that says no environment counts as production.

    What a deployment reads by several names of one model is one, and gives way to the next by whichever name.
    """
    rows = _rows(
        f"""
        WITH last AS (
            -- That a run ended is no word that it serves: it counts from when it began, or the end of the one before
            -- would hide the one that took its place. What one run names at once is all live.
            SELECT d.id AS deployment_id, r.ended_at, io.run_id, io.asset_id, io.version_id, io.first_seen_at,
                   model.one, rank() OVER (
                       PARTITION BY d.id, model.one
                       ORDER BY CASE WHEN r.ended_at IS NULL THEN r.last_event_at ELSE io.first_seen_at END DESC,
                                (r.ended_at IS NULL) DESC, io.first_seen_at DESC, io.run_id) AS place
            FROM lineage_asset d
            JOIN lineage_run r ON r.job_id = d.id
            JOIN lineage_runio io ON io.run_id = r.uuid AND io.direction = 'input' AND io.version_id IS NOT NULL
            CROSS JOIN LATERAL (SELECT min(m.id) AS one FROM {_models("io.asset_id")} AS m) AS model
            WHERE d.kind = %(deployment)s AND model.one IS NOT NULL
        )
        SELECT d.uuid AS deployment, d.name AS deployment_name, last.one, model.uuid AS model, model.namespace,
               model.name, v.uuid AS served, v.key, last.first_seen_at AS since, model.id = last.asset_id AS is_own,
               COALESCE((SELECT max(s.body ->> 'environment') FROM lineage_rundetail s
                         WHERE s.run = last.run_id AND s.name = 'deployment'), %(production)s) AS stage
        FROM last
        JOIN lineage_asset d ON d.id = last.deployment_id
        JOIN lineage_assetversion v ON v.id = last.version_id
        CROSS JOIN {_models("last.asset_id")} AS model
        WHERE last.place = 1 AND last.ended_at IS NULL
        ORDER BY model.namespace, model.name, v.key, deployment_name
        """,
        {"deployment": Kind.DEPLOYMENT, "model": Kind.MODEL, "production": PRODUCTION},
    )
    by_thing: dict[tuple[UUID, int, str], list[dict[str, Any]]] = {}
    for row in rows:
        by_thing.setdefault((row["deployment"], row.pop("one"), row["key"]), []).append(row)
    return [_by_its_names(told) for told in by_thing.values()]


def _models(asset: str) -> str:
    """A FROM item: the rows of the models that an asset (a column of an item before it) is by any of its names."""
    return f"""LATERAL (
        SELECT m.* FROM {inputs.same(asset, NOW)} AS same
        -- Look the few up; a join would read all models for each.
        CROSS JOIN LATERAL (SELECT * FROM lineage_asset WHERE id = same.id AND kind = %(model)s OFFSET 0) AS m)"""


def _by_its_names(rows: list[dict[str, Any]]) -> LiveVersion:
    """One version by the name that the deployment reads it by (the first of several), with the others."""
    first = next((row for row in rows if row["is_own"]), rows[0])
    others = [row for row in rows if row is not first and row["served"] == first["served"]]
    one, *more = [
        LiveVersion(
            **{name: value for name, value in row.items() if name != "is_own"},
            version=identity.version(row["model"], row["key"]),
        )
        for row in (first, *others)
    ]
    return replace(one, others=tuple(more))


def open_alerts() -> list[OpenAlert]:
    """Those of the last 30 days whose newest telling, by any name of the model, does not close them, by version."""
    return [
        OpenAlert(**row)
        for row in _rows(
            f"""
            WITH told AS MATERIALIZED (
                SELECT e ->> 'id' AS id, v.uuid AS version, v.asset_id, v.key, j.name AS job_name,
                       COALESCE(e ->> 'severity', 'warning') AS severity, COALESCE(e ->> 'kind', '') AS kind,
                       COALESCE((e ->> 'opened_at')::timestamptz, d.first_seen_at) AS opened_at,
                       e ->> 'closed_at' AS closed_at, d.last_seen_at
                FROM lineage_rundetail d
                CROSS JOIN LATERAL jsonb_array_elements(d.body -> 'alerts') e
                JOIN lineage_runio io ON io.run_id = d.run AND io.direction = 'input'
                JOIN lineage_assetversion v ON v.id = io.version_id
                JOIN lineage_run r ON r.uuid = d.run
                JOIN lineage_asset j ON j.id = r.job_id
                WHERE d.name = 'alerts' AND d.last_seen_at > now() - make_interval(days => %(days)s)
            ), asset AS (
                SELECT asset.id AS asset_id, min(same.id) AS one
                FROM (SELECT DISTINCT asset_id AS id FROM told) AS asset
                CROSS JOIN {inputs.same("asset.id", NOW)} AS same GROUP BY asset.id
            )
            SELECT id, version, job_name, severity, kind, opened_at FROM (
                SELECT DISTINCT ON (one, key, id) * FROM told JOIN asset USING (asset_id)
                ORDER BY one, key, id, last_seen_at DESC, closed_at IS NULL, version
            ) newest WHERE closed_at IS NULL
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
