"""Fiddler: records of its alert rules, which are polled. Its web hooks are chat messages: they say there is news."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from integrations.openlineage import Dataset, Event
from integrations.systems import vocabulary, watches
from integrations.systems.base import (
    Client,
    Context,
    Fact,
    Group,
    Mechanism,
    Message,
    Options,
    Page,
    Refused,
    Scheme,
    System,
    Tested,
)
from integrations.systems.reading import Reader
from integrations.systems.watches import Alert

RECORDS, NUDGE = "alert records", "chat message"
PAGE_ITEMS = 100
MAX_PAGES = 200
# At the first poll; and how far each goes back behind the last, since records of a time are evaluated again later.
FIRST_DAYS, AGAIN_HOURS = 30, 24
# What a rule looks at, as Fiddler calls the type of its metric, and the kind of alert.
KINDS: Mapping[str, str] = {
    "performance": "model_quality",
    "drift": "input_data",
    "data_drift": "input_data",
    "data_integrity": "input_data",
    "dataintegrity": "input_data",
    "service_metrics": "service_health",
    "traffic": "service_health",
    "custom": "business_outcome",
    "statistic": "input_data",
}


class FiddlerOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`version`: of the models that rules name without one."""

    version: str = ""


def translate(message: Message, context: Context) -> Iterator[Event]:
    """The records of one rule, each time and feature by its newest evaluation. Records say that an alert is open when
    they are alerts, and that it ended when they are none."""
    said = Reader(message.document)
    newest: dict[tuple[str, str], Reader] = {}
    for record in said.items("data", "items"):
        rule = record.text("alert_rule_id") or record.text("alert_config_uuid") or record.text("alert_config_id")
        if not rule:
            raise Refused(record.at("alert_config_uuid").path, "is missing, and so is alert_rule_id.")
        series = (rule, record.text("feature_name"))
        if series not in newest or _order(record) > _order(newest[series]):
            newest[series] = record
    for (rule, feature), record in sorted(newest.items()):
        yield _event(rule, feature, record, said.at("rule"), message.received_at, context)


def _order(record: Reader) -> tuple[float, int, int]:
    """Later times first; of one time, the evaluation with the highest version."""
    bucket = record.number("alert_time_bucket") or 0.0
    main, sub = (record.count(f"alert_record_{part}_version") or 0 for part in ("main", "sub"))
    return bucket, main, sub


def _event(
    rule: str, feature: str, record: Reader, described: Reader, received_at: datetime, context: Context
) -> Event:
    at = record.time("created_at") or record.time("alert_time_bucket") or received_at
    severity = record.text("severity")
    is_open = record.flag("is_alert") if record.flag("is_alert") is not None else bool(severity)
    critical = vocabulary.severity(severity) == "critical"
    kind = KINDS.get(described.text("metric", "type").lower() or described.text("alert_type").lower(), "input_data")
    alert = Alert(
        id=f"{rule}/{feature}".rstrip("/"),
        kind=kind,
        severity=vocabulary.severity(severity),
        closed_at=None if is_open else at,
        measured=record.number("alert_value"),
        limit=record.number("critical_threshold" if critical else "warning_threshold"),
        about=feature,
    )
    about = _model(described, context)
    facets = {"assay_monitors": {"monitors": [{"kind": kind, "hasLimit": True}]}}
    job = context.job(f"alert-rule/{rule}")
    return watches.told([alert], job=job, at=at, about=[about] if about else [], facets=facets)


def _model(rule: Reader, context: Context) -> Dataset | None:
    name = rule.text("model", "name") or rule.text("model_name")
    version = rule.text("model", "version") or rule.text("model_version") or getattr(context.options, "version", "")
    return context.model(name, version) if name else None


# Polling.


def poll(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
    """The records of every rule since a day before the last poll."""
    last = Reader(cursor).time("until")
    since = last - timedelta(hours=AGAIN_HOURS) if last else now - timedelta(days=FIRST_DAYS)
    for rule in _items(client, "/v3/alert-rules", {}):
        id = rule.text("id") or rule.text("uuid")
        if not id:
            continue
        asked = {"start_time": since.isoformat(), "end_time": now.isoformat(), "ordering": "-created_at"}
        records = [one.value for one in _items(client, f"/v3/alert-rules/{id}/records", asked)]
        if records:
            document = {"rule": _known(rule), "data": {"items": records}}
            message = Message(received_at=now, document=document, type=RECORDS)
            yield Page(messages=[message], cursor=cursor)
    yield Page(messages=[], cursor={"until": now.isoformat()})


def _known(rule: Reader) -> dict[str, Any]:
    """What is read of a rule. It also names whom to tell, which is nobody's business here."""
    return {
        "id": rule.text("id") or rule.text("uuid"),
        "metric": {"type": rule.text("metric", "type")},
        "alert_type": rule.text("alert_type"),
        "model": {
            "name": rule.text("model", "name") or rule.text("model_name"),
            "version": rule.text("model", "version"),
        },
    }


def _items(client: Client, path: str, asked: Mapping[str, Any]) -> Iterator[Reader]:
    for page in range(MAX_PAGES):
        answer = Reader(client.get(path, {**asked, "limit": PAGE_ITEMS, "offset": page * PAGE_ITEMS}))
        items = list(answer.items("data", "items"))
        yield from items
        if len(items) < PAGE_ITEMS:
            return


def type_of(message: Message) -> str:
    said = Reader(message.document)
    if isinstance(said.at("data", "items").value, list):
        return RECORDS
    if any(said.at(key) for key in ("text", "attachments", "blocks", "summary", "sections")):
        return NUDGE
    raise Refused("data.items", "is missing.")


SYSTEM = System(
    slug="fiddler",
    title="Fiddler",
    group=Group.MONITORING,
    mechanisms=(Mechanism.POLL, Mechanism.WEBHOOK),
    tested=Tested.REPLAY,
    schemes=(Scheme.SECRET_PATH,),
    options=FiddlerOptions,
    handled={RECORDS: "an alert for each rule and feature, and its end"},
    ignored={NUDGE: "a message for people, which says that there is news; a poll reads at once what it is"},
    nudges=frozenset({NUDGE}),
    brings=frozenset({Fact.ALERT}),
    setup=(
        "Give the address of your Fiddler and an API key, which is sent as a bearer token. To hear of alerts at once, "
        "add a web hook of the type Slack at `{url}` to the rules: its text is not read, but it asks for a poll.\n\n"
        "Rules name a model without a version where Fiddler knows none; set it as `version`."
    ),
    type_of=type_of,
    translate=translate,
    poll=poll,
)
