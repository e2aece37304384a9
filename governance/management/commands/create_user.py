"""Make an account from the command line."""

import secrets
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import users
from governance.errors import DomainError
from governance.permissions import Permission


class Command(BaseCommand):
    help = (
        "Make an account. Without --service it gets a password: the first line of standard input with "
        "--password-stdin, else a random one, which is printed alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--first-name", default="")
        parser.add_argument("--last-name", default="")
        parser.add_argument("--email", default="")
        parser.add_argument("--service", action="store_true", help="a machine: holds tokens, never signs in")
        parser.add_argument("--administrator", action="store_true", help="may do everything")
        parser.add_argument(
            "--permission",
            action="append",
            default=[],
            choices=[permission.value for permission in Permission],
            help="held for everything, not only for a team; may be repeated",
        )
        parser.add_argument("--password-stdin", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        is_generated = not options["service"] and not options["password_stdin"]
        try:
            password = self._password(options, is_generated)
            users.create(
                actor=None,
                username=options["username"],
                password=password,
                first_name=options["first_name"],
                last_name=options["last_name"],
                email=options["email"],
                is_service=options["service"],
                is_superuser=options["administrator"],
                everywhere=[Permission(name) for name in options["permission"]],
            )
        except DomainError as error:
            told = "".join(f"\n{field}: {says}" for field, says in error.fields.items())
            raise CommandError(error.message + told) from None
        if is_generated and password is not None:
            self.stdout.write(password)

    @staticmethod
    def _password(options: dict[str, Any], is_generated: bool) -> str | None:
        if is_generated:
            return secrets.token_urlsafe(15)
        if options["password_stdin"]:
            return sys.stdin.readline().rstrip("\r\n")
        return None
