"""Django's `migrate`, which here runs as the owner of the tables or not at all."""

import gc
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

OWNER = "owner"


class Command(migrate.Command):
    help = (
        "Migrate as the owner of the tables. `manage.py setup_database` does this too, and sees to the application's "
        "role and the first account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=OWNER)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Refuse before Django's own checks, which connect and would fail with a traceback."""
        if options["database"] == DEFAULT_DB_ALIAS:
            # The router keeps that connection from making tables, yet Django would note the migrations as applied.
            raise CommandError(
                f"The connection {DEFAULT_DB_ALIAS!r} is the application's, which may not change tables. Run "
                "`manage.py setup_database`, or `manage.py migrate` without --database."
            )
        try:
            connections[options["database"]].ensure_connection()
        except OperationalError as error:
            raise CommandError(
                f"The owner of the tables cannot connect; DATABASE_URL says where and as whom. {error}"
            ) from None
        # Every step makes the models anew. Looking for garbage among them takes a fifth of the whole time.
        gc.disable()
        try:
            return super().execute(*args, **options)
        finally:
            gc.enable()
