"""JSON of any form, read by a mapping that the user writes and tries on a sample."""

from collections.abc import Iterator

from integrations.openlineage import Event
from integrations.systems import mapping
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.mapping import MappingOptions

# The names under which senders give their deliveries an id; the first that is there counts.
KEY_HEADERS = ("idempotency-key", "webhook-id", "x-request-id", "x-delivery-id")


def type_of(message: Message) -> str:
    if not isinstance(message.document, dict | list):
        raise Refused("", "The body is neither an object nor a list of JSON.")
    return "document"


def key_of(message: Message) -> str:
    return next((value for name in KEY_HEADERS if (value := message.headers.get(name, ""))), "")


def translate(message: Message, context: Context) -> Iterator[Event]:
    yield from mapping.translate(message.document, message, context)


def _table() -> str:
    """The kinds of facts with their fields, for those who write a mapping."""
    rows = ["| fact | is | needs | may have |", "|---|---|---|---|"]
    for name, kind in mapping.KINDS.items():
        needs, may_have = (", ".join(f"`{one}`" for one in fields) for fields in (kind.needs, kind.may_have))
        rows.append(f"| `{name}` | {kind.meaning} | {needs} | {may_have} |")
    return "\n".join(rows)


SYSTEM = System(
    slug="json",
    title="Any JSON",
    group=Group.GENERIC,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(
        Scheme.STANDARD_WEBHOOKS,
        Scheme.BEARER,
        Scheme.BASIC,
        Scheme.TOKEN_HEADER,
        Scheme.GITHUB,
        Scheme.OIDC,
        Scheme.SECRET_PATH,
    ),
    options=MappingOptions,
    handled={"document": "what the connection's mapping makes of it"},
    brings=frozenset({Fact.KPI, Fact.ALERT, Fact.CHECK, Fact.RUN, Fact.DEPLOYMENT, Fact.MODEL_VERSION, Fact.DATASET}),
    setup=(
        "Let the sender POST JSON to `{url}`. Write a mapping, a list of rules, and try it on a sample first. A rule"
        " says which `fact` it makes, where the `items` stand (the whole document by default), `when` an item "
        "counts, and in `fields` where of an item the fields of the fact stand, as JMESPath (`data.scores[0].value`) "
        "or as a JSON Pointer (`/data/scores/0/value`). A text of its own stands in quotes: `'loans'`. Times may be in "
        "any usual form; without one the time of receipt counts. When a field that must be there gives nothing, the "
        "delivery is refused with the rule and the field.\n\n" + _table()
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
)
