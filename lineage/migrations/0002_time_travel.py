"""Facts know when they were told, and walks on a past day have their indexes.

The receipt of events is in the log alone, so the graph is emptied and projected again from there, by the workers and
as fast as `manage.py rebuild_graph`.
"""

import django.contrib.postgres.fields
import django.db.models.functions
from django.db import migrations, models

TABLES = (
    "lineage_observation, lineage_facetsighting, lineage_facetdocument, lineage_declaration, lineage_edge, "
    "lineage_runio, lineage_run, lineage_assetversion, lineage_asset"
)
PROJECT_AGAIN = f"""
TRUNCATE {TABLES};
INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event
ON CONFLICT (event_id) DO UPDATE SET error = '', is_dead = false;
"""

# Both take tellings flat: time, receipt, time, receipt.
MERGED = """
CREATE FUNCTION lineage_tellings(stored timestamptz[], new timestamptz[]) RETURNS timestamptz[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(moment.at ORDER BY kept.told_of, moment.place) FROM (
        SELECT told_of, received_at,
               min(received_at) OVER (ORDER BY told_of, received_at
                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS received_before
        FROM (
            SELECT told[i] AS told_of, told[i + 1] AS received_at
            FROM (SELECT stored || new) AS both_of (told), generate_series(1, cardinality(told), 2) AS i
        ) AS telling
    ) AS kept CROSS JOIN LATERAL (VALUES (1, kept.told_of), (2, kept.received_at)) AS moment (place, at)
    WHERE received_before IS NULL OR received_at < received_before
$$
"""
AS_KNOWN = """
CREATE FUNCTION lineage_as_known(
    begins timestamptz, known_at timestamptz, also_told timestamptz[], mark timestamptz
) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN known_at <= mark THEN begins ELSE (
        SELECT also_told[i] FROM generate_series(1, cardinality(also_told), 2) AS i
        WHERE also_told[i + 1] <= mark ORDER BY i LIMIT 1
    ) END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0001_initial")]

    operations = [
        # Going back needs no reverse: what was added is taken away, and the rest is the same.
        migrations.RunSQL(PROJECT_AGAIN, migrations.RunSQL.noop),
        migrations.RunSQL(MERGED, "DROP FUNCTION lineage_tellings"),
        migrations.RunSQL(AS_KNOWN, "DROP FUNCTION lineage_as_known"),
        migrations.RemoveIndex(
            model_name="assetversion",
            name="version_by_asset",
        ),
        migrations.RemoveIndex(
            model_name="edge",
            name="edge_upstream",
        ),
        migrations.RemoveIndex(
            model_name="edge",
            name="edge_downstream",
        ),
        migrations.AddField(
            model_name="assetversion",
            name="also_told",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.DateTimeField(),
                help_text="Other tellings that count, as time and receipt in turn; see lineage.tellings.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="assetversion",
            name="known_at",
            field=models.DateTimeField(default=None, help_text="When the earliest event that shows it was received."),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="declaration",
            name="known_at",
            field=models.DateTimeField(default=None, help_text="When its event was received."),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="edge",
            name="also_told",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.DateTimeField(),
                help_text="Other tellings that count, as time and receipt in turn; see lineage.tellings.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="edge",
            name="known_at",
            field=models.DateTimeField(
                help_text="When the earliest event that shows it was received. Of declared edges the declarations know.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="runio",
            name="also_told",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.DateTimeField(),
                help_text="Other tellings that count, as time and receipt in turn; see lineage.tellings.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="runio",
            name="known_at",
            field=models.DateTimeField(default=None, help_text="When the earliest event that shows it was received."),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="assetversion",
            index=models.Index(
                models.F("asset"),
                models.OrderBy(django.db.models.functions.Coalesce("produced_at", "seen_at"), descending=True),
                name="version_by_time",
            ),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                condition=models.Q(("valid_to__isnull", True)),
                fields=["target", "source"],
                include=("valid_from",),
                name="edge_upstream_now",
            ),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                condition=models.Q(("valid_to__isnull", True)),
                fields=["source", "target"],
                include=("valid_from",),
                name="edge_downstream_now",
            ),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                condition=models.Q(("valid_to__isnull", False)),
                fields=["target", "source", "valid_to"],
                include=("valid_from",),
                name="edge_upstream_closed",
            ),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                condition=models.Q(("valid_to__isnull", False)),
                fields=["source", "target", "valid_to"],
                include=("valid_from",),
                name="edge_downstream_closed",
            ),
        ),
        migrations.AddIndex(
            model_name="runio",
            index=models.Index(
                models.F("asset"),
                models.OrderBy(models.F("first_seen_at"), descending=True),
                condition=models.Q(("direction", "output"), ("version__isnull", True)),
                name="io_unnamed_outputs",
            ),
        ),
    ]
