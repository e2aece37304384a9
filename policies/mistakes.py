"""Reading plain values as a struct with every error in it, not only the first. Pure."""

import difflib
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec

from governance.yamldocuments import BadDocument, Document, Error, Path

Struct = TypeVar("Struct", bound=msgspec.Struct)


def read(
    kind: type[Struct], said: Mapping[str, Any], path: Path, document: Document
) -> tuple[Struct | None, list[Error]]:
    """The struct, or None and everything wrong with the mapping that stands at `path`."""
    try:
        return document.typed(kind, said, path), []
    except BadDocument as bad:
        return None, _every_error(kind, said, path, document) or bad.errors


def suggestion(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


@cache
def _alone(kind: type[msgspec.Struct], name: str) -> type[msgspec.Struct]:
    """A struct with this field only.

    Made once: msgspec 0.22 crashes after reading a type with a pattern a few times when it belongs to no struct.
    """
    field = next(field for field in msgspec.structs.fields(kind) if field.encode_name == name)
    return msgspec.defstruct(f"{kind.__name__}_{name}", [(name, field.type)])


def _every_error(kind: type[msgspec.Struct], said: Mapping[str, Any], path: Path, document: Document) -> list[Error]:
    """Field by field, since msgspec stops at the first."""
    errors = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, value in said.items():
        if name not in fields:
            errors.append(document.error((*path, name), f"unknown field{suggestion(name, fields)}"))
            continue
        expected = fields[name].type
        if isinstance(expected, type) and issubclass(expected, msgspec.Struct) and isinstance(value, dict):
            errors += _every_error(expected, value, (*path, name), document)
            continue
        try:
            document.typed(_alone(kind, name), {name: value}, path)
        except BadDocument as bad:
            errors += bad.errors
    errors += [
        document.error((*path, name), "is missing")
        for name, field in fields.items()
        if field.required and name not in said
    ]
    return errors
