"""The catalogue of checks as a document, made from their classes and case files."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from policies import manual

HEAD = """\
# Catalogue of checks

Made from the code by `manage.py checks`; a test keeps it current. The portal shows the same under Checks, the API under
`GET /api/v1/checks`. How a policy uses them: [policies](policies.md); what senders report for them:
[facets](facets.md).

A check answers pass, fail, unknown, not applicable or error. Only pass and not applicable open a gate: what is missing,
too old, of too few rows or cannot be read is unknown, and unknown is never a pass.
"""


class Command(BaseCommand):
    help = "Print docs/checks.md."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(catalogue(), ending="")


def catalogue() -> str:
    """The whole document."""
    contents = [f"| [`{page.id}`](#{_anchor(page)}) | {page.title} |" for page in manual.pages()]
    parts = [HEAD, "\n".join(["| check | asks whether |", "|---|---|", *contents]) + "\n"]
    return "\n".join([*parts, *("\n\n".join(_page(page)) + "\n" for page in manual.pages())])


def _page(page: manual.Page) -> Iterator[str]:
    yield f"## {_heading(page)}"
    yield page.question
    yield from page.about
    yield f"```yaml\n{page.example}```"
    if page.parameters:
        yield from page.about_parameters
        rows = [f"| `{one.name}` | {_cell(one.type)} | {_default(one)} |" for one in page.parameters]
        yield "\n".join(["| parameter | type | default |", "|---|---|---|", *rows])
    else:
        yield "It has no parameters."
    yield "**Reads** " + "; ".join(page.facts) + "."
    yield f"**What to do when it does not open the gate.** {page.remedy}"
    cases = [
        f"| {_cell(case.name)} | {case.outcome.replace('_', ' ')} | {_cell(case.summary)} |" for case in page.cases
    ]
    yield "\n".join(["| case | outcome | says |", "|---|---|---|", *cases])


def _heading(page: manual.Page) -> str:
    return f"`{page.id}`: {page.title}"


def _anchor(page: manual.Page) -> str:
    """The heading's name, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", _heading(page).lower()).replace(" ", "-")


def _default(parameter: manual.Parameter) -> str:
    if parameter.is_required:
        return "required"
    return f"`{parameter.default}`" if parameter.default else "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
