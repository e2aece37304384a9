"""From a template to a PDF: the one place that has pages printed. `printing` does it, in a process of its own."""

import logging
from collections.abc import Mapping
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
# About 200 pages with charts; a promotion's record has 2 to 10.
LIMITS = Limits(memory_mib=2_048, cpu_s=55, wall_s=60, written_mib=128)
STATIC = settings.BASE_DIR / "static"


class CannotPrint(Unavailable):
    """The machine lacks what prints pages."""

    code = "pdf_unavailable"


def render(
    template: str, context: Mapping[str, Any], *, title: str, attachments: Mapping[str, object] | None = None
) -> bytes:
    """The template as PDF/A-3a, with the attachments as JSON files. Takes a second and more; touches no database.

    Raises TooLarge for a report that is too long to print, and CannotPrint when the machine lacks what it needs.
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
                limits=LIMITS,
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
