"""Make the graph again from the event log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from tqdm import tqdm

from governance import audit
from governance.actions import Action
from lineage import projection


class Command(BaseCommand):
    help = "Empty the graph and project the whole event log again. Gates wait until it is done."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-progress", action="store_true", help="Do not draw a progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        # Only the owner of the tables may empty them, so the entry goes through the owner's connection as well.
        with transaction.atomic(using="owner"):
            total = projection.forget()
            audit.record(
                actor=None, action=Action.GRAPH_REBUILT, subject="graph", detail={"events": total}, using="owner"
            )
        with tqdm(total=total, unit="event", disable=options["no_progress"]) as bar:
            while done := projection.project():
                bar.update(done)
        self.stdout.write(f"{total} events projected.")
