"""YAML documents with typed content. Every error says line, column and path. Pure.

Less than YAML on purpose: no aliases (they can make a small text huge), no tags, plain words as keys, nothing twice.
Only true and false are truth values.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import yaml

MAX_BYTES = 256_000
MAX_DEPTH = 20
# libyaml reads ten times as fast as Python; its wheels bring it wherever we run.
# The two have no type in common that their stubs tell of.
LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
PLAIN_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})

Path = tuple[str | int, ...]
Marks = dict[Path, tuple[int, int]]
Typed = TypeVar("Typed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What is wrong at one place. Lines and columns count from 1."""

    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.path + ': ' if self.path else ''}{self.message}"


class BadDocument(Exception):
    """A document that is not what it should be, with everything found wrong in the order of the text."""

    def __init__(self, errors: list[Error]) -> None:
        self.errors = sorted(errors, key=lambda error: (error.line, error.column))
        super().__init__("\n".join(map(str, self.errors)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The content of a YAML text as plain values, and where each of them stands."""

    content: Any
    marks: Mapping[Path, tuple[int, int]]

    def error(self, path: Path, message: str) -> Error:
        """An error at the value that `path` names, or at the nearest one around it that exists."""
        return _error(self.marks, path, message)

    def typed(self, kind: type[Typed], value: Any, path: Path = ()) -> Typed:
        """The value that stands at `path`, as a typed one. Raises BadDocument."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise BadDocument([self._located(error, path)]) from None

    def _located(self, error: msgspec.ValidationError, prefix: Path) -> Error:
        """msgspec's message at the place in the text that its path names."""
        problem, _, where = str(error).partition(" - at `")
        path = (*prefix, *_path(where.rstrip("`").removeprefix("$")))
        if unknown := re.match(r"Object contains unknown field `(.*)`$", problem):
            return self.error((*path, unknown[1]), "unknown field")
        if missing := re.match(r"Object missing required field `(.*)`$", problem):
            return self.error((*path, missing[1]), "is missing")
        return self.error(path, problem[:1].lower() + problem[1:])


def read(text: str, *, max_bytes: int = MAX_BYTES) -> Document:
    """The document in a YAML text. Raises BadDocument."""
    if len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        raise _refusal(f"The document is larger than {max_bytes} bytes.")
    loader = None
    try:
        text.encode()
        _check_depth(text)
        loader = LOADER(text)
        node = loader.get_single_node()
        if node is None:
            raise _refusal("The document is empty.")
        marks: Marks = {}
        return Document(content=_plain(loader, node, (), marks, set()), marks=marks)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadDocument([Error(line=line, column=column, path="", message=f"Not YAML: {error.problem}.")]) from None
    except yaml.YAMLError as error:
        raise _refusal(f"Not YAML: {error}.") from None
    except UnicodeEncodeError:
        raise _refusal("The document holds half a character.") from None
    except RecursionError:
        raise _refusal("The document is nested too deeply.") from None
    finally:
        if loader is not None:
            loader.dispose()


def _check_depth(text: str) -> None:
    """Refuse what is nested deeply before nodes are made of it: that recurses, in C without a limit of its own."""
    loader = LOADER(text)
    depth = 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            # One level more than values may have: the refusal that names the value is made of its node.
            if depth > MAX_DEPTH + 2:
                mark = event.start_mark
                says = "is nested too deeply"
                raise BadDocument([Error(line=mark.line + 1, column=mark.column + 1, path="", message=says)])
    finally:
        loader.dispose()


def _refusal(message: str) -> BadDocument:
    return BadDocument([Error(line=1, column=1, path="", message=message)])


def _path(where: str) -> Path:
    return tuple(int(index) if index else name for name, index in re.findall(r"\.([^.\[]+)|\[(\d+)\]", where))


def _error(marks: Mapping[Path, tuple[int, int]], path: Path, message: str) -> Error:
    place = path
    while place and place not in marks:
        place = place[:-1]
    line, column = marks.get(place, (1, 1))
    shown = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
    return Error(line=line, column=column, path=shown, message=message)


def _plain(loader: yaml.SafeLoader, node: yaml.Node, path: Path, marks: Marks, seen: set[int]) -> Any:
    here = (node.start_mark.line + 1, node.start_mark.column + 1)
    marks.setdefault(path, here)

    def refuse(message: str) -> BadDocument:
        return BadDocument([_error({path: here}, path, message)])

    if id(node) in seen:
        raise refuse("aliases are not taken: write it out")
    seen.add(id(node))
    if len(path) > MAX_DEPTH:
        raise refuse("is nested too deeply")
    if isinstance(node, yaml.CollectionNode) and node.tag not in PLAIN_TAGS:
        raise refuse(f"the tag {node.tag!r} is not taken")
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not (isinstance(key_node, yaml.ScalarNode) and key_node.tag == "tag:yaml.org,2002:str"):
                raise refuse("keys are plain words")
            marks[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if key in content:
                raise BadDocument([_error(marks, (*path, key), "stands twice")])
            content[key] = _plain(loader, value_node, (*path, key), marks, seen)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, (*path, number), marks, seen) for number, item in enumerate(node.value)]
    return _scalar(loader, node, refuse)


def _scalar(loader: yaml.SafeLoader, node: yaml.Node, refuse: Any) -> Any:
    match node.tag.removeprefix("tag:yaml.org,2002:"):
        case "str" | "timestamp":
            if "\0" in node.value:
                raise refuse("holds the character U+0000")
            return node.value
        case "bool" if node.value.lower() not in {"true", "false"}:
            # YAML 1.1 takes yes, no, on and off for truth values; here they are words, as in YAML 1.2.
            return node.value
        case "int" | "float" | "bool" | "null":
            try:
                value = loader.construct_object(node)
            except ValueError:
                raise refuse("is not a number") from None
            if isinstance(value, float) and not math.isfinite(value):
                raise refuse("is not a finite number")
            return value
        case tag:
            raise refuse(f"the tag {tag!r} is not taken")
