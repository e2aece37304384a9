"""Names that fold to the same, and edges between names. They come with projecting again, as in 0002."""

from django.db import migrations, models

TABLES = (
    "lineage_observation, lineage_facetsighting, lineage_facetdocument, lineage_declaration, lineage_edge, "
    "lineage_runio, lineage_run, lineage_assetversion, lineage_asset, lineage_word, lineage_rundetail, lineage_remark, "
    "lineage_fieldmapping, lineage_fieldlink, lineage_runfieldmapping, lineage_drop"
)
PROJECT_AGAIN = f"""
TRUNCATE {TABLES};
INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event
ON CONFLICT (event_id) DO UPDATE SET error = '', is_dead = false;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("lineage", "0007_fields_and_names"),
    ]

    operations = [
        # Going back needs no reverse: what was added is taken away, and the rest is the same.
        migrations.RunSQL(PROJECT_AGAIN, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="asset",
            name="folding",
            field=models.UUIDField(
                help_text="The same for names that may be of one thing, see lineage.names.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="asset",
            name="kind",
            field=models.CharField(help_text="dataset, model, job, deployment, repository or name", max_length=12),
        ),
        migrations.AlterField(
            model_name="edge",
            name="relation",
            field=models.CharField(help_text="See lineage.models.RELATIONS.", max_length=12),
        ),
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(help_text="run, job, dataset or names", max_length=10),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(fields=["folding"], name="asset_by_folding"),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                condition=models.Q(("relation__in", ["alias", "alias_of", "renamed"])),
                fields=["target", "source"],
                name="edge_of_names",
            ),
        ),
    ]
