"""Limits of alerts that moved between two times: whoever raises them until nothing fires is seen to have done so.

They are told with what watches a model (`assay_monitors`) or with the alerts that it raised (`assay_alerts`).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

MOVED = """
    WITH saying AS MATERIALIZED (
        -- Few details say a limit, and finding those first spares joining all that watches and alerts ever told.
        SELECT run, name, body, first_seen_at, last_seen_at FROM lineage_rundetail
        WHERE name IN ('alerts', 'monitors') AND last_seen_at > %(after)s - interval '90 days'
          AND first_seen_at <= %(until)s AND body @? '$.*[*].limit'
    ), told AS (
        SELECT m.uuid AS model, e ->> 'kind' AS kind, COALESCE(e ->> 'id', j.name) AS watched, e ->> 'limit' AS said,
               d.first_seen_at, d.last_seen_at
        FROM saying d
        CROSS JOIN LATERAL jsonb_array_elements(d.body -> d.name) e
        JOIN lineage_run r ON r.uuid = d.run
        JOIN lineage_asset j ON j.id = r.job_id
        JOIN lineage_runio io ON io.run_id = d.run AND io.direction = 'input'
        JOIN lineage_asset m ON m.id = io.asset_id AND m.kind = 'model'
        WHERE e ? 'limit'
    ), was AS (
        SELECT DISTINCT ON (model, kind, watched) model, kind, watched, said FROM told WHERE first_seen_at <= %(after)s
        ORDER BY model, kind, watched, LEAST(last_seen_at, %(after)s) DESC, first_seen_at DESC
    ), became AS (
        SELECT DISTINCT ON (model, kind, watched) model, kind, watched, said FROM told WHERE last_seen_at > %(after)s
        ORDER BY model, kind, watched, LEAST(last_seen_at, %(until)s) DESC, first_seen_at DESC
    )
    SELECT n.model, COALESCE(n.kind, ''), n.watched, w.said, n.said
    FROM became n JOIN was w ON w.model = n.model AND w.kind IS NOT DISTINCT FROM n.kind AND w.watched = n.watched
    WHERE n.said <> w.said ORDER BY n.model, n.watched
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitMoved:
    """What watches a model has another limit now."""

    model: UUID
    kind: str
    watched: str
    before: str
    after: str


def moved(after: datetime, until: datetime) -> list[LimitMoved]:
    """Those whose newest limit told by the second time is another than that of the first, told within 90 days of it."""
    with connection.cursor() as cursor:
        cursor.execute(MOVED, {"after": after, "until": until})
        return [
            LimitMoved(model=model, kind=kind, watched=watched, before=before, after=now)
            for model, kind, watched, before, now in cursor.fetchall()
        ]
