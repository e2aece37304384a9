"""The table of systems and their pages are made from the modules."""

import msgspec
import pytest

from integrations import manual, systems
from integrations.authentication import Auth
from integrations.proofs import SchemeOptions
from integrations.systems.base import Scheme, System
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


def test_every_proof_is_told_with_what_is_set_for_it() -> None:
    text = (DOCS / "connections.md").read_text(encoding="utf-8")

    kinds = msgspec.json.schema(Auth)["$defs"]["Auth"]["properties"]["kind"]["enum"]
    told = [*Scheme, *(one.name for one in msgspec.structs.fields(SchemeOptions))]
    assert [one for one in told if f"`{one}`" not in text] == []
    assert [one for one in kinds if f'"kind": "{one}"' not in text] == []


@pytest.mark.parametrize("system", systems.ALL, ids=lambda one: one.slug)
def test_the_page_tells_how_it_is_connected(system: System) -> None:
    is_connected = bool(system.schemes or system.poll or system.read_files)

    assert not is_connected or f"--system {system.slug}" in manual.page(system)
