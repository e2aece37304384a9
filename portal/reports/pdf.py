"""From a template to a PDF: the one place that has pages printed. `printing` does it, in a process of its own."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from governance import confinement
from governance.confinement import Limits, Reason, Stopped
from governance.errors import TooLarge, Unavailable
from portal.reports.printing import MISSING

logger = logging.getLogger(__name__)
# A promotion's record has 2 to 10 pages, a team's scorecard 10, and what all reports have is printed within this.
LIMITS = Limits(memory_mib=2_048, cpu_s=55, wall_s=60, written_mib=128)
# What grows with the organisation says by how many pages. One takes a fifth of a second, on a busy machine several
# times that. Memory stays as it is, and so ends what is too long: 200 pages take 0.8 GiB.
CPU_S_A_PAGE, WALL_S_A_PAGE = 0.5, 1.0
STATIC = settings.BASE_DIR / "static"


class CannotPrint(Unavailable):
    """The machine lacks what prints pages."""

    code = "pdf_unavailable"


def render(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    attachments: Mapping[str, object] | None = None,
    more_pages: int = 0,
) -> bytes:
    """The template as PDF/A-3a, with the attachments as JSON files. Takes a second and more; touches no database.

    `more_pages`: by how many a report grows with what it is of; for each it may take longer. Raises TooLarge for a
    report that is too long to print, and CannotPrint when the machine lacks what it needs.
    """
    said = dict(context) | {"title": title, "printed_at": timezone.now()}
    html = render_to_string(template, said)
    with confinement.scratch() as folder:
        (folder / "report.html").write_text(html, encoding="utf-8")
        for name, document in (attachments or {}).items():
            (folder / name).write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
        try:
            confinement.run(
                "portal.reports.printing",
                [str(STATIC), *(attachments or {})],
                folder=folder,
                limits=replace(
                    LIMITS,
                    cpu_s=LIMITS.cpu_s + round(CPU_S_A_PAGE * more_pages),
                    wall_s=LIMITS.wall_s + WALL_S_A_PAGE * more_pages,
                ),
                readable=[STATIC],
            )
        except Stopped as stopped:
            raise _refusal(stopped) from stopped
        return (folder / "report.pdf").read_bytes()


def _refusal(stopped: Stopped) -> Exception:
    match stopped.reason:
        case Reason.MEMORY | Reason.TIME:
            return TooLarge("The report is too long to print. Read it in the portal or as JSON.")
        case Reason.FAILED if MISSING in stopped.said:
            return CannotPrint(
                "This machine lacks Pango, which prints PDF: install it (Debian and Ubuntu: apt-get install "
                "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0), then ask again."
            )
        case Reason.FAILED:
            logger.error("A report could not be printed: %s", stopped.said)
            return CannotPrint("The report could not be printed; the service's log says why.")
