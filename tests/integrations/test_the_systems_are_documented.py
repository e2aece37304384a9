"""The table of systems and their pages are made from the modules."""

import pytest

from integrations import manual, systems
from integrations.systems.base import System
from tests import project

DOCS = project.ROOT / "docs"
HOW = "Run: manage.py systems --write"


def test_the_table_is_current() -> None:
    assert (DOCS / "integrations.md").read_text(encoding="utf-8") == manual.table(), HOW


@pytest.mark.parametrize("system", systems.ALL, ids=lambda one: one.slug)
def test_the_page_is_current(system: System) -> None:
    text = (DOCS / "integrations" / f"{system.slug}.md").read_text(encoding="utf-8")

    assert text == manual.page(system, manual.by_hand(text)), HOW


def test_no_page_is_of_a_system_that_is_gone() -> None:
    assert {path.stem for path in (DOCS / "integrations").glob("*.md")} == set(systems.BY_SLUG)
