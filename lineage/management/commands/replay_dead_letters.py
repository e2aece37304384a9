"""Give events that could not be projected another chance."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from governance import audit
from governance.actions import Action
from lineage import projection, selectors


class Command(BaseCommand):
    help = "Project again the events that were set aside with an error, or list them with --list."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="Only show the events and their errors.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            for letter in selectors.dead_letters():
                self.stdout.write(f"{letter.pk}\t{letter.event.received_at.isoformat()}\t{letter.error}")
            return
        with transaction.atomic():
            replayed = projection.replay_dead_letters()
            if replayed:
                audit.record(
                    actor=None, action=Action.DEAD_LETTERS_REPLAYED, subject="events", detail={"events": replayed}
                )
        while projection.project():
            pass
        left = selectors.dead_letters().count()
        self.stdout.write(f"{replayed} dead letters replayed, {left} left.")
