"""Deliveries of outside systems from files, and what they become.

A fixture is a JSON (or YAML) document: the body of a delivery, or an HTTP record with `headers` (pairs) and `body`.
What was polled or imported has no type of its own, so the name of its file begins with one: `run__finished.json`.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from integrations.openlineage import Event
from integrations.systems.base import Context, Message, System

FIXTURES = Path(__file__).parent / "fixtures"
RECEIVED_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def message(path: Path, *, type: str = "") -> Message:
    """The message in a file, of the given type, or of that in the file's name; without either its system reads it."""
    head, mark, _ = path.name.partition("__")
    type = type or (head if mark else "")
    text = path.read_text(encoding="utf-8")
    document = yaml.safe_load(text) if path.suffix in {".yaml", ".yml"} else json.loads(text)
    if isinstance(document, dict) and {"headers", "body", "method"} <= document.keys():
        headers = {name.lower(): value for name, value in document["headers"]}
        raw = document.get("raw")
        body = document["body"]
        return Message(
            received_at=RECEIVED_AT,
            document=body,
            body=raw.encode() if isinstance(raw, str) else json.dumps(body).encode(),
            headers=headers,
            type=type,
        )
    return Message(received_at=RECEIVED_AT, document=document, body=text.encode(), type=type)


def connection(system: System) -> Context:
    """A connection of the system, with the options in the file beside its fixtures, if there is one."""
    path = FIXTURES / f"{system.slug}.options.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return Context(namespace=f"{system.slug}://test", options=msgspec.convert(told, system.options))


def typed(system: System, found: Message) -> Message:
    """The message with the type that its system reads from it."""
    return Message(
        received_at=found.received_at,
        document=found.document,
        body=found.body,
        headers=found.headers,
        type=found.type or system.type_of(found),
    )


def fixtures(system: System) -> Iterator[Path]:
    yield from sorted(path for path in (FIXTURES / system.slug).glob("**/*") if path.is_file())


def told(system: System, name: str, *, type: str = "", context: Context | None = None) -> list[Event]:
    """The events of one fixture."""
    found = typed(system, message(FIXTURES / system.slug / name, type=type))
    return system.events(found, context or connection(system))


def facets(event: Event, *keys: str) -> Any:
    """What an event says below `run`, `job` or a dataset, without the words every facet carries."""
    value: Any = event
    for key in keys:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return {key: one for key, one in value.items() if not key.startswith("_")} if isinstance(value, dict) else value
