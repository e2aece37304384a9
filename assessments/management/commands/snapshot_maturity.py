"""Take, restate or verify snapshots of maturity."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from assessments import catalogue, snapshots
from assessments.models import Snapshot
from assessments.snapshots import Kind
from governance.errors import DomainError


class Command(BaseCommand):
    help = (
        "Rate every team and model by every framework and keep the result: computed for now, or published for the"
        " Monday of this week. --verify reads the chains of snapshots instead and says what is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--publish", action="store_true", help="publish the snapshot of this week, once")
        parser.add_argument("--as-of", help="the time to rate at instead, such as 2026-03-02T00:00:00Z")
        parser.add_argument("--restate", metavar="FRAMEWORK:NUMBER", help="make a published snapshot's time again")
        parser.add_argument("--reason", default="", help="why it is restated")
        parser.add_argument("--verify", action="store_true", help="check every chain; exits 1 when one is broken")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            return self._verify()
        try:
            if options["restate"]:
                taken = [snapshots.restate(snapshot=self._named(options["restate"]), reason=options["reason"])]
            else:
                taken = snapshots.take(
                    kind=Kind.PUBLISHED if options["publish"] else Kind.COMPUTED,
                    as_of=self._time(options["as_of"], publish=options["publish"]),
                )
        except DomainError as error:
            raise CommandError(error.message) from None
        except catalogue.BadCatalogue as bad:
            raise CommandError(str(bad)) from None
        for snapshot in taken:
            count = snapshot.scorecards.count()
            self.stdout.write(f"{snapshot.framework}\t{snapshot.number}\t{snapshot.kind}\t{count}\t{snapshot.digest}")
        return None

    def _verify(self) -> None:
        broken = [
            f"{one.snapshot}: {one.problem}"
            for framework in Snapshot.objects.order_by("framework").values_list("framework", flat=True).distinct()
            for one in snapshots.verify(framework)
        ]
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"{Snapshot.objects.count()} snapshots are whole.")

    def _time(self, said: str | None, *, publish: bool) -> datetime | None:
        if said is None:
            return snapshots.week_began(timezone.now()) if publish else None
        try:
            parsed = parse_datetime(said)
        except ValueError as error:
            raise CommandError(f"--as-of: {error}") from None
        if parsed is None:
            raise CommandError(f"--as-of: {said!r} is not a time such as 2026-03-02T00:00:00Z.")
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)

    def _named(self, said: str) -> Snapshot:
        framework, _, number = said.rpartition(":")
        found = Snapshot.objects.filter(framework=framework, number=number).first() if number.isdigit() else None
        if found is None:
            known = ", ".join(catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks)
            raise CommandError(f"--restate: there is no snapshot {said!r}; frameworks are {known}.")
        return found
