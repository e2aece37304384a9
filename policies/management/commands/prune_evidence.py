"""Remove files of evidence that nothing uses."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from policies import retention


class Command(BaseCommand):
    help = "Remove evidence that no promotion names, and parts of files that were never sent to their end."

    def add_arguments(self, parser: CommandParser) -> None:
        days = settings.EVIDENCE_UNUSED_DAYS
        parser.add_argument(
            "--older-than", type=int, default=days, metavar="DAYS", help=f"only what came before (default: {days})"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be removed, and remove nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry: bool = options["dry_run"]
        pruned = retention.prune(older_than=timedelta(days=options["older_than"]), is_dry=is_dry)
        for file in pruned.files:
            self.stdout.write(f"{file.digest} {file.size:,} bytes, sent {file.stored_at:%Y-%m-%d}")
        verb = "would be removed" if is_dry else "removed"
        rest = f"{pruned.parts} parts and {pruned.copies} copies"
        self.stdout.write(f"{len(pruned.files)} files with {pruned.bytes:,} bytes, {rest} {verb}.")
