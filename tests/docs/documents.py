"""The project's documents, read as the tests of this folder need them."""

import re
from pathlib import Path

from tests import project

DOCS = project.ROOT / "docs"
CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^( *)(`{3,})[^\n]*\n(.*?)^\1\2`*$", re.MULTILINE | re.DOTALL)
_CELLS = re.compile(r"(?<!\\)\|")


def pages() -> list[Path]:
    """What people read: every Markdown file of ours."""
    return [path for path in project.files(".md") if "vendor" not in path.parts]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without heads and rulers."""
    found: list[list[str]] = []
    for line in without_blocks(text).splitlines():
        if not line.startswith("|"):
            continue
        cells = [cell.strip().replace("\\|", "|") for cell in _CELLS.split(line)[1:-1]]
        if all(cell and set(cell) <= set("-:") for cell in cells):
            found.pop()  # The line above the ruler was the head.
        else:
            found.append(cells)
    return found


def blocks(text: str) -> list[str]:
    """The bodies of the fenced blocks."""
    return [match[3] for match in _FENCE.finditer(text)]


def without_blocks(text: str) -> str:
    return _FENCE.sub("", text)
