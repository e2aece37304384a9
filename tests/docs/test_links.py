"""Links and pictures of the documents lead somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests import project
from tests.docs import documents

LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+ +(.*?)#*$", re.MULTILINE)
ELSEWHERE = ("http://", "https://", "mailto:")


def links(page: Path) -> list[str]:
    """Where the page's links and pictures lead, those in code left out."""
    text = documents.CODE.sub("", documents.without_blocks(page.read_text(encoding="utf-8")))
    return [target for target in LINK.findall(text) if not target.startswith(ELSEWHERE)]


def anchors(page: Path) -> set[str]:
    """The headings' names, as GitHub makes them."""
    text = documents.without_blocks(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def is_found(page: Path, target: str) -> bool:
    path, _, anchor = unquote(target).partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists() or not file.is_relative_to(project.ROOT):
        return False
    return not anchor or anchor in anchors(file)


@pytest.mark.parametrize("page", documents.pages(), ids=project.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [target for target in links(page) if not is_found(page, target)] == []


def test_the_readme_leads_to_every_page_of_the_documents() -> None:
    readme = project.ROOT / "README.md"
    linked = {(readme.parent / target).resolve() for target in links(readme)}
    pages = [page for page in documents.pages() if page.parent == documents.DOCS]

    assert [project.name(page) for page in pages if page not in linked] == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    page = documents.DOCS / "decisions" / "0000-about.md"

    assert is_found(page, "../configuration.md#the-command-assay")
    assert is_found(page, "#decisions")
    for dead in ("../nothing.md", "../configuration.md#nothing", "#nothing", "../../../outside.md"):
        assert not is_found(page, dead)
