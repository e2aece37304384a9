"""Fields, tags and other names of assets. What events tell of fields comes with projecting again, as in 0002."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from governance.database import AppendOnly

TABLES = (
    "lineage_observation, lineage_facetsighting, lineage_facetdocument, lineage_declaration, lineage_edge, "
    "lineage_runio, lineage_run, lineage_assetversion, lineage_asset, lineage_word, lineage_rundetail, lineage_remark"
)
PROJECT_AGAIN = f"""
TRUNCATE {TABLES};
INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event
ON CONFLICT (event_id) DO UPDATE SET error = '', is_dead = false;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("lineage", "0006_remarks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Going back needs no reverse: what was added goes with its tables.
        migrations.RunSQL(PROJECT_AGAIN, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="FieldMapping",
            fields=[
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                ("first_seen_at", models.DateTimeField()),
                ("known_at", models.DateTimeField(help_text="When the earliest event that shows it was received.")),
                (
                    "also_told",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        help_text="Other tellings that count, as time and receipt in turn; see lineage.tellings.",
                        null=True,
                        size=None,
                    ),
                ),
                ("last_seen_at", models.DateTimeField()),
                (
                    "job",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="lineage.asset",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="field_mappings",
                        to="lineage.asset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FieldLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_field", models.TextField(blank=True)),
                ("target_field", models.TextField(blank=True)),
                ("is_direct", models.BooleanField(help_text="The value is made of it, not only which rows there are.")),
                ("is_masking", models.BooleanField(help_text="Every way in which it is made hides the value.")),
                ("transformations", models.JSONField(help_text="Type, subtype, description and masking of each.")),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="lineage.asset",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="lineage.asset",
                    ),
                ),
                (
                    "mapping",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="links",
                        to="lineage.fieldmapping",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Hiding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asset", models.UUIDField()),
                ("reason", models.TextField()),
                ("hidden_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("shown_at", models.DateTimeField(null=True)),
                (
                    "hidden_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "shown_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Naming",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asset", models.UUIDField(help_text="The smaller of the two UUIDs.")),
                ("other", models.UUIDField()),
                ("decision", models.CharField(help_text="confirmed, rejected or undone", max_length=10)),
                ("reason", models.TextField(blank=True, default="")),
                ("decided_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RunFieldMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_seen_at", models.DateTimeField()),
                ("known_at", models.DateTimeField(help_text="When the earliest event that shows it was received.")),
                (
                    "also_told",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        help_text="Other tellings that count, as time and receipt in turn; see lineage.tellings.",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "mapping",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="runs",
                        to="lineage.fieldmapping",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="field_mappings",
                        to="lineage.run",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AssetTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asset", models.UUIDField(help_text="The asset's UUID, which outlives a rebuild of the graph.")),
                (
                    "field",
                    models.TextField(
                        blank=True, default="", help_text="The path of a field; empty for the whole asset."
                    ),
                ),
                ("key", models.CharField(max_length=200)),
                ("value", models.CharField(blank=True, default="", max_length=200)),
                ("set_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "removed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "set_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["asset"], name="asset_tag_by_asset")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("asset"),
                        django.db.models.functions.text.MD5("field"),
                        models.F("key"),
                        condition=models.Q(("removed_at__isnull", True)),
                        name="a_field_has_one_value_of_a_tag",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("removed_at__isnull", True), ("removed_by__isnull", True)),
                            models.Q(("removed_at__isnull", False), ("removed_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="a_tag_is_removed_by_someone",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Drop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_time", models.DateTimeField()),
                ("known_at", models.DateTimeField(help_text="When its event was received.")),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "asset",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="drops",
                        to="lineage.asset",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("asset", "digest"), name="an_event_drops_an_asset_once")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="fieldmapping",
            index=models.Index(fields=["target", "job"], name="field_mapping_by_target"),
        ),
        migrations.AddIndex(
            model_name="fieldlink",
            index=models.Index(fields=["mapping"], name="field_link_by_mapping"),
        ),
        migrations.AddIndex(
            model_name="fieldlink",
            index=models.Index(
                models.F("target"), django.db.models.functions.text.MD5("target_field"), name="field_link_upstream"
            ),
        ),
        migrations.AddIndex(
            model_name="fieldlink",
            index=models.Index(
                models.F("source"), django.db.models.functions.text.MD5("source_field"), name="field_link_downstream"
            ),
        ),
        migrations.AddIndex(
            model_name="hiding",
            index=models.Index(fields=["asset", "hidden_at"], name="hiding_by_asset"),
        ),
        migrations.AddConstraint(
            model_name="hiding",
            constraint=models.UniqueConstraint(
                condition=models.Q(("shown_at__isnull", True)),
                fields=("asset",),
                name="an_asset_is_hidden_once_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="hiding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("shown_at__isnull", True), ("shown_by__isnull", True)),
                    models.Q(("shown_at__isnull", False), ("shown_by__isnull", False)),
                    _connector="OR",
                ),
                name="an_asset_is_shown_by_someone",
            ),
        ),
        migrations.AddIndex(
            model_name="naming",
            index=models.Index(fields=["asset", "other", "-id"], name="naming_by_pair"),
        ),
        migrations.AddIndex(
            model_name="naming",
            index=models.Index(fields=["other"], name="naming_by_other"),
        ),
        migrations.AddConstraint(
            model_name="naming",
            constraint=models.CheckConstraint(
                condition=models.Q(("asset__lt", models.F("other"))), name="a_naming_is_of_two_assets_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="naming",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ["confirmed", "rejected", "undone"])),
                name="naming_decision_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="runfieldmapping",
            index=models.Index(
                models.F("mapping"),
                models.OrderBy(models.F("first_seen_at"), descending=True),
                name="run_mapping_by_mapping",
            ),
        ),
        migrations.AddConstraint(
            model_name="runfieldmapping",
            constraint=models.UniqueConstraint(fields=("run", "mapping"), name="a_run_says_a_mapping_once"),
        ),
        AppendOnly("lineage_naming"),
    ]
