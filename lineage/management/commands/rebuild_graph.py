"""Make the graph again from the event log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from lineage import projection


class Command(BaseCommand):
    help = "Empty the graph and project the whole event log again. Gates wait until it is done."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-progress", action="store_true", help="Do not draw a progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        total = projection.forget()
        with tqdm(total=total, unit="event", disable=options["no_progress"]) as bar:
            while done := projection.project():
                bar.update(done)
        self.stdout.write(f"{total} events projected.")
