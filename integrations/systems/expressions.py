"""Places in documents that users name: JMESPath, or a JSON Pointer. Compiled once, and bounded when read. Pure.

Whoever may set up a connection writes them, and a whole installation must not stand still for one that grows without
end: steps, lengths and depth have limits, and the functions that build texts are bounded or absent.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jmespath
from jmespath import exceptions, functions, visitor

from integrations.systems.base import Refused

MAX_CHARS = 500
MAX_STEPS = 200_000
MAX_ITEMS = 100_000
MAX_TEXT = 10_000
# It writes any document as text, however often the same part is in it.
ABSENT = frozenset({"to_string"})


class TooMuch(ValueError):
    """Reading a place went beyond a limit."""


class _Functions(functions.Functions):
    """JMESPath's own, without those that can grow a text without end."""

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        if sum(map(len, texts)) + len(separator) * len(texts) > MAX_TEXT:
            raise TooMuch(f"join() made more than {MAX_TEXT:,} characters")
        return separator.join(texts)


class _Bounded(visitor.TreeInterpreter):
    """Reads with a limit of steps, and of the length of every list on the way."""

    def __init__(self) -> None:
        super().__init__(visitor.Options(custom_functions=_Functions()))
        self._steps = 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooMuch(f"took more than {MAX_STEPS:,} steps")
        found = super().visit(node, *args, **kwargs)
        if isinstance(found, list) and len(found) > MAX_ITEMS:
            raise TooMuch(f"found more than {MAX_ITEMS:,} items")
        return found


def check(expression: str) -> None:
    """Whether it can be read. Raises ValueError that says what is wrong with it."""
    _compiled(expression)


def value(expression: str, document: Any, *, place: str) -> Any:
    """What stands at the place; None when nothing does. Raises Refused that names where the expression stands."""
    try:
        compiled = _compiled(expression)
        return compiled.of(document) if isinstance(compiled, _Pointer) else _Bounded().visit(compiled, document)
    except (exceptions.JMESPathError, TooMuch) as error:
        raise Refused(place, f"{expression}: {_words(error)}.") from None
    except (RecursionError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise Refused(place, f"{expression}: cannot be worked out here ({type(error).__name__}).") from None


class _Pointer:
    """A JSON Pointer (RFC 6901)."""

    def __init__(self, text: str) -> None:
        self._keys = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]

    def of(self, document: Any) -> Any:
        for key in self._keys:
            if isinstance(document, dict):
                document = document.get(key)
            elif isinstance(document, list) and key.isascii() and key.isdigit() and len(key) < 10:
                document = document[int(key)] if int(key) < len(document) else None
            else:
                return None
        return document


@lru_cache(maxsize=2_000)
def _compiled(expression: str) -> Any:
    if not expression.strip():
        raise ValueError("is empty")
    if len(expression) > MAX_CHARS:
        raise ValueError(f"is longer than {MAX_CHARS} characters")
    if expression.startswith("/"):
        return _Pointer(expression)
    try:
        parsed = jmespath.compile(expression).parsed
    except exceptions.JMESPathError as error:
        raise ValueError(_words(error)) from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    known = _Functions.FUNCTION_TABLE
    for name in _called(parsed):
        if name in ABSENT or name not in known:
            raise ValueError(f"calls {name}(), which is not offered here")
    return parsed


def _called(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "function_expression":
            yield str(node["value"])
        for child in node.get("children", ()):
            yield from _called(child)


def _words(error: Exception) -> str:
    """The first line of what JMESPath says, without its drawing of the place."""
    return str(error).partition("\n")[0].rstrip(" .:")[:300]
