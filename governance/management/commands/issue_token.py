"""Issue an API token and print it alone."""

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance import selectors, tokens
from governance.errors import DomainError


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= tokens.MAX_LIFE.days:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to {tokens.MAX_LIFE.days}")
    return int(text)


class Command(BaseCommand):
    help = "Issue an API token for a user and print it, once. Only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True)
        parser.add_argument("--scope", action="append", required=True, help="may be repeated")
        parser.add_argument("--expires-days", type=_days, default=tokens.DEFAULT_LIFE.days)
        parser.add_argument("--name", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _, secret = tokens.issue(
                actor=None,
                user=selectors.user(options["user"]),
                scopes=options["scope"],
                name=options["name"],
                expires_at=timezone.now() + timedelta(days=options["expires_days"]),
            )
        except DomainError as error:
            told = "".join(f"\n{field}: {says}" for field, says in error.fields.items())
            raise CommandError(error.message + told) from None
        self.stdout.write(secret)
