"""Namespaces in order, so that a search knows them all, and the documents that hold tags."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Left


class Migration(migrations.Migration):
    # Assets and documents may be many, and what arrives meanwhile must not wait.
    atomic = False
    dependencies = [("lineage", "0008_names")]

    operations = [
        AddIndexConcurrently("asset", models.Index(Left("namespace", 200), name="asset_by_namespace")),
        AddIndexConcurrently(
            "facetdocument",
            models.Index(fields=["uuid"], name="document_with_tags", condition=models.Q(body__has_key="tags")),
        ),
        AddIndexConcurrently("facetsighting", models.Index(fields=["document"], name="sighting_by_document")),
    ]
