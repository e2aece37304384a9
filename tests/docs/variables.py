"""Which environment variables the code reads, told from its syntax."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import project

READERS = frozenset({"text", "flag", "number", "words", "choice", "hosts", "networks", "broker", "secret", "database"})
# The readers themselves get the name as an argument.
READERS_MODULE = "governance/environment.py"
_SHELL = re.compile(r"\$\{?([A-Z][A-Z0-9_]*)")


class Unseen(Exception):
    """A variable is read under a name that cannot be told from the syntax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One place where a variable is read. `default` and `bounds` only where the code says them literally."""

    name: str
    place: str
    default: str | None = None
    bounds: tuple[int, ...] = ()


def in_shell(text: str, place: str) -> Iterator[Reading]:
    """Variables of a shell script in capitals; those of its own are in lower case."""
    for name in sorted(set(_SHELL.findall(text))):
        yield Reading(name=name, place=place)


def in_python(text: str, place: str) -> Iterator[Reading]:
    """Variables that a module reads from os.environ, from a copy called `environment`, or by our readers."""
    tree = ast.parse(text)
    lists = _constants(tree)
    has_readers = any(
        isinstance(node, ast.ImportFrom) and node.module == "governance" and _names(node, "environment")
        for node in ast.walk(tree)
    )
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="os") if _names(node, "environ", "getenv"):
                raise Unseen(f"{place}:{node.lineno} imports a name from os: write os.environ.")
            case ast.Call(func=ast.Attribute(value=ast.Name("environment"), attr=reader)) if has_readers:
                if reader in READERS:
                    yield from _by_reader(node, reader, place)
            case ast.Call(func=ast.Attribute(value=mapping, attr="get" | "setdefault")) if _is_environment(mapping):
                yield from _named(node.args[0], lists, place)
            case ast.Call(func=ast.Attribute(value=ast.Name("os"), attr="getenv")):
                yield from _named(node.args[0], lists, place)
            case ast.Subscript(value=mapping, slice=key, ctx=ast.Load()) if _is_environment(mapping):
                yield from _named(key, lists, place)
            case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[mapping]) if _is_environment(mapping):
                yield from _named(key, lists, place)


def of(path: Path) -> list[Reading]:
    """The readings of one file. Tests try our readers on made-up names, so there only os.environ counts."""
    place = project.name(path)
    if place == READERS_MODULE:
        return []
    text = path.read_text(encoding="utf-8")
    if text.startswith("#!") and "sh\n" in text.splitlines(keepends=True)[0]:
        return list(in_shell(text, place))
    if place.startswith("tests/"):
        text = text.replace("from governance import environment", "")
    return list(in_python(text, place))


def _by_reader(call: ast.Call, reader: str, place: str) -> Iterator[Reading]:
    name = _text(call.args[0])
    if name is None:
        raise Unseen(f"{place}:{call.lineno} gives a reader no literal name.")
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    default = given.get("default", call.args[1] if len(call.args) > 1 else None)
    bounds = tuple(int(ast.literal_eval(given[key])) for key in ("minimum", "maximum") if key in given)
    yield Reading(name=name, place=place, default=_word(default), bounds=bounds)
    if reader == "secret":
        yield Reading(name=f"{name}_FILE", place=place)


def _named(key: ast.expr, lists: dict[str, Sequence[str]], place: str) -> Iterator[Reading]:
    if (name := _text(key)) is not None:
        yield Reading(name=name, place=place)
    elif isinstance(key, ast.Name) and key.id in lists:
        for name in lists[key.id]:
            yield Reading(name=name, place=place)
    else:
        raise Unseen(f"{place}:{key.lineno} reads a variable whose name is not literal: {ast.unparse(key)}.")


def _constants(tree: ast.Module) -> dict[str, Sequence[str]]:
    """What a loop's variable stands for, where the loop goes over a literal list of names in the module."""
    literal = {
        target.id: [text for element in node.value.elts if (text := _text(element)) is not None]
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.List | ast.Set)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return {
        node.target.id: literal[node.iter.id]
        for node in ast.walk(tree)
        if isinstance(node, ast.For | ast.comprehension)
        and isinstance(node.target, ast.Name)
        and isinstance(node.iter, ast.Name)
        and node.iter.id in literal
    }


def _is_environment(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(value=ast.Name("os"), attr="environ") | ast.Name("environment"):
            return True
        case ast.Attribute(attr="environment"):
            return True
        case _:
            return False


def _names(node: ast.ImportFrom, *names: str) -> bool:
    return any(alias.name in names for alias in node.names)


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _word(node: ast.expr | None) -> str | None:
    """A literal as one would set it."""
    if not isinstance(node, ast.Constant):
        return None
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
