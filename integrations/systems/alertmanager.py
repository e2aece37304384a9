"""Prometheus Alertmanager: alerts about models, by webhook, and by reading what is open now."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from integrations.openlineage import Event
from integrations.systems import alerting
from integrations.systems.alerting import AlertOptions
from integrations.systems.base import (
    Client,
    Context,
    Fact,
    Group,
    Mechanism,
    Message,
    Page,
    Refused,
    Scheme,
    System,
    Tested,
)
from integrations.systems.reading import Reader

VERSION = "4"
# More open alerts than this are a calamity of their own; what is beyond is told when it closes.
MAX_REMEMBERED = 5_000


def type_of(message: Message) -> str:
    """Alertmanager's own form, which newer versions let users replace by any other."""
    said = Reader(message.document)
    if said.at("orgId"):
        raise Refused("orgId", "is of Grafana, which has a connection of its own kind.")
    if said.text("version") != VERSION or not isinstance(said.at("alerts").value, list):
        raise Refused("version", f"is not {VERSION}: leave `payload` of the receiver unset.")
    return "webhook"


def key_of(message: Message) -> str:
    return alerting.group_key(Reader(message.document))


def translate(message: Message, context: Context) -> Iterator[Event]:
    """Each alert by its own state: a group that fires may hold some that do not any more."""
    said = Reader(message.document)
    listed = said.items() if message.type == "api_v2_alerts" else said.items("alerts")
    for one in listed:
        opened = one.need_time("startsAt")
        is_over = one.text("status") == "resolved"
        # Of an open alert the end is when it would be forgotten if nobody told it again.
        closed = one.need_time("endsAt") if is_over else None
        if (alert := alerting.read(one, context, opened=opened, closed=closed)) is not None:
            yield from alerting.events(alert, context)


def poll(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
    """What is open now, and what was open at the last look and is not any more: those are closed now."""
    found = client.get("api/v2/alerts", {"active": "true", "silenced": "true", "inhibited": "true"})
    if not isinstance(found, list):
        raise Refused("", "The answer of api/v2/alerts is not a list.")
    remembered = {str(one.get("fingerprint")): one for one in cursor.get("open", ()) if isinstance(one, dict)}
    now_open = {one.text("fingerprint"): _kept(one) for one in Reader(found).items() if one.text("fingerprint")}
    gone = [
        {**one, "status": "resolved", "endsAt": now.isoformat()}
        for name, one in remembered.items()
        if now_open.get(name, {}).get("startsAt") != one.get("startsAt")
    ]
    messages = [Message(received_at=now, document=found, type="api_v2_alerts")]
    if gone:
        messages.append(Message(received_at=now, document={"alerts": gone}, type="gone"))
    yield Page(messages=messages, cursor={"open": list(now_open.values())[:MAX_REMEMBERED]})


def _kept(one: Reader) -> dict[str, Any]:
    labels = {name: value.text() for name, value in one.entries("labels")}
    return {"fingerprint": one.text("fingerprint"), "startsAt": one.text("startsAt"), "labels": labels}


SYSTEM = System(
    slug="alertmanager",
    title="Prometheus Alertmanager",
    group=Group.MONITORING,
    mechanisms=(Mechanism.WEBHOOK, Mechanism.POLL),
    tested=Tested.REAL,
    schemes=(Scheme.BEARER, Scheme.BASIC),
    options=AlertOptions,
    handled={
        "webhook": "alerts about models that opened and closed",
        "api_v2_alerts": "alerts about models that are open now",
        "gone": "alerts about models that were open at the last look and are not any more",
    },
    brings=frozenset({Fact.ALERT}),
    setup=(
        "Give the alerts that are about a model the labels `model`, `version`, `environment`, `kpi` and `severity` "
        "(critical, warning, info), or name other labels in the options; alerts about no model are left out. Add a "
        "receiver with a `webhook_configs` of `url: {url}`, `send_resolved: true`, `max_alerts: 0` and an "
        "`http_config` whose `authorization` holds the connection's secret, and leave `payload` unset. With an address "
        "the open alerts are read as well, which finds what a lost delivery would have told."
    ),
    type_of=type_of,
    key_of=key_of,
    translate=translate,
    poll=poll,
)
