from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0002_team_permissions"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="installation",
            options={
                "default_permissions": (),
                "managed": False,
                "permissions": [
                    ("manage_policies", "May publish and retire policies"),
                    ("read_audit", "May read the audit log"),
                    ("assess", "May review answers on maturity and grant exemptions"),
                    ("set_targets", "May set the levels that teams are to reach"),
                ],
            },
        ),
    ]
