"""End an account from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import selectors, users
from governance.errors import DomainError


class Command(BaseCommand):
    help = "End an account at once: its sessions, its password, its tokens. What it did and owns stays on record."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = selectors.user(options["username"])
            revoked = users.deactivate(actor=None, user=user)
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"The account {user.username} is not active any more; tokens revoked: {revoked}.")
