"""Bring the database to this version of the code: roles, tables, the first account."""

import secrets
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections
from psycopg import sql

from governance import database, users
from governance.models import User

ADMINISTRATOR = "admin"


class Command(BaseCommand):
    help = "Migrate as the owner, set the application role's password, and make the account 'admin' if there is none."

    def handle(self, *args: Any, **options: Any) -> None:
        with connections["owner"].cursor() as cursor:
            self._wait_for_others(cursor)
            call_command("migrate", database="owner", interactive=False, verbosity=options["verbosity"])
            if settings.DATABASE_APP_IS_OURS:
                # The secret key it comes from may have changed since the role was made.
                password = sql.Literal(settings.DATABASES["default"]["PASSWORD"])
                cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(database.application_role(), password))
            self._administrator()
            cursor.execute("SELECT pg_advisory_unlock(hashtext('assay setup'))")

    def _wait_for_others(self, cursor: Any) -> None:
        """Two servers may start at once; the second finds everything done.

        It asks again and again: a statement that waits for the lock would be waited for by the first one's
        `CREATE INDEX CONCURRENTLY`, which is a deadlock.
        """
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext('assay setup'))")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.2)

    def _administrator(self) -> None:
        if User.objects.exists():
            return
        password = secrets.token_urlsafe(15)
        path = Path(settings.DATA_DIR) / "secrets" / "admin_password"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(password + "\n", encoding="utf-8")
        users.create(actor=None, username=ADMINISTRATOR, password=password, is_superuser=True)
        self.stdout.write(f"The account {ADMINISTRATOR!r} is made; its password stands in {path}.")
