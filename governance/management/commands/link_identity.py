"""Say by which names other systems know a user."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import identities, selectors
from governance.errors import DomainError


class Command(BaseCommand):
    help = "Link a login or an address to a user, or a service account to the person for whom it acts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("name", help="a login, an address, or the user name of a service account")
        parser.add_argument("--remove", action="store_true", help="take the link back")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = selectors.user(options["username"])
            if options["remove"]:
                identities.unlink(actor=None, user=user, name=options["name"])
            else:
                identities.link(actor=None, user=user, name=options["name"])
        except DomainError as error:
            raise CommandError(error.message) from None
        verb = "no longer means" if options["remove"] else "means"
        self.stdout.write(f"{options['name']} {verb} {user.username}.")
