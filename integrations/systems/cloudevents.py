"""CloudEvents of any sender, read by a mapping that the user writes."""

from collections.abc import Iterator
from typing import Any

from integrations.openlineage import Event
from integrations.systems import envelopes, mapping
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.envelopes import CloudEvent
from integrations.systems.mapping import MappingOptions


def type_of(message: Message) -> str:
    """One word for all: which of their types counts, the mapping says."""
    found = list(envelopes.cloud_events(message))
    if not found or not all(one.type and (one.id or one.source) for one in found):
        raise Refused("type", "This is no CloudEvent: type, source or id is missing.")
    return "event"


def translate(message: Message, context: Context) -> Iterator[Event]:
    for one in envelopes.cloud_events(message):
        yield from mapping.translate(document(one), message, context)


def document(one: CloudEvent) -> dict[str, Any]:
    """An event as mappings see it, whichever way it came: its attributes and extensions, and `data`."""
    extensions = one.extensions.value if isinstance(one.extensions.value, dict) else {}
    told = {name: value for name, value in extensions.items() if name != "data"}
    named = {"type": one.type, "source": one.source, "subject": one.subject, "id": one.id}
    return told | named | {"time": one.time.isoformat() if one.time else None, "data": one.data.value}


SYSTEM = System(
    slug="cloudevents",
    title="CloudEvents",
    group=Group.GENERIC,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.BEARER, Scheme.TOKEN_HEADER, Scheme.OIDC, Scheme.SECRET_PATH),
    options=MappingOptions,
    handled={"event": "what the connection's mapping makes of it"},
    brings=frozenset({Fact.KPI, Fact.ALERT, Fact.CHECK, Fact.RUN, Fact.DEPLOYMENT, Fact.MODEL_VERSION, Fact.DATASET}),
    setup=(
        "Let the sender deliver to `{url}`, one event (structured or binary) or a batch of them. Write a mapping: it "
        "sees `type`, `source`, `subject`, `id`, `time`, the extensions, and the body as `data`. With "
        "`when: \"type == 'org.example.kpi'\"` a rule counts for one type alone."
    ),
    type_of=type_of,
    key_of=envelopes.cloud_key,
    translate=translate,
)
