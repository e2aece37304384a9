"""What people read of the systems, made from their modules: one table of all, and a page for each. Pure."""

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec

from integrations import systems
from integrations.systems.base import Group, Mechanism, System

# What stands behind this line in a page is written by hand, and kept.
BY_HAND = "<!-- Written by hand from here on. -->"
TITLES: dict[Group, str] = {
    Group.TRACKING: "Tracking and registries",
    Group.PIPELINES: "Pipelines",
    Group.DATA: "Data",
    Group.SERVING: "Serving",
    Group.MONITORING: "Monitoring",
    Group.CI: "Code and CI",
    Group.RESPONSIBLE: "Responsible AI",
    Group.GENERIC: "Anything else",
    Group.TOLD: "Told by Assay",
}
WAYS: dict[Mechanism, str] = {
    Mechanism.OPENLINEAGE: "sends OpenLineage itself",
    Mechanism.WEBHOOK: "webhook",
    Mechanism.POLL: "polled",
    Mechanism.IMPORT: "files imported",
    Mechanism.TOLD: "told by Assay",
}
HEAD = """\
# Outside systems

Made from the code by `manage.py systems --write`; a test keeps it current. Each system is one module that turns what it
sends into events of the one graph; how a delivery comes in, is believed, kept and tried again is the same for all. A
*connection* is one configured instance of a system: see [connections](connections.md). To add a system, see
[adding an integration](adding-an-integration.md).

*Real run*: our tests start the system itself and see its facts in the graph. *Replay*: they send deliveries that it
once sent, or that are made by its documentation.
"""


def table() -> str:
    """`docs/integrations.md`."""
    parts = [HEAD]
    for group, title in TITLES.items():
        of_group = sorted((one for one in systems.ALL if one.group is group), key=lambda one: one.title.lower())
        if of_group:
            rows = "".join(_row(system) for system in of_group)
            parts.append(f"## {title}\n\n| system | how | what it brings | tested by |\n|---|---|---|---|\n{rows}")
    return "\n".join(parts)


def _row(system: System) -> str:
    link = f"[{system.title}](integrations/{system.slug}.md)"
    return f"| {link} | {ways(system)} | {_brings(system)} | {system.tested.value} |\n"


def page(system: System, by_hand: str = "") -> str:
    """`docs/integrations/<slug>.md`, with what was written by hand behind it."""
    parts = [
        f"# {system.title}",
        "Made from the module by `manage.py systems --write`, down to the line that says otherwise.",
        f"How: {ways(system)}. Brings: {_brings(system)}. Tested by: {system.tested.value}.",
        *_setting_up(system),
        *_told("What is read", "type", "what it brings", system.handled),
        *_told("What is ignored", "type", "why", system.ignored),
        "Whatever else it sends is kept and shown as unknown.",
        *_options(system),
    ]
    return "\n\n".join(parts) + f"\n\n{BY_HAND}\n{by_hand}"


def by_hand(text: str) -> str:
    """What people wrote behind the line in a page; empty when there is no such line."""
    return text.partition(f"{BY_HAND}\n")[2]


def ways(system: System) -> str:
    """How its facts come, in words."""
    return ", ".join(WAYS[one] for one in system.mechanisms)


def _brings(system: System) -> str:
    return ", ".join(sorted(one.value.replace("_", " ") for one in system.brings)) or "nothing of its own"


def _setting_up(system: System) -> Iterator[str]:
    yield "## Setting it up"
    if Mechanism.WEBHOOK in system.mechanisms or system.poll is not None:
        yield (
            f"Make a connection of the system `{system.slug}` (`POST /api/v1/connections`, or "
            "`manage.py connection create`), which tells the address and the secret."
        )
    yield system.setup.replace("{url}", "https://assay.example/api/v1/hooks/<connection>")
    if system.schemes:
        yield f"Deliveries are proven by: {', '.join(f'`{one.value}`' for one in system.schemes)}."
    if system.poll is not None:
        yield "It is polled at the connection's address, with the connection's outgoing secret."
    if system.read_files is not None:
        yield f"Files are imported with:\n\n```sh\n.venv/bin/python manage.py import_from {system.slug} PATH\n```"


def _told(title: str, first: str, second: str, entries: Any) -> Iterator[str]:
    if entries:
        rows = "".join(f"| `{key}` | {_cell(says)} |\n" for key, says in entries.items())
        yield f"## {title}\n\n| {first} | {second} |\n|---|---|\n{rows}".rstrip()


def _options(system: System) -> Iterator[str]:
    yield "## Options"
    yield inspect.cleandoc(system.options.__doc__ or "").replace("\n", " ").replace("  ", "\n\n")
    fields = msgspec.structs.fields(system.options)
    rows = "".join(f"| `{one.encode_name}` | {_type(one.type)} | {_default(one)} |\n" for one in fields)
    yield f"| option | type | default |\n|---|---|---|\n{rows}".rstrip()


def _type(kind: Any) -> str:
    return _cell(f"`{getattr(kind, '__name__', None) if isinstance(kind, type) else str(kind).replace('typing.', '')}`")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        return f"`{field.default!r}`" if field.default != "" else "empty"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{field.default_factory()!r}`"
    return "required"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
