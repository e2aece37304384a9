"""What a model is served with: the datasets that its deployments read."""

from uuid import UUID

from django.db import connection

from lineage import identity, inputs
from lineage.asof import NOW
from lineage.identity import Family


def datasets(model: UUID) -> list[UUID]:
    """The datasets, by name, that jobs read now which serve the model by any of its names; no models among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH model AS MATERIALIZED (
                SELECT same.id FROM lineage_asset m CROSS JOIN {inputs.same("m.id", NOW)} AS same WHERE m.uuid = %s)
            SELECT DISTINCT ON (read.namespace, read.name) read.uuid
            FROM model
            JOIN lineage_edge used ON used.source_id = model.id AND used.relation = 'consumed' AND used.valid_to IS NULL
            JOIN lineage_asset job ON job.id = used.target_id AND job.kind = 'deployment'
            JOIN lineage_edge fed ON fed.target_id = job.id AND fed.relation = 'consumed' AND fed.valid_to IS NULL
            JOIN lineage_asset read ON read.id = fed.source_id AND read.kind = 'dataset'
            WHERE read.id NOT IN (SELECT id FROM model) ORDER BY read.namespace, read.name
            """,
            [model],
        )
        return [row[0] for row in cursor.fetchall()]


def version_of(namespace: str, name: str) -> tuple[str, str, str] | None:
    """Namespace, name and version of the one model version that the deployment's newest open run reads.

    None when there is none, or several: which of them answers is then not known.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT model.namespace, model.name, v.key
            FROM (SELECT r.uuid FROM lineage_asset job JOIN lineage_run r ON r.job_id = job.id
                  WHERE job.uuid = %s AND r.ended_at IS NULL
                  ORDER BY r.last_event_at DESC, r.uuid LIMIT 1) AS newest
            JOIN lineage_runio io ON io.run_id = newest.uuid AND io.direction = 'input'
            JOIN lineage_assetversion v ON v.id = io.version_id
            JOIN lineage_asset model ON model.id = io.asset_id AND model.kind = 'model'
            LIMIT 2
            """,
            [identity.asset(Family.JOB, namespace, name)],
        )
        rows = cursor.fetchall()
    return (rows[0][0], rows[0][1], rows[0][2]) if len(rows) == 1 else None
