"""Write a made-up organisation, for demonstrations, benches and tests."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date

from assessments import catalogue, snapshots
from assessments.organisation import seeding
from assessments.snapshots import Kind
from governance import selectors
from governance.errors import DomainError

MONTH = timedelta(weeks=4)


class Command(BaseCommand):
    help = (
        "Write teams of different maturity with eighteen months of events, through the event log, and publish monthly"
        " snapshots of the last year. The same seed writes the same; twice changes nothing. Every page then says that"
        " data are generated. Not for an installation with data of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--teams", type=int, default=8, help="how many teams (default 8)")
        parser.add_argument("--seed", type=int, default=1, help="which organisation (default 1)")
        parser.add_argument("--until", type=day, help="the day with which the history ends (default today)")
        parser.add_argument("--months", type=int, default=12, help="how many months of snapshots (default 12)")
        parser.add_argument("--as", dest="actor", default="admin", help="the administrator who does it (default admin)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["months"] <= 17:
            raise CommandError("--months: 0 to 17.")
        try:
            written = seeding.seed(
                actor=selectors.user(options["actor"]),
                team_count=options["teams"],
                number=options["seed"],
                until=options["until"],
            )
            taken = list(self._snapshots(options["months"]))
        except DomainError as error:
            raise CommandError(error.message) from None
        except catalogue.BadCatalogue as bad:
            raise CommandError(str(bad)) from None
        self.stdout.write(
            f"{written.teams} teams, {written.models} models, {written.events['created']} events, "
            f"{written.answers} answers and {sum(taken)} snapshots are new."
        )

    def _snapshots(self, months: int) -> Any:
        """Those of the last months, the oldest first; what is published already stays."""
        monday = snapshots.week_began(timezone.now())
        for number in reversed(range(months)):
            yield len(snapshots.take(kind=Kind.PUBLISHED, as_of=monday - number * MONTH))


def day(said: str) -> datetime:
    try:
        found = parse_date(said)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    if found is None:
        raise ArgumentTypeError(f"{said!r} is not a day such as 2026-03-02")
    return datetime(found.year, found.month, found.day, tzinfo=UTC)
