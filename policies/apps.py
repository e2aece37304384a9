from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    name = "policies"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lineage import stages  # noqa: PLC0415 - models are loaded by now, not before
        from policies import selectors  # noqa: PLC0415

        stages.tell_by(selectors.passed_to)
