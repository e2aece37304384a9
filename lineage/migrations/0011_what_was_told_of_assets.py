"""Assets, their kinds and their facets know when they were told. That comes with projecting again, as in 0002."""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
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


KNOWN_AT = "When the earliest event that shows it was received."
ALSO_TOLD = "Other tellings that count, as time and receipt in turn; see lineage.tellings."


def also_told() -> Any:
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.DateTimeField(), help_text=ALSO_TOLD, null=True, size=None
    )


class Migration(migrations.Migration):
    dependencies = [
        ("lineage", "0010_places_of_models"),
    ]

    operations = [
        # Going back needs no reverse: what was added is taken away, and the rest is the same.
        migrations.RunSQL(PROJECT_AGAIN, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="asset",
            name="shown_at",
            field=models.DateTimeField(help_text="First event that shows more of it than a name.", null=True),
        ),
        migrations.AddField(
            model_name="asset", name="known_at", field=models.DateTimeField(help_text=KNOWN_AT, null=True)
        ),
        migrations.AddField(model_name="asset", name="also_told", field=also_told()),
        migrations.AddField(
            model_name="facetsighting",
            name="known_at",
            field=models.DateTimeField(default=None, help_text=KNOWN_AT),
            preserve_default=False,
        ),
        migrations.AddField(model_name="facetsighting", name="also_told", field=also_told()),
        migrations.CreateModel(
            name="AssetKind",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=12)),
                ("processing", models.CharField(blank=True, default="", max_length=12)),
                ("first_seen_at", models.DateTimeField()),
                ("known_at", models.DateTimeField(help_text=KNOWN_AT)),
                ("also_told", also_told()),
                ("last_seen_at", models.DateTimeField()),
                ("last_digest", models.BinaryField(max_length=32)),
                (
                    "asset",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="kinds",
                        to="lineage.asset",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "asset"], name="said_kind")],
                "constraints": [
                    models.UniqueConstraint(fields=("asset", "kind", "processing"), name="an_asset_is_said_a_kind_once")
                ],
            },
        ),
    ]
