"""What senders say of runs beyond inputs and outputs. It comes with projecting again, as in 0002."""

from django.db import migrations, models
from django.db.models import F

TABLES = (
    "lineage_word, lineage_observation, lineage_facetsighting, lineage_facetdocument, lineage_declaration, lineage_edge, "
    "lineage_runio, lineage_run, lineage_assetversion, lineage_asset"
)
PROJECT_AGAIN = f"""
TRUNCATE {TABLES};
INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event
ON CONFLICT (event_id) DO UPDATE SET error = '', is_dead = false;
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0004_words")]

    operations = [
        # Going back needs no reverse: the details go with their table.
        migrations.RunSQL(PROJECT_AGAIN, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="RunDetail",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("run", models.UUIDField()),
                (
                    "name",
                    models.CharField(help_text="What it is about, see lineage.details.Detail.", max_length=12),
                ),
                (
                    "document",
                    models.UUIDField(help_text="From the digest of the body, so that the same is told once."),
                ),
                ("body", models.JSONField()),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("last_digest", models.BinaryField(max_length=32)),
            ],
            options={
                "indexes": [models.Index(F("name"), F("last_seen_at").desc(), name="detail_by_name")],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "name", "document"), name="a_run_is_told_a_detail_once")
                ],
            },
        ),
    ]
