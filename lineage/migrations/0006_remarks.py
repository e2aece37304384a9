"""Remarks. They come with projecting again, as in 0002."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

TABLES = (
    "lineage_observation, lineage_facetsighting, lineage_facetdocument, lineage_declaration, lineage_edge, "
    "lineage_runio, lineage_run, lineage_assetversion, lineage_asset, lineage_word, "
    "lineage_rundetail"
)
PROJECT_AGAIN = f"""
TRUNCATE {TABLES};
INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event
ON CONFLICT (event_id) DO UPDATE SET error = '', is_dead = false;
"""


def key(to: str) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=to,
    )


class Migration(migrations.Migration):
    dependencies = [("lineage", "0005_run_details")]

    operations = [
        # Going back needs no reverse: the remarks go with their table.
        migrations.RunSQL(PROJECT_AGAIN, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Remark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", models.UUIDField(null=True)),
                ("key", models.TextField()),
                ("body", models.JSONField()),
                ("said_at", models.DateTimeField()),
                ("digest", models.BinaryField(max_length=32)),
                ("asset", key("lineage.asset")),
                ("version", key("lineage.assetversion")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["run", "asset", "version", "key"], nulls_distinct=False, name="a_facet_remarks_once"
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["version", "key"], name="remark_by_version", condition=Q(version__isnull=False)
                    ),
                    models.Index(
                        fields=["asset", "key"],
                        name="remark_by_asset",
                        condition=Q(asset__isnull=False, version__isnull=True),
                    ),
                ],
            },
        ),
    ]
