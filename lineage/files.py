"""Which model versions lie where, as their senders said in the facet `assay_modelFiles`."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from psycopg.types.json import Jsonb


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A model version, and the place that was asked for at which it lies."""

    place: tuple[str, str]
    namespace: str
    name: str
    version: str


# A place is looked up by the index on what was said; several are several lookups.
_AT = """
SELECT DISTINCT asked.namespace, asked.name, a.namespace, a.name, v.key
FROM unnest(%(namespaces)s::text[], %(names)s::text[], %(forms)s::jsonb[]) AS asked (namespace, name, form)
JOIN lineage_remark r ON r.key = 'assay_modelFiles' AND r.version_id IS NOT NULL AND r.body @> asked.form
JOIN lineage_assetversion v ON v.id = r.version_id
JOIN lineage_asset a ON a.id = v.asset_id
WHERE NOT EXISTS (SELECT FROM lineage_hiding h WHERE h.asset = a.uuid AND h.shown_at IS NULL)
ORDER BY 1, 2, 3, 4, 5
"""


def at(places: Collection[tuple[str, str]]) -> list[Placed]:
    """The visible model versions that lie at exactly one of these places (namespace and name)."""
    if not places:
        return []
    listed = sorted(places)
    with connection.cursor() as cursor:
        cursor.execute(
            _AT,
            {
                "namespaces": [namespace for namespace, _ in listed],
                "names": [name for _, name in listed],
                "forms": [Jsonb({"places": [{"namespace": one, "name": other}]}) for one, other in listed],
            },
        )
        rows = cursor.fetchall()
    return [Placed(place=(row[0], row[1]), namespace=row[2], name=row[3], version=row[4]) for row in rows]
