"""The catalogue of checks as a document, made from their classes."""

import inspect
from typing import Any

import msgspec
from django.core.management.base import BaseCommand

from policies.checks.base import Check
from policies.checks.catalogue import CHECKS

HEAD = """\
# Catalogue of checks

Made from the code by `manage.py checks`; a test keeps it current. How a policy uses them: [policies](policies.md).
"""


class Command(BaseCommand):
    help = "Print docs/checks.md."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(catalogue(), ending="")


def catalogue() -> str:
    """The whole document."""
    return "\n".join([HEAD, *(_page(CHECKS[check_id]) for check_id in sorted(CHECKS))])


def _page(check: Check) -> str:
    fields = msgspec.structs.fields(check.parameters)
    parts = [f"## `{check.id}`: {check.title}", inspect.cleandoc(type(check).__doc__ or "")]
    if fields:
        rows = [f"| `{field.name}` | {_type(field)} | {_default(field)} |" for field in fields]
        parts.append(inspect.cleandoc(check.parameters.__doc__ or ""))
        parts.append("\n".join(["| parameter | type | default |", "|---|---|---|", *rows]))
    else:
        parts.append("It has no parameters.")
    parts.append(f"**What to do when it does not open the gate.** {check.remedy}")
    return "\n\n".join(parts) + "\n"


def _type(field: msgspec.structs.FieldInfo) -> str:
    """A type as people read it, from its JSON Schema."""
    schema = msgspec.json.schema(field.type)
    choices = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    return " or ".join(map(_words, choices))


def _words(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_words(schema['items'])}"
    return str(schema.get("type", "anything"))


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    return f"`{field.default!r}`" if field.default not in {None, ""} else "none"
