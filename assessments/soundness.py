"""What `manage.py check` says of an organisation's frameworks."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from assessments import catalogue


def frameworks_are_sound(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[checks.CheckMessage]:
    """One error for each problem in the folder that ASSAY_FRAMEWORKS names."""
    try:
        catalogue.load(settings.FRAMEWORKS_FOLDER)
    except catalogue.BadCatalogue as bad:
        return [checks.Error(problem, id="assessments.E001") for problem in bad.problems]
    return []
