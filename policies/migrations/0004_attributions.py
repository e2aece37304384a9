import django.db.models.functions.datetime
from django.db import migrations, models

from governance.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0003_waivers"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelAttributions",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "question",
                    models.CharField(
                        help_text="SHA-256 of the files' digests, of what was asked, and of what measured it.",
                        max_length=64,
                        unique=True,
                    ),
                ),
                ("attributions", models.JSONField()),
                ("measured_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name_plural": "model attributions",
            },
        ),
        AppendOnly("policies_modelattributions"),
    ]
