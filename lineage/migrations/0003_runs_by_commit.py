from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lineage", "0002_time_travel")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=models.Q(("commit__isnull", False)), fields=["commit"], name="run_by_commit"),
        ),
    ]
