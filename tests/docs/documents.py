"""The project's documents, read as the tests of this folder need them."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^( *)(`{3,})[^\n]*\n(.*?)^\1\2`*$", re.MULTILINE | re.DOTALL)
_CELLS = re.compile(r"(?<!\\)\|")


def files(*endings: str) -> list[Path]:
    """The files of the project, without what .gitignore names. Asks no git: a copy of the files can be tested too."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    return [path for path in _walk(ROOT, (*ignored, ".git")) if not endings or path.suffix in endings]


def _walk(folder: Path, ignored: Sequence[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        address = f"/{path.relative_to(ROOT).as_posix()}"
        if any(fnmatch(address if pattern.startswith("/") else path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, ignored)
        else:
            yield path


def pages() -> list[Path]:
    """What people read: every Markdown file of ours."""
    return [path for path in files(".md") if "vendor" not in path.parts]


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
