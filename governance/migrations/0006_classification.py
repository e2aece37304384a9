import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0005_manage_assets"),
    ]

    operations = [
        migrations.CreateModel(
            name="Classification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asset", models.UUIDField(help_text="The asset's UUID, which outlives a rebuild of the graph.")),
                ("tier", models.CharField(blank=True, help_text="Empty while nobody has said it.", max_length=20)),
                (
                    "data_classes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                    ),
                ),
                (
                    "goals",
                    models.JSONField(
                        blank=True, default=list, help_text="The KPIs that matter and what each has to reach."
                    ),
                ),
                ("done_when", models.TextField(blank=True, default="", help_text="When the model is done, in words.")),
                ("reason", models.TextField()),
                (
                    "period",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        help_text="From (inclusive) to (exclusive); open-ended while it lasts."
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
                "indexes": [models.Index(fields=["asset"], name="classification_by_asset")],
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[("asset", "="), ("period", "&&")], name="one_classification_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tier__in", ["", "life-threatening", "high", "medium", "low"])),
                        name="tier_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("period__startswith__isnull", False), ("period__isempty", False)),
                        name="classification_has_a_start_and_a_length",
                    ),
                ],
            },
        ),
    ]
