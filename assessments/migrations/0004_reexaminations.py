"""What came of published snapshots that events came late for."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from governance.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("assessments", "0003_catalogues_and_deliveries")]

    operations = [
        migrations.CreateModel(
            name="Reexamination",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("watermark", models.BigIntegerField(help_text="Events up to this one are looked at.")),
                ("late_events", models.BigIntegerField()),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "restatement",
                    models.ForeignKey(
                        help_text="Empty: nothing came out otherwise.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="assessments.snapshot",
                    ),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reexaminations",
                        to="assessments.snapshot",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("snapshot", "watermark"), name="late_events_are_looked_at_once"),
                    models.CheckConstraint(
                        condition=models.Q(("late_events__gt", 0)), name="a_reexamination_has_late_events"
                    ),
                ],
            },
        ),
        AppendOnly("assessments_reexamination"),
    ]
