"""Reading the query string of a page's address."""

from collections.abc import Container

from django.http import HttpRequest

from governance.errors import Invalid

MAX_TEXT_CHARS = 500


def text(request: HttpRequest, name: str) -> str:
    """The parameter without surrounding space; empty when absent. Raises Invalid for what no name or id can be."""
    value = request.GET.get(name, "").strip()
    if "\x00" in value:
        raise Invalid(f"{name}: holds the character U+0000.", fields={name: "Holds the character U+0000."})
    if len(value) > MAX_TEXT_CHARS:
        raise Invalid(f"{name}: longer than {MAX_TEXT_CHARS} characters.", fields={name: "Too long."})
    return value


def choice(request: HttpRequest, name: str, known: Container[str], *, default: str = "") -> str:
    """The parameter, one of `known`; `default` when absent or empty. Raises Invalid for any other."""
    value = text(request, name) or default
    if value != default and value not in known:
        raise Invalid(f"{name}: {value!r} is not one that this page knows.", fields={name: "Not known."})
    return value


def number(request: HttpRequest, name: str) -> int:
    """The number of a page, 1 when absent. Raises Invalid."""
    value = text(request, name) or "1"
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and int(value)):
        raise Invalid(f"{name}: {value!r} is not the number of a page.", fields={name: "Not a number."})
    return int(value)
