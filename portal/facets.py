"""The facets of an asset, sorted into those the portal has a form for and the rest. Pure.

Facets are what senders wrote, checked by nobody: one that is not shaped as OpenLineage has it is kept with the rest and
shown as it is, never dropped.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

# Nested fields deeper than this stay folded into their parent's type.
MAX_FIELD_DEPTH = 8


class Said(Protocol):
    """The current value of one facet."""

    @property
    def key(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def seen_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    type: str
    description: str
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    key: str
    value: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A facet without a form of its own, as indented JSON."""

    key: str
    json: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    columns: list[Column]
    documentation: str
    tags: list[Tag]
    others: list[Raw]


def sort(said: Iterable[Said]) -> Sorted:
    columns: list[Column] = []
    documentation = ""
    tags: list[Tag] = []
    others: list[Raw] = []
    for facet in said:
        match facet.key, facet.value:
            case "schema", {"fields": [_, *_] as fields} if all(_is_field(field) for field in fields):
                columns = list(_columns(fields, 0))
            case "documentation", {"description": str(text)}:
                documentation = text
            case "tags", {"tags": [_, *_] as given} if all(_is_tag(tag) for tag in given):
                tags = [
                    Tag(key=tag["key"], value=_text(tag.get("value")), column=_text(tag.get("field"))) for tag in given
                ]
            case _:
                others.append(Raw(key=facet.key, json=_indented(facet.value), seen_at=facet.seen_at))
    return Sorted(columns=columns, documentation=documentation, tags=tags, others=others)


def _is_field(field: Any) -> bool:
    return isinstance(field, Mapping) and isinstance(field.get("name"), str)


def _is_tag(tag: Any) -> bool:
    return isinstance(tag, Mapping) and isinstance(tag.get("key"), str)


def _columns(fields: Iterable[Any], depth: int) -> Iterator[Column]:
    for field in fields:
        yield Column(
            name=field["name"], type=_text(field.get("type")), description=_text(field.get("description")), depth=depth
        )
        inner = field.get("fields")
        if isinstance(inner, list) and depth + 1 < MAX_FIELD_DEPTH:
            yield from _columns([one for one in inner if _is_field(one)], depth + 1)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _indented(value: Any) -> str:
    # Who produced a facet and its schema's address say nothing about the asset.
    shown = (
        {k: v for k, v in value.items() if k not in {"_producer", "_schemaURL"}} if isinstance(value, dict) else value
    )
    return json.dumps(shown, indent=2, ensure_ascii=False)
