"""Grafana's alerting: alerts about models, with the values of KPIs that raised them."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from integrations.openlineage import Event
from integrations.systems import alerting
from integrations.systems.alerting import AlertOptions
from integrations.systems.base import Context, Fact, Group, Mechanism, Message, Refused, Scheme, System, Tested
from integrations.systems.reading import Reader

VERSION = "1"


class GrafanaOptions(AlertOptions, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`value`: the letter of the query or expression whose value is that of the KPI in the label `kpi`.

    Grafana's own rules reduce in B, and compare in C. `values`: KPIs by letter, beside that or instead of it.
    """

    value: Annotated[str, msgspec.Meta(max_length=100)] = "B"
    values: dict[str, str] = {}


def type_of(message: Message) -> str:
    """Of the same form as Alertmanager's, but for the version and the organisation."""
    said = Reader(message.document)
    if said.text("version") != VERSION or not said.at("orgId") or not isinstance(said.at("alerts").value, list):
        raise Refused("version", f"is not {VERSION}, or orgId is missing: leave the contact point's payload as it is.")
    # A contact point is tested with an alert of this name.
    names = {one.text("labels", "alertname") for one in said.items("alerts")}
    return "test" if names == {"TestAlert"} else "webhook"


def key_of(message: Message) -> str:
    return alerting.group_key(Reader(message.document))


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(message.document)
    for one in said.items("alerts"):
        closed = one.need_time("endsAt") if one.text("status") == "resolved" else None
        alert = alerting.read(one, context, opened=one.need_time("startsAt"), closed=closed)
        if alert is not None:
            # The values of a closed alert are of the time when it closed, or still of when it opened: who knows.
            yield from alerting.events(alert, context, values=_values(one, context) if closed is None else None)


def _values(one: Reader, context: Context) -> dict[str, float]:
    options = context.options if isinstance(context.options, GrafanaOptions) else GrafanaOptions()
    named = dict(options.values)
    if kpi := one.text("labels", options.labels.kpi):
        named.setdefault(options.value, kpi)
    found = {kpi: one.number("values", letter) for letter, kpi in named.items() if kpi}
    return {kpi[:200]: value for kpi, value in found.items() if value is not None}


SYSTEM = System(
    slug="grafana",
    title="Grafana",
    group=Group.MONITORING,
    mechanisms=(Mechanism.WEBHOOK,),
    tested=Tested.REPLAY,
    schemes=(Scheme.GRAFANA, Scheme.BEARER, Scheme.BASIC),
    options=GrafanaOptions,
    handled={"webhook": "alerts about models that opened and closed, with the value of the KPI when they opened"},
    ignored={"test": "the test of a contact point"},
    brings=frozenset({Fact.ALERT, Fact.KPI}),
    setup=(
        "Give the rules that are about a model the labels `model`, `version`, `environment`, `kpi` and `severity`, or "
        "name other labels in the options. Add a contact point of the type *Webhook* with `{url}`, and under *HMAC "
        "signature* the connection's secret, or its secret as authorization. If there the timestamp is signed in a "
        "header, name that header in the connection. The value of a KPI is that of the expression `B` unless the "
        "option `value` names another."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
)
