import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from governance.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EvidenceFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(help_text="SHA-256 of the file, hexadecimal.", max_length=64, unique=True)),
                ("size", models.BigIntegerField(help_text="In bytes.")),
                ("stored_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "stored_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GroupCounts",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(help_text="Of the file.", max_length=64)),
                (
                    "question",
                    models.CharField(help_text="SHA-256 of what was asked and of what measures it.", max_length=64),
                ),
                ("counts", models.JSONField()),
                ("measured_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name_plural": "group counts",
                "constraints": [
                    models.UniqueConstraint(fields=("digest", "question"), name="a_question_is_measured_once")
                ],
            },
        ),
        AppendOnly("policies_evidencefile"),
        AppendOnly("policies_groupcounts"),
    ]
