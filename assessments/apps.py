from django.apps import AppConfig
from django.core import checks

from assessments.soundness import frameworks_are_sound


class AssessmentsConfig(AppConfig):
    name = "assessments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(frameworks_are_sound)
