from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0004_attributions"),
    ]

    operations = [
        migrations.AddField(
            model_name="policyversion",
            name="note",
            field=models.TextField(blank=True, default="", help_text="Why it was changed."),
        ),
        migrations.AddField(
            model_name="promotion",
            name="policies",
            field=models.JSONField(default=list, help_text="The policies that applied, and what each asked for."),
        ),
    ]
