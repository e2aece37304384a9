"""What a model is served with: the datasets that its deployments read."""

from uuid import UUID

from django.db import connection


def datasets(model: UUID) -> list[UUID]:
    """The datasets, the model itself and other models left out, that jobs read now which serve the model; by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (read.namespace, read.name) read.uuid
            FROM lineage_asset m
            JOIN lineage_edge used ON used.source_id = m.id AND used.relation = 'consumed' AND used.valid_to IS NULL
            JOIN lineage_asset job ON job.id = used.target_id AND job.kind = 'deployment'
            JOIN lineage_edge fed ON fed.target_id = job.id AND fed.relation = 'consumed' AND fed.valid_to IS NULL
            JOIN lineage_asset read ON read.id = fed.source_id AND read.kind = 'dataset'
            WHERE m.uuid = %s ORDER BY read.namespace, read.name
            """,
            [model],
        )
        return [row[0] for row in cursor.fetchall()]
