"""The project's own files, for tests that look at what is written and not at what it does."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def files(*endings: str) -> list[Path]:
    """The files of the project, without what .gitignore names. Asks no git: a copy of the files can be tested too."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    return [path for path in _walk(ROOT, (*ignored, ".git")) if not endings or path.suffix in endings]


def name(path: Path) -> str:
    """A file as people write it: lineage/events.py."""
    return path.relative_to(ROOT).as_posix()


def _walk(folder: Path, ignored: Sequence[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        address = f"/{name(path)}"
        if any(fnmatch(address if pattern.startswith("/") else path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, ignored)
        else:
            yield path
