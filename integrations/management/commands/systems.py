"""The documentation of the systems, as a document."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import manual, systems

FOLDER = Path(settings.BASE_DIR) / "docs"


class Command(BaseCommand):
    help = "Print docs/integrations.md; with --write write it, and docs/integrations/<system>.md of each system."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("system", nargs="?", default="", help="Print the page of this system instead.")
        parser.add_argument("--write", action="store_true", help="Write the files; what was written by hand stays.")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["system"]
        if slug and slug not in systems.BY_SLUG:
            raise CommandError(f"There is no system {slug}. Known: {', '.join(sorted(systems.BY_SLUG))}.")
        if not options["write"]:
            self.stdout.write(manual.page(systems.BY_SLUG[slug]) if slug else manual.table(), ending="")
            return
        (FOLDER / "integrations.md").write_text(manual.table(), encoding="utf-8")
        (FOLDER / "integrations").mkdir(exist_ok=True)
        for system in systems.ALL:
            path = FOLDER / "integrations" / f"{system.slug}.md"
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            path.write_text(manual.page(system, manual.by_hand(before)), encoding="utf-8")
