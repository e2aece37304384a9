"""Who maintains a team may connect outside systems for it; those who do so already are granted it."""

from django.db import migrations

# The permission is made here already where there are teams; a new database makes it after its migrations.
GRANT = """
INSERT INTO auth_permission (name, content_type_id, codename)
SELECT 'May connect outside systems for the team', id, 'manage_connections'
FROM django_content_type WHERE app_label = 'governance' AND model = 'team'
ON CONFLICT DO NOTHING;
INSERT INTO governance_teampermission (user_id, content_object_id, permission_id)
SELECT membership.user_id, membership.team_id, permission.id
FROM governance_membership membership
JOIN auth_permission permission ON permission.codename = 'manage_connections'
JOIN django_content_type kind ON kind.id = permission.content_type_id
WHERE membership.role = 'maintainer' AND kind.app_label = 'governance' AND kind.model = 'team'
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0006_classification"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.AlterModelOptions(
            name="team",
            options={
                "default_permissions": (),
                "ordering": ["slug"],
                "permissions": [
                    ("request_promotion", "May request promotions of the team's models"),
                    ("approve_promotion", "May approve promotions of the team's models"),
                    ("manage_ownership", "May change who owns the team's assets"),
                    ("manage_assets", "May tag, name and hide the team's assets"),
                    ("manage_team", "May change the team's members"),
                    ("manage_connections", "May connect outside systems for the team"),
                ],
            },
        ),
        # Going back leaves a permission that nobody asks for.
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
