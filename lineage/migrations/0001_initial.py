import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from governance.database import AppendOnly


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "digest",
                    models.BinaryField(
                        help_text="SHA-256 of the masked event in canonical form.", max_length=32, unique=True
                    ),
                ),
                ("kind", models.CharField(help_text="run, job or dataset", max_length=10)),
                ("event_time", models.DateTimeField()),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("run", models.UUIDField(null=True)),
                ("body", models.BinaryField()),
                (
                    "masked",
                    models.BooleanField(db_default=False, help_text="A secret was replaced, so the bytes are ours."),
                ),
                ("warnings", models.JSONField(db_default=models.Value([], models.JSONField()))),
                (
                    "sender",
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
            name="FacetDocument",
            fields=[
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                ("body", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="Asset",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("uuid", models.UUIDField(unique=True)),
                (
                    "family",
                    models.CharField(help_text="dataset, job or repository: the space of names", max_length=12),
                ),
                (
                    "kind",
                    models.CharField(help_text="dataset, model, job, deployment or repository", max_length=12),
                ),
                (
                    "processing",
                    models.CharField(
                        blank=True, default="", help_text="batch, streaming, service or empty", max_length=12
                    ),
                ),
                ("namespace", models.TextField()),
                ("name", models.TextField()),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("kind_set_at", models.DateTimeField(null=True)),
                ("kind_digest", models.BinaryField(max_length=32, null=True)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["name"], name="asset_name_trigrams", opclasses=["gin_trgm_ops"]
                    ),
                    django.contrib.postgres.indexes.HashIndex(fields=["name"], name="asset_by_name"),
                    models.Index(fields=["kind", "id"], name="asset_by_kind"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AssetVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("uuid", models.UUIDField(unique=True)),
                ("key", models.TextField()),
                (
                    "produced_at",
                    models.DateTimeField(help_text="First event in which a run wrote it.", null=True),
                ),
                ("seen_at", models.DateTimeField(help_text="First event that names it.")),
                (
                    "asset",
                    models.ForeignKey(
                        db_index=False,
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="versions",
                        to="lineage.asset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Declaration",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("direction", models.CharField(max_length=6)),
                ("event_time", models.DateTimeField()),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "assets",
                    models.JSONField(help_text="Ids of the assets; an empty list says there are none."),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="declarations",
                        to="lineage.asset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Edge",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("relation", models.CharField(help_text="consumed, produced or built_from", max_length=12)),
                (
                    "is_declared",
                    models.BooleanField(help_text="A job event says so; otherwise a run showed it."),
                ),
                ("valid_from", models.DateTimeField()),
                ("valid_to", models.DateTimeField(help_text="Empty while the edge is current.", null=True)),
                ("last_seen_at", models.DateTimeField()),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="out_edges",
                        to="lineage.asset",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="in_edges",
                        to="lineage.asset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Outbox",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="outbox",
                        serialize=False,
                        to="lineage.event",
                    ),
                ),
                ("error", models.TextField(blank=True, db_default="")),
                (
                    "is_dead",
                    models.BooleanField(
                        db_default=False, help_text="Set aside with its error until someone replays it."
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "outbox",
            },
        ),
        migrations.CreateModel(
            name="FacetSighting",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("last_digest", models.BinaryField(max_length=32)),
                (
                    "asset",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="facet_sightings",
                        to="lineage.asset",
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="lineage.facetdocument",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("metric", models.TextField()),
                ("segment", models.TextField(blank=True, default="")),
                ("value", models.FloatField(null=True)),
                ("measured_at", models.DateTimeField()),
                ("sample_size", models.BigIntegerField(null=True)),
                ("run", models.UUIDField(null=True)),
                ("reported_at", models.DateTimeField()),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "dataset",
                    models.ForeignKey(
                        db_index=False,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="lineage.assetversion",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="observations",
                        to="lineage.assetversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                ("external_id", models.TextField(help_text="The sender's id, which need not be a UUID.")),
                ("parent", models.UUIDField(null=True)),
                ("root", models.UUIDField(null=True)),
                ("state", models.CharField(max_length=10)),
                (
                    "event_types",
                    models.SmallIntegerField(
                        help_text="Bit set of the event types seen, see lineage.events.EventType."
                    ),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("end_digest", models.BinaryField(max_length=32, null=True)),
                ("first_event_at", models.DateTimeField()),
                ("last_event_at", models.DateTimeField()),
                ("last_digest", models.BinaryField(max_length=32)),
                ("commit_set_at", models.DateTimeField(null=True)),
                ("commit_digest", models.BinaryField(max_length=32, null=True)),
                (
                    "commit",
                    models.ForeignKey(
                        db_index=False,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="lineage.assetversion",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="runs",
                        to="lineage.asset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RunIO",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("direction", models.CharField(help_text="input or output", max_length=6)),
                ("first_seen_at", models.DateTimeField()),
                (
                    "asset",
                    models.ForeignKey(
                        db_index=False,
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="io",
                        to="lineage.asset",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="io",
                        to="lineage.run",
                        db_constraint=False,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="io",
                        to="lineage.assetversion",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="assetversion",
            index=models.Index(fields=["asset", "-seen_at"], name="version_by_asset"),
        ),
        migrations.AddConstraint(
            model_name="declaration",
            constraint=models.UniqueConstraint(fields=("job", "direction", "digest"), name="a_job_event_declares_once"),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                condition=models.Q(("valid_to__isnull", True)),
                fields=["target"],
                include=("source",),
                name="edge_upstream",
            ),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(
                condition=models.Q(("valid_to__isnull", True)),
                fields=["source"],
                include=("target",),
                name="edge_downstream",
            ),
        ),
        migrations.AddConstraint(
            model_name="edge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_declared", False)),
                fields=("source", "target", "relation"),
                name="an_observed_edge_stands_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="edge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_declared", True)),
                fields=("source", "target", "relation", "valid_from"),
                name="a_declared_edge_begins_once_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="outbox",
            index=models.Index(condition=models.Q(("is_dead", True)), fields=["event"], name="outbox_dead_letters"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(condition=models.Q(("run__isnull", False)), fields=["run"], name="event_by_run"),
        ),
        migrations.AddConstraint(
            model_name="facetsighting",
            constraint=models.UniqueConstraint(fields=("asset", "document"), name="a_document_is_sighted_once"),
        ),
        migrations.AddConstraint(
            model_name="observation",
            constraint=models.UniqueConstraint(
                fields=("version", "metric", "segment", "measured_at"),
                name="a_metric_has_one_value_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("job"), models.OrderBy(models.F("last_event_at"), descending=True), name="run_by_job"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=models.Q(("parent__isnull", False)), fields=["parent"], name="run_by_parent"),
        ),
        migrations.AddIndex(
            model_name="runio",
            index=models.Index(
                models.F("asset"),
                models.F("direction"),
                models.OrderBy(models.F("first_seen_at"), descending=True),
                name="io_by_asset",
            ),
        ),
        migrations.AddConstraint(
            model_name="runio",
            constraint=models.UniqueConstraint(
                fields=("run", "direction", "asset", "version"),
                name="a_run_reads_or_writes_a_version_once",
                nulls_distinct=False,
            ),
        ),
        AppendOnly("lineage_event"),
        # The outbox is a queue: rows come and go by the thousand, so it is vacuumed by count, not by share.
        migrations.RunSQL(
            "ALTER TABLE lineage_outbox SET (autovacuum_vacuum_scale_factor = 0, "
            "autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000)",
            migrations.RunSQL.noop,
        ),
        # Room on each page for updates of times, which then touch no index.
        *[
            migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = 80)", migrations.RunSQL.noop)
            for table in ("lineage_asset", "lineage_run", "lineage_edge", "lineage_facetsighting")
        ],
    ]
