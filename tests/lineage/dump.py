"""The whole graph by identities instead of row ids, so that two graphs can be compared."""

from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey

QUERIES = {
    "assets": """
        SELECT uuid, family, kind, processing, namespace, name, first_seen_at, last_seen_at, kind_set_at, kind_digest,
               folding, shown_at
        FROM lineage_asset""",
    "kinds": """
        SELECT a.uuid, k.kind, k.processing, k.first_seen_at, k.last_seen_at, k.last_digest
        FROM lineage_assetkind k JOIN lineage_asset a ON a.id = k.asset_id""",
    "words": "SELECT word FROM lineage_word",
    "versions": """
        SELECT v.uuid, a.uuid, v.key, v.produced_at, v.seen_at
        FROM lineage_assetversion v JOIN lineage_asset a ON a.id = v.asset_id""",
    "runs": """
        SELECT r.uuid, r.external_id, j.uuid, r.parent, r.root, r.state, r.event_types, r.started_at,
               r.ended_at, r.end_digest, r.first_event_at, r.last_event_at, r.last_digest, c.uuid,
               r.commit_set_at, r.commit_digest
        FROM lineage_run r JOIN lineage_asset j ON j.id = r.job_id LEFT JOIN lineage_assetversion c ON c.id = r.commit_id""",
    "io": """
        SELECT io.run_id, io.direction, a.uuid, v.uuid, io.joined, io.first_seen_at
        FROM lineage_runio io JOIN lineage_asset a ON a.id = io.asset_id LEFT JOIN lineage_assetversion v ON v.id = io.version_id""",
    "joined": """
        SELECT io.run, io.direction, a.uuid, v.uuid, p.uuid, j.uuid, io.first_seen_at, io.last_seen_at
        FROM lineage_joinedio io JOIN lineage_asset a ON a.id = io.asset_id
        LEFT JOIN lineage_assetversion v ON v.id = io.version_id
        JOIN lineage_asset p ON p.id = io.place_id JOIN lineage_asset j ON j.id = io.job_id""",
    "edges": """
        SELECT s.uuid, t.uuid, e.relation, e.is_declared, e.joined, e.valid_from, e.valid_to, e.last_seen_at
        FROM lineage_edge e JOIN lineage_asset s ON s.id = e.source_id JOIN lineage_asset t ON t.id = e.target_id""",
    "declarations": """
        SELECT j.uuid, d.direction, d.event_time, d.digest,
               ARRAY(SELECT a.uuid::text FROM lineage_asset a WHERE d.assets @> to_jsonb(a.id) ORDER BY 1)
        FROM lineage_declaration d JOIN lineage_asset j ON j.id = d.job_id""",
    "documents": "SELECT uuid, body::text FROM lineage_facetdocument",
    "sightings": """
        SELECT a.uuid, f.document_id, f.first_seen_at, f.last_seen_at, f.last_digest
        FROM lineage_facetsighting f JOIN lineage_asset a ON a.id = f.asset_id""",
    "observations": """
        SELECT v.uuid, o.metric, o.segment, o.measured_at, o.value, o.sample_size, d.uuid, o.run, o.reported_at, o.digest
        FROM lineage_observation o JOIN lineage_assetversion v ON v.id = o.version_id
        LEFT JOIN lineage_assetversion d ON d.id = o.dataset_id""",
    "details": """
        SELECT run, name, document, body::text, first_seen_at, last_seen_at, last_digest FROM lineage_rundetail""",
    "remarks": """
        SELECT r.run, a.uuid, v.uuid, r.key, r.body::text, r.said_at, r.digest
        FROM lineage_remark r LEFT JOIN lineage_asset a ON a.id = r.asset_id
        LEFT JOIN lineage_assetversion v ON v.id = r.version_id""",
    "field_mappings": """
        SELECT m.uuid, t.uuid, j.uuid, m.first_seen_at, m.last_seen_at
        FROM lineage_fieldmapping m JOIN lineage_asset t ON t.id = m.target_id
        LEFT JOIN lineage_asset j ON j.id = m.job_id""",
    "field_links": """
        SELECT l.mapping_id, s.uuid, l.source_field, t.uuid, l.target_field, l.is_direct, l.is_masking,
               l.transformations::text
        FROM lineage_fieldlink l JOIN lineage_asset s ON s.id = l.source_id JOIN lineage_asset t ON t.id = l.target_id""",
    "run_field_mappings": "SELECT run_id, mapping_id, first_seen_at FROM lineage_runfieldmapping",
    "drops": """
        SELECT a.uuid, d.event_time, d.digest FROM lineage_drop d JOIN lineage_asset a ON a.id = d.asset_id""",
}


def graph() -> dict[str, list[Any]]:
    """Every row of every graph table, sorted."""
    dumped = {}
    with connection.cursor() as cursor:
        for table, query in QUERIES.items():
            cursor.execute(query)
            dumped[table] = sorted((tuple(map(_plain, row)) for row in cursor.fetchall()), key=repr)
    return dumped


def dangling() -> list[str]:
    """References of graph rows to rows that are not there: the database itself does not look (decision 0007)."""
    found = []
    for model in apps.get_app_config("lineage").get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and not field.db_constraint:  # type: ignore[attr-defined]
                there = field.related_model._default_manager.values(field.target_field.attname)
                lost = model._default_manager.exclude(**{field.attname: None}).exclude(
                    **{f"{field.attname}__in": there}
                )
                found += [f"{model.__name__} {row.pk}: {field.name}" for row in lost]
    return found


def _plain(value: Any) -> Any:
    return bytes(value).hex() if isinstance(value, memoryview) else value
