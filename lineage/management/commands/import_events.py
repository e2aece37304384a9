"""Bring events from files into the log."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from tqdm import tqdm

from governance import audit
from governance.actions import Action
from governance.errors import DomainError
from lineage import eventfiles, intake
from lineage.bodies import Malformed, Piece
from lineage.eventfiles import Bookmark, Bookmarks, EventFile, Found, Place
from lineage.intake import Outcome, Status
from lineage.models import Event

STANDARD_INPUT = "-"


class Command(BaseCommand):
    help = (
        "Import OpenLineage events: JSON lines, one event, an array, or events one after the other; gzipped or not. "
        "An interrupted import goes on where it stopped; repeating one changes nothing. Exits with 1 after refusals."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="A file, or - for standard input.")
        parser.add_argument("--from-start", action="store_true", help="Do not go on where an import was interrupted.")
        parser.add_argument("--no-progress", action="store_true", help="Do not draw a progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in options["files"]:
            if name != STANDARD_INPUT and not Path(name).is_file():
                raise CommandError(f"{name} is not a file.")
        bookmarks = Bookmarks(settings.DATA_DIR / "imports")
        refused = 0
        try:
            for name in options["files"]:
                one = Import(name, bookmarks, self, has_bar=not options["no_progress"])
                refused += one.run(is_from_start=options["from_start"])
        except KeyboardInterrupt:
            raise CommandError("Interrupted. The same command goes on from here.", returncode=130) from None
        except (OperationalError, InterfaceError) as error:
            raise CommandError(f"The database cannot be reached; the same command goes on later. {error}") from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        if refused:
            raise CommandError(f"{refused} refused.")


class Import:
    """The import of one file."""

    def __init__(self, name: str, bookmarks: Bookmarks, command: BaseCommand, *, has_bar: bool) -> None:
        self.name = _readable(name)
        self.path = None if name == STANDARD_INPUT else Path(name)
        self.bookmarks = bookmarks
        self.command = command
        self.has_bar = has_bar
        self.counts: Counter[str] = Counter()
        self.refused = 0

    def run(self, *, is_from_start: bool) -> int:
        """Import, and say how many events were refused, those before an interruption included."""
        start = Place() if is_from_start else self._resume()
        with self._open() as stream:
            file = EventFile(stream, name=self.name, max_event_bytes=settings.LINEAGE_MAX_EXPANDED_BYTES)
            # How far gzip will expand is known only at its end.
            size = self.path.stat().st_size if self.path and not file.is_gzipped else None
            try:
                with tqdm(
                    total=size,
                    initial=start.offset,
                    unit="B",
                    unit_scale=True,
                    desc=self.name,
                    leave=False,
                    disable=not self.has_bar,
                ) as bar:
                    self._take(file, start, bar)
            finally:
                # What an interrupted import took stays in the log, so it is told as well.
                self._record(start)
        if self.path:
            self.bookmarks.drop(self.path)
        self.command.stdout.write(
            f"{self.name}: {self.counts[Status.CREATED]} new, {self.counts[Status.DUPLICATE]} known, "
            f"{self.refused} refused, {self.counts['warned']} with warnings."
        )
        return self.refused

    def _record(self, start: Place) -> None:
        """Tell the audit log what this run took; nothing new, no entry.

        An import commits chunk by chunk, so this comes after them. Of a run that was killed the entry of the next run
        tells by the byte where it went on.
        """
        if not self.counts[Status.CREATED]:
            return
        detail = {
            "file": _readable(str(self.path.resolve())) if self.path else self.name,
            "from_byte": start.offset,
            "new": self.counts[Status.CREATED],
            "known": self.counts[Status.DUPLICATE],
            "refused": self.counts[Status.REJECTED],
        }
        with transaction.atomic():
            audit.record(actor=None, action=Action.EVENTS_IMPORTED, subject="events", detail=detail)

    def _open(self) -> BinaryIO:
        return self.path.open("rb") if self.path else sys.stdin.buffer

    def _resume(self) -> Place:
        """Where an interrupted import of this file into this log stopped; the start, if there was none."""
        bookmark = self.bookmarks.find(self.path) if self.path else None
        # A bookmark says nothing about another database, or about one that was emptied.
        if bookmark is None or not Event.objects.filter(digest=bytes.fromhex(bookmark.last_digest)).exists():
            return Place()
        self.refused = bookmark.refused
        self.command.stderr.write(f"{self.name}: going on after byte {bookmark.place.offset:,}.")
        return bookmark.place

    def _take(self, file: EventFile, start: Place, bar: "tqdm[Any]") -> None:
        places: list[Place] = []
        head = eventfiles.head_digest(self.path) if self.path else ""
        for outcomes in intake.take(self._pieces(file.found(start), places), sender=None, now=timezone.now()):
            for outcome, place in zip(outcomes, places, strict=False):
                self._count(outcome, place, file)
            reached = places[len(outcomes) - 1]
            del places[: len(outcomes)]
            bar.update(reached.offset - bar.n)
            stored = [outcome for outcome in outcomes if outcome.digest]
            if self.path and stored:
                self.bookmarks.keep(
                    self.path,
                    Bookmark(place=reached, refused=self.refused, head=head, last_digest=stored[-1].digest.hex()),
                )

    def _pieces(self, found: Iterator[Found], places: list[Place]) -> Iterator[Piece]:
        """The pieces, with their places noted. A file that breaks off just ends: what came before is taken."""
        try:
            for one in found:
                places.append(one.place)
                yield one.piece
        except Malformed as error:
            self._refuse(self.name, error)

    def _count(self, outcome: Outcome, place: Place, file: EventFile) -> None:
        self.counts[outcome.status] += 1
        self.counts["warned"] += bool(outcome.warnings)
        if outcome.error is not None:
            at = f"{self.name}:{place.number}" if file.is_lines else f"{self.name}, event {place.number}"
            self._refuse(at, outcome.error)

    def _refuse(self, at: str, error: DomainError) -> None:
        self.refused += 1
        with tqdm.external_write_mode(file=sys.stderr):  # Takes the bar away meanwhile.
            self.command.stderr.write(f"{at}: {error.message}")


def _readable(name: str) -> str:
    """A file's name for people and the audit log: names are any bytes, and what those take is text."""
    return os.fsencode(name).decode(errors="replace")
