from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0007_incidents")]

    operations = [
        migrations.RemoveConstraint(model_name="incident", name="incident_kind_is_known"),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["unapproved", "uncovered", "alert"])), name="incident_kind_is_known"
            ),
        ),
    ]
