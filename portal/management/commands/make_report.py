"""Make a report as PDF at the command line."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import selectors
from governance.errors import DomainError
from portal.reports import organisation, scorecard
from portal.reports.pdf import CannotPrint

# As sysexits.h has it: something that this needs is not there.
CANNOT_PRINT = 69


class Command(BaseCommand):
    help = "Write a report as PDF: the maturity scorecard of one team, or of all. Prints the path that it wrote."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("report", choices=["scorecard"])
        parser.add_argument("--team", help="the team's slug; all teams without it")
        parser.add_argument("--daily", action="store_true", help="the newest snapshot, published or not")
        parser.add_argument("--out", type=Path, required=True, help="the file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        try:
            if options["team"]:
                made = scorecard.of_team(selectors.team(options["team"]), is_daily=options["daily"])
            else:
                made = organisation.of_all(is_daily=options["daily"])
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(made)
        except CannotPrint as error:
            raise CommandError(error.message, returncode=CANNOT_PRINT) from None
        except DomainError as error:
            raise CommandError(error.message) from None
        except OSError as error:
            raise CommandError(f"--out: {out} cannot be written: {error.strerror}.") from None
        self.stdout.write(str(out.resolve()))
