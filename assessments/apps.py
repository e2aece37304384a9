from django.apps import AppConfig
from django.core import checks

from assessments.soundness import frameworks_are_sound
from policies import ports


class AssessmentsConfig(AppConfig):
    name = "assessments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models can be imported only now.
        from assessments import gates  # noqa: PLC0415

        checks.register(frameworks_are_sound)
        ports.maturity.register(gates.levels)
