"""Bring what a system exported into the graph."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from tqdm import tqdm

from governance.errors import DomainError
from integrations import importing, systems
from integrations.models import Connection, Reading


class Command(BaseCommand):
    help = (
        "Import files that a system exported: a file, or a folder with all below it. An interrupted import goes on "
        "where it stopped; repeating one changes nothing, and leaves out what is as it was. Exits with 1 when "
        "something was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("system", metavar="SYSTEM", help="Its slug, such as dvc; manage.py systems lists them.")
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--connection", default="", help="Through this one; needed when the system has several.")
        parser.add_argument("--from-start", action="store_true", help="Take everything, also what was taken before.")
        parser.add_argument("--no-progress", action="store_true", help="Do not draw a progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        if not path.exists():
            raise CommandError(f"{path} is not there.")
        connection = find(options["system"], options["connection"])
        try:
            reading = importing.start(actor=None, connection=connection, path=path, from_start=options["from_start"])
            if reading.messages:
                self.stderr.write(f"{path}: going on after {reading.messages:,} messages.")
            with tqdm(
                initial=reading.messages, unit=" messages", desc=path.name, leave=False, disable=options["no_progress"]
            ) as bar:
                for taken in importing.run(actor=None, reading=reading, path=path):
                    bar.update(taken.messages - bar.n)
        except KeyboardInterrupt:
            raise CommandError("Interrupted. The same command goes on from here.", returncode=130) from None
        except (OperationalError, InterfaceError) as error:
            raise CommandError(f"The database cannot be reached; the same command goes on later. {error}") from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        except DomainError as refusal:
            raise CommandError(refusal.message) from None
        self._tell(path, reading)

    def _tell(self, path: Path, reading: Reading) -> None:
        for one in reading.errors:
            self.stderr.write(f"{one['where'] or path}: {one['error']}")
        said = f"{reading.messages:,} messages, {reading.events:,} events, {reading.new:,} new, "
        said += f"{reading.refused:,} refused."
        if unchanged := reading.cursor.get("unchanged"):
            said += f" {unchanged:,} were taken before and have not changed."
        self.stdout.write(f"{path}: {said}")
        if reading.refused:
            raise CommandError(f"{reading.refused:,} refused.")


def find(system: str, slug: str) -> Connection:
    """The connection of that name, or the only one of the system. Raises CommandError that says what to do."""
    if system not in systems.BY_SLUG:
        raise CommandError(f"There is no system {system}. Known: {', '.join(sorted(systems.BY_SLUG))}.")
    found = Connection.objects.filter(system=system, retired_at=None)
    found = found.filter(slug=slug) if slug else found
    listed = list(found[:10])
    if len(listed) == 1:
        return listed[0]
    if not listed:
        named = f" {slug}" if slug else ""
        raise CommandError(f"There is no connection{named} of {system}: make one with manage.py connection create.")
    raise CommandError(f"{system} has several connections; name one with --connection: {', '.join(map(str, listed))}.")
