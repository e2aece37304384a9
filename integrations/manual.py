"""What people read of the systems, made from their modules: one table of all, and a page for each. Pure."""

import inspect
import json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from integrations import carriers, systems
from integrations.carriers.base import Setting
from integrations.notices import Kind
from integrations.schemes import WITHOUT_SECRET
from integrations.systems.base import Group, Mechanism, Options, Scheme, System

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
TOLD: dict[Kind, str] = {
    Kind.VERDICT: "verdicts",
    Kind.INCIDENT: "incidents",
    Kind.RETRAIN: "that a model is to be trained again",
    Kind.REMINDER: "reminders",
}
WORDS: dict[type, str] = {str: "text", bool: "yes or no", int: "whole number", float: "number"}
HOOK = "https://assay.example/api/v1/hooks/<connection>"
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
        *(["Whatever else it sends is kept and shown as unknown."] if system.schemes else []),
        *_options(system),
        *_carried_out(system),
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
    sends_itself = Mechanism.OPENLINEAGE in system.mechanisms
    if not sends_itself:
        yield from _connecting(system)
    is_secret = system.schemes[:1] == (Scheme.SECRET_PATH,)
    yield system.setup.replace("{url}", f"{HOOK}/<secret>" if is_secret else HOOK)
    if system.schemes:
        listed = ", ".join(f"`{one.value}`" for one in system.schemes)
        chosen = ", the first unless `--scheme` names another" if len(system.schemes) > 1 else ""
        link = "../connections.md#how-deliveries-prove-themselves"
        yield f"Deliveries are proven by: {listed}{chosen} ([what each is, and what is set for it]({link}))."
    if system.poll is not None:
        yield "It is polled at the connection's address, with the connection's outgoing secret."
    if system.read_files is not None:
        if sends_itself:
            yield from _connecting(system)
        yield f"Files are imported with:\n\n```sh\n.venv/bin/python manage.py import_from {system.slug} PATH\n```"


def _connecting(system: System) -> Iterator[str]:
    """How an instance is connected: a command with all that can be said of any."""
    lines = [
        f".venv/bin/python manage.py connection create NAME --system {system.slug}",
        f"--team TEAM --namespace {system.slug.replace('_', '-')}://INSTANCE",
    ]
    if system.schemes[:1] == (Scheme.OIDC,):
        believed = '{"issuer": "ISSUER", "audience": "AUDIENCE", "claims": {"CLAIM": ["VALUE"]}}'
        lines.append(f"--scheme-options '{believed}'")
    asked = system.poll is not None or system.slug in carriers.BY_SLUG
    if asked:
        every = " --poll-every 300" if system.poll is not None else ""
        lines.append(f"--address https://HOST{every} --auth AUTH --outgoing-secret SECRET")
    command = " \\\n    ".join(lines)
    yield (
        "Make a connection: in the portal under *Connections*, by `POST /api/v1/connections`, or by this command, in "
        f"which you fill in what stands in capitals.\n\n```sh\n{command}\n```"
    )
    says = []
    if system.schemes and system.schemes[0] is Scheme.SECRET_PATH:
        says.append("It prints the address, which holds the secret, this once.")
    elif system.schemes and system.schemes[0] not in WITHOUT_SECRET:
        says.append("It prints the address and the secret, this once.")
    if asked:
        is_only_asked = not system.schemes
        when = "" if is_only_asked else f"The last line is only needed where it is {_asked_for(system)}. "
        says.append(f"{when}`AUTH` is one of [these](../connections.md#what-is-asked-for).")
    if says:
        yield " ".join(says)


def _asked_for(system: System) -> str:
    return "polled" if system.slug not in carriers.BY_SLUG else "told" if system.poll is None else "polled or told"


def _told(title: str, first: str, second: str, entries: Any) -> Iterator[str]:
    if entries:
        rows = "".join(f"| `{key}` | {_cell(says)} |\n" for key, says in entries.items())
        yield f"## {title}\n\n| {first} | {second} |\n|---|---|\n{rows}".rstrip()


def _options(system: System) -> Iterator[str]:
    if not (system.handled or system.read_files):
        return
    yield "## Options"
    yield from _form(system.options, Options)


def _carried_out(system: System) -> Iterator[str]:
    """What Assay tells the system, and what that takes."""
    carrier = carriers.BY_SLUG.get(system.slug)
    if carrier is None:
        return
    yield "## What Assay tells it"
    kinds = ", ".join(TOLD[kind] for kind in Kind if kind in carrier.kinds)
    if Mechanism.OPENLINEAGE in system.mechanisms:
        yield from _connecting(system)
    yield (
        f"Assay tells it {kinds}, once that is switched on: in the portal on the connection's page, under *What is "
        "carried out*, or by `PUT /api/v1/connections/<connection>/outlet` ([how that goes](../carrying-out.md))."
    )
    yield carrier.setup
    yield from _form(carrier.setting, Setting)


def _form(form: type[msgspec.Struct], every: type[msgspec.Struct]) -> Iterator[str]:
    """What a form and those that it extends say of their fields. The first words of `every` are for who extends it."""
    for one in form.__mro__[: form.__mro__.index(every)]:
        yield from _paragraphs(one)
    yield from _paragraphs(every)[1:]
    fields = msgspec.structs.fields(form)
    rows = "".join(f"| `{one.encode_name}` | {_cell(_type(one.type))} | {_default(one)} |\n" for one in fields)
    yield f"| option | type | default |\n|---|---|---|\n{rows}".rstrip()


def _paragraphs(form: type) -> list[str]:
    words = inspect.cleandoc(form.__dict__.get("__doc__") or "")
    return [" ".join(one.split("\n")) for one in words.split("\n\n") if one]


def _type(kind: Any) -> str:
    """A type in a few words, without the bounds that are checked as well."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(parts[0])
    if origin is Literal:
        return "one of " + ", ".join(f"`{one}`" if one else "nothing" for one in parts)
    if origin in {Union, UnionType}:
        return " or ".join("nothing" if one is NoneType else _type(one) for one in parts)
    if origin is dict:
        return f"{_type(parts[0])} to {_type(parts[1])}"
    if origin in {list, tuple}:
        return f"list of {_type(parts[0])}"
    return WORDS.get(kind, f"`{kind.__name__}`")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        value = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    else:
        return "required"
    if isinstance(value, bool):
        return "yes" if value else "no"
    plain = msgspec.to_builtins(value)
    return f"`{json.dumps(plain)}`" if plain or plain == 0 else "empty"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
