"""A checkout of a repository with DVC's files: which commit it is, when that was, which tags it has, and what they say.

Read from the files of Git itself, so that nothing is run.
"""

import json
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from integrations import repositories
from integrations.systems.base import Message, Refused
from integrations.systems.reading import Reader

REPOSITORY = "repository"
MAX_FILE_BYTES = 50_000_000
MOST_FILES = 20_000
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_URL = re.compile(r"^\s*url\s*=\s*(\S+)\s*$", re.M)
_ORIGIN = re.compile(r'^\[remote "origin"\]$(.*?)(?=^\[|\Z)', re.M | re.S)
_LOGGED = re.compile(r"^[0-9a-f]+ ([0-9a-f]+) .*> (\d{1,12}) [+-]\d{4}\t", re.M)


def read_files(path: Path, received_at: datetime) -> Iterator[Message]:
    """A checkout, with one message for each folder that has a pipeline; or a lock file alone. Raises Refused."""
    if path.is_file():
        document = _document(path)
        is_lock = path.name == "dvc.lock" or Reader(document).at("stages")
        yield Message(received_at=received_at, document=document, type="dvc.lock" if is_lock else "dvc_file")
        return
    around = _around(path)
    folders = {found.parent for found in _found(path, "dvc.lock")}
    tracked = {str(found.relative_to(path)): _document(found) for found in _found(path, "*.dvc") if found.is_file()}
    if not folders and not tracked:
        raise Refused("", f"there is neither a dvc.lock nor a *.dvc in {path.name}.")
    for folder in sorted(folders):
        yield Message(received_at=received_at, document=around | _pipeline(folder, path), type=REPOSITORY)
    if tracked:
        yield Message(received_at=received_at, document={**around, "tracked": tracked}, type=REPOSITORY)


def _found(path: Path, pattern: str) -> list[Path]:
    """In order, without what Git, DVC and tools keep for themselves."""
    found = (
        one for one in path.rglob(pattern) if not any(part.startswith(".") for part in one.parts[len(path.parts) :])
    )
    return sorted(found)[:MOST_FILES]


def _pipeline(folder: Path, top: Path) -> dict[str, Any]:
    pipeline = _document(folder / "dvc.yaml") if (folder / "dvc.yaml").is_file() else {}
    where = "" if folder == top else str(folder.relative_to(top))
    metrics = {}
    for name in sorted(_metric_files(Reader(pipeline))):
        file = (folder / name).resolve()
        # A name that leads out of the checkout is none of its files.
        if file.is_file() and file.is_relative_to(top.resolve()):
            metrics[str(file.relative_to(top.resolve()))] = _document(file)
    return {"folder": where, "lock": _document(folder / "dvc.lock"), "pipeline": pipeline, "metrics": metrics}


def _metric_files(pipeline: Reader) -> Iterator[str]:
    lists = [pipeline, *(stage for _, stage in pipeline.entries("stages"))]
    for one in lists:
        for metric in one.items("metrics"):
            yield from ([metric.text()] if metric.text() else [name for name, _ in metric.entries()])


def _document(path: Path) -> Any:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise Refused("", f"{path.name} is larger than 50 MB.")
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Refused("", f"{path.name} is neither YAML nor JSON: {error}") from None


def _around(path: Path) -> dict[str, Any]:
    """What Git knows of the checkout; nothing where there is no repository."""
    git = path / ".git"
    if not git.is_dir():
        return {}
    packed = _packed(git)
    commit = _head(git, packed)
    told: dict[str, Any] = {"commit": commit} if commit else {}
    config = _text(git / "config")
    if (origin := _ORIGIN.search(config)) and (url := _URL.search(origin[1])):
        told["repository"] = repositories.canonical(url[1])
    if commit and (at := _committed_at(git, commit)):
        told["committed_at"] = at.isoformat()
    tags = sorted(name for name, sha in _tags(git, packed).items() if sha == commit)
    return told | ({"tags": tags} if tags else {})


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _head(git: Path, packed: dict[str, str]) -> str:
    head = _text(git / "HEAD").strip()
    if head.startswith("ref: "):
        name = head.removeprefix("ref: ").strip()
        head = _text(git / name).strip() or packed.get(name, "")
    return head if _SHA.fullmatch(head) else ""


def _packed(git: Path) -> dict[str, str]:
    """References that Git packed into one file; of annotated tags the commit that they stand on."""
    found: dict[str, str] = {}
    last = ""
    for line in _text(git / "packed-refs").splitlines():
        if line.startswith("^") and last:
            found[last] = line[1:].strip()
        elif line and line[0] not in "#^":
            sha, _, last = line.partition(" ")
            found[last] = sha
    return found


def _tags(git: Path, packed: dict[str, str]) -> dict[str, str]:
    found = {name.removeprefix("refs/tags/"): sha for name, sha in packed.items() if name.startswith("refs/tags/")}
    folder = git / "refs" / "tags"
    for one in sorted(folder.rglob("*"))[:MOST_FILES] if folder.is_dir() else ():
        if one.is_file():
            sha = _text(one).strip()
            kind, body = _object(git, sha)
            target = re.match(rb"object ([0-9a-f]+)\n", body) if kind == "tag" else None
            found[str(one.relative_to(folder))] = target[1].decode() if target else sha
    return found


def _committed_at(git: Path, commit: str) -> datetime | None:
    """From the commit itself, or, if Git has packed it, from the log of what was checked out."""
    kind, body = _object(git, commit)
    found = re.search(rb"^committer .*> (\d{1,12}) [+-]\d{4}$", body, re.M) if kind == "commit" else None
    if found:
        return datetime.fromtimestamp(int(found[1]), tz=UTC)
    times = [int(at) for sha, at in _LOGGED.findall(_text(git / "logs" / "HEAD")) if sha == commit]
    return datetime.fromtimestamp(times[0], tz=UTC) if times else None


def _object(git: Path, sha: str) -> tuple[str, bytes]:
    """Kind and content of an object that is not packed; empty for others."""
    if not _SHA.fullmatch(sha):
        return "", b""
    path = git / "objects" / sha[:2] / sha[2:]
    if not path.is_file():
        return "", b""
    try:
        header, _, body = zlib.decompressobj().decompress(path.read_bytes(), 1_000_000).partition(b"\0")
    except zlib.error:
        return "", b""
    return header.partition(b" ")[0].decode("ascii", "replace"), body
