"""Catalogue versions, to score them side by side, and how changes reach production."""

import django.db.models.deletion
from django.db import migrations, models

from governance.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0002_initiatives"),
        ("governance", "0006_classification"),
    ]

    operations = [
        migrations.CreateModel(
            name="CatalogueVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("framework", models.CharField(max_length=80)),
                ("version", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("document", models.JSONField(help_text="All that the framework says.")),
                ("first_used_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("framework"),
                        models.OrderBy(models.F("first_used_at"), descending=True),
                        name="catalogue_by_framework",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DeliveryRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("as_of", models.DateTimeField()),
                ("is_whole", models.BooleanField(help_text="Of everything together, rather than of the team.")),
                ("document", models.JSONField()),
                (
                    "team",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="governance.team"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("as_of", "is_whole", "team"), name="a_delivery_is_recorded_once", nulls_distinct=False
                    )
                ],
            },
        ),
        AppendOnly("assessments_catalogueversion"),
        AppendOnly("assessments_deliveryrecord"),
    ]
