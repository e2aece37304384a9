"""Words of names, for searches with slips of the pen. They come with projecting again, as in 0002."""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

TABLES = (
    "lineage_observation, lineage_facetsighting, lineage_facetdocument, lineage_declaration, lineage_edge, "
    "lineage_runio, lineage_run, lineage_assetversion, lineage_asset"
)
PROJECT_AGAIN = f"""
TRUNCATE {TABLES};
INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event
ON CONFLICT (event_id) DO UPDATE SET error = '', is_dead = false;
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0003_runs_by_commit")]

    operations = [
        # Going back needs no reverse: the words go with their table.
        migrations.RunSQL(PROJECT_AGAIN, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Word",
            fields=[("word", models.TextField(primary_key=True, serialize=False))],
            options={
                "indexes": [GinIndex(fields=["word"], name="word_trigrams", opclasses=["gin_trgm_ops"])],
            },
        ),
    ]
