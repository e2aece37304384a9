"""The events of the sample data, folder by folder, as a reader of its own takes them: not the product's.

Senders' examples share names and run ids, so each folder is a world by itself. Some hold patterns where a value differs
with every run; a value that fits stands in for each.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.conformance.corpus import CORPUS

EVENTS = CORPUS / "openlineage" / "events"
PATTERNS = CORPUS / "openlineage" / "events-templated"
# What the placeholders of one file stand for: a run begins at noon and lasts as many minutes as it says.
PLACEHOLDERS = {
    "{{RUN_START_TIME}}": "2026-03-01T12:00:00Z",
    # The password of an address, which the product never keeps.
    "food_delivery:food_delivery@": "food_delivery:***@",
} | {f"{{{{RUN_END_TIME_AFTER_{n}_MINUTES}}}}": f"2026-03-01T12:{n:02}:00Z" for n in range(60)}

Document = dict[str, Any]


def folders() -> list[str]:
    """Every folder with events, but for those that are broken on purpose."""
    found = {
        path.parent.relative_to(root.parent).as_posix()
        for root in (EVENTS, PATTERNS)
        for path in root.rglob("*.json*")
        if "invalid" not in path.parts
    }
    return sorted(found)


@lru_cache
def documents(folder: str) -> list[tuple[str, Document]]:
    """The events of a folder in the order of its files, each with its place."""
    is_pattern = folder.startswith(PATTERNS.name)
    minutes = count()
    found = []
    for path in sorted((EVENTS.parent / folder).glob("*.json*")):
        for number, document in enumerate(_read(path)):
            if is_pattern:
                document = _filled(document, path.stem, next(minutes))
            found.append((f"{path.name} {number}", document))
    return found


def _read(path: Path) -> list[Document]:
    text = path.read_text(encoding="utf-8")
    for placeholder, time in PLACEHOLDERS.items():
        text = text.replace(placeholder, time)
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    whole = json.loads(text)
    return whole if isinstance(whole, list) else [whole]


def _filled(document: Document, file: str, minute: int) -> Document:
    """The event with a value for each pattern and with what a whole event cannot lack. A job of a file has one run."""
    filled: Document = _with_values(document)
    filled["eventTime"] = f"2026-03-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"
    filled.setdefault("producer", "https://producer.example/1")
    job = filled["job"] = {"namespace": "jobs", "name": file} | filled.get("job", {})
    run = filled["run"] = filled.get("run", {})
    run["runId"] = str(uuid5(NAMESPACE_URL, f"{file} {job['namespace']} {job['name']}"))
    if parent := run.get("facets", {}).get("parent"):
        parent["run"] = {"runId": str(uuid5(NAMESPACE_URL, file))} | parent.get("run", {})
    for number, one in enumerate([*filled.get("inputs", ()), *filled.get("outputs", ())]):
        one.setdefault("namespace", "file")
        one.setdefault("name", f"{file}-{number}")
    return filled


def _with_values(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if key == "version" and not value:
            return {"datasetVersion": "1"}
        return {name: _with_values(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_values(one) for one in value]
    if isinstance(value, str) and ("{{ " in value or "${json-unit." in value):
        if key == "runId":
            return str(uuid5(NAMESPACE_URL, "another run"))
        return 1 if "any-number" in value else "2026-03-01T12:00:00Z" if "time" in value.lower() else "any"
    return value


def ran(folder: str) -> Iterator[tuple[str, Document]]:
    """Those that are of a run."""
    return ((where, document) for where, document in documents(folder) if "run" in document)
