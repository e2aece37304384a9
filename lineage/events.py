"""OpenLineage events: read from bytes, told apart, checked for what the graph cannot do without. Pure.

Only identity and time are demanded. Everything else an event may carry is kept as it came, because a facet that we do
not understand today is no reason to lose what happened (OpenLineage 2-0-2; what real senders do is broader).
"""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import IntFlag, StrEnum
from typing import Any
from uuid import UUID, uuid5

import msgspec

from governance import errors
from lineage import facetschemas, masking

# Deeper than any event seen, and shallow enough for every recursive reader behind us (Python's own limit is 1,000).
MAX_DEPTH = 200
# One value costs up to a hundred times its bytes once it is a Python object; real events of 25 MB hold about a million.
MAX_VALUES = 10_000_000
MAX_NAME_CHARS = 10_000
# An event with a thousand datasets needs no thousand warnings.
MAX_FACET_WARNINGS = 20
# A longer number is no measurement, and Python refuses to read it.
MAX_DIGITS = 4_000
# Clocks of senders are not ours; beyond this it is worth a word.
CLOCK_TOLERANCE = timedelta(minutes=5)
# Never changed: run UUIDs of senders whose ids are not UUIDs come from it.
RUN_IDS = UUID("5b2c3f0e-6f0d-5d0c-8f57-0e3f6f0c2a11")

Document = dict[str, Any]

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
# RFC 3339, wider: seconds and offset may be absent, the fraction has any number of digits (nanoseconds are usual), and
# Java adds the zone's name in brackets.
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d)?)?(?:\[[^\]]*\])?",
    re.ASCII,
)
# What PostgreSQL's text and jsonb cannot hold.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_ESCAPED_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_CANONICAL = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder()


class BadEvent(errors.Invalid):
    """These bytes are no event that the graph could use, and sending them again would not help."""

    def __init__(self, message: str, field: str = "", *, code: str = "invalid") -> None:
        super().__init__(message, fields={field: message} if field else None, code=code)
        self.field = field


class EventKind(StrEnum):
    """What an event tells about."""

    RUN = "run"
    JOB = "job"
    DATASET = "dataset"
    # Our own: what people decided of the names of an asset. No sender can send it.
    NAMES = "names"


class EventType(IntFlag):
    """What happened to a run. The bits are stored (Run.event_types); NONE says that the sender gave no type."""

    START = 1
    RUNNING = 2
    COMPLETE = 4
    ABORT = 8
    FAIL = 16
    OTHER = 32
    NONE = 64


_EVENT_TYPES: dict[str, EventType] = {str(word.name): word for word in EventType if word is not EventType.NONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an event is about and when it happened, with what was odd about it."""

    kind: EventKind
    event_time: datetime
    run: UUID | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """One event ready for the log: the bytes to keep, and what is known of them."""

    body: bytes
    digest: bytes
    kind: EventKind
    event_time: datetime
    run: UUID | None
    masked: bool
    warnings: tuple[str, ...]


def read(raw: bytes, *, now: datetime | None = None) -> NewEvent:
    """The event in `raw`, with its secrets masked. Raises BadEvent.

    `body` is `raw` itself unless something had to be masked. With `now`, events from the future carry a warning.
    """
    document = decode(raw)
    masked = False
    if masking.may_hold_secrets(raw):
        document, masked = masking.mask(document)
    identity = identify(document, now=now)
    warnings = identity.warnings
    if facetschemas.may_hold_one(raw):
        warnings += tuple(facetschemas.problems(document)[:MAX_FACET_WARNINGS])
    form = canonical(document)
    return NewEvent(
        body=form if masked else raw,
        digest=hashlib.sha256(form).digest(),
        kind=identity.kind,
        event_time=identity.event_time,
        run=identity.run,
        masked=masked,
        warnings=warnings,
    )


def of_names(
    *,
    at: datetime,
    family: str,
    namespace: str,
    name: str,
    others: Sequence[tuple[str, str]],
    apart: Sequence[tuple[str, str]] = (),
) -> NewEvent:
    """What people decided: that from `at` on an asset is the same as exactly these others of its family.

    `apart`: those that are not the same, whoever tells that they are; again all of them.
    """
    said: Document = {"family": family, "namespace": namespace, "name": name, "others": _listed(others)}
    if apart:
        said["apart"] = _listed(apart)
    body = canonical({"eventTime": at.isoformat(), "names": said})
    digest = hashlib.sha256(body).digest()
    return NewEvent(body=body, digest=digest, kind=EventKind.NAMES, event_time=at, run=None, masked=False, warnings=())


def _listed(assets: Sequence[tuple[str, str]]) -> list[Document]:
    return [{"namespace": namespace, "name": name} for namespace, name in assets]


def decode(raw: bytes) -> Document:
    """The one JSON object in `raw`, in the form PostgreSQL can hold. Raises BadEvent.

    NaN, Infinity and numbers beyond a double become None; NUL and lone surrogates become U+FFFD.
    """
    if len(raw) > MAX_VALUES and raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_VALUES:
        raise BadEvent(f"The event holds more than {MAX_VALUES:,} values.", code="too_large")
    try:
        document = _DECODER.decode(raw)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        document = _decode_leniently(raw, error)
    if type(document) is not dict:
        raise BadEvent(f"An event is a JSON object, not {_json_type(document)}.", code="malformed")
    # No more brackets than levels allowed, so no deeper either; counting is far cheaper than walking.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _check_depth(document)
    if _ESCAPED_UNSTORABLE.search(raw):
        return _storable(document)  # type: ignore[no-any-return]
    return document


def _decode_leniently(raw: bytes, strict_error: Exception) -> Any:
    """Read what strict JSON forbids and real senders write: NaN, Infinity, lone surrogates, numbers of any size."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadEvent(f"Byte {error.start} is not UTF-8 ({error.reason}).", code="malformed") from None
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_integer)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError:
        # The strict parser says more about what is wrong, and where.
        raise BadEvent(f"Not valid JSON: {strict_error}.", code="malformed") from None


def _no_number(_: str) -> None:
    return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= MAX_DIGITS else None


def _check_depth(document: Document) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> BadEvent:
    return BadEvent(f"The event is nested deeper than {MAX_DEPTH} levels.", code="too_deep")


def _storable(value: Any) -> Any:
    if type(value) is str:
        return _UNSTORABLE.sub("\ufffd", value)
    if type(value) is dict:
        cleaned = {}
        for key, member in value.items():
            cleaned[_UNSTORABLE.sub("\ufffd", key)] = _storable(member)
        return cleaned
    if type(value) is list:
        return list(map(_storable, value))
    return value


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value: keys sorted, no white space, UTF-8."""
    return _CANONICAL.encode(value)


def kind_of(document: Document) -> EventKind:
    """Which kind of event this is, by its keys, as the specification's `oneOf` demands. Raises BadEvent."""
    for kind in (EventKind.RUN, EventKind.DATASET, EventKind.JOB, EventKind.NAMES):
        if document.get(kind) is not None:
            return kind
    raise BadEvent("The event has neither run nor job nor dataset.", code="missing")


def type_of(document: Document) -> EventType:
    """What happened to the run. A word that the specification does not know counts as OTHER."""
    word = document.get("eventType")
    if word is None:
        return EventType.NONE
    return _EVENT_TYPES.get(word.upper(), EventType.OTHER) if type(word) is str else EventType.OTHER


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def run_uuid(text: str) -> UUID:
    """The UUID of a run: the sender's id if it is one, else derived from it."""
    return UUID(text) if _UUID.fullmatch(text) else uuid5(RUN_IDS, text)


def parse_time(text: str) -> datetime:
    """The moment that an ISO 8601 time names, in UTC. Raises BadEvent.

    Fractions are cut to microseconds, here and nowhere else. A time without offset is taken as UTC.
    """
    return _parse_time(text, "")[0]


def _parse_time(text: str, field: str) -> tuple[datetime, bool]:
    """The moment, and whether the sender gave an offset."""
    named = f"{field}: " if field else ""
    match = _TIME.fullmatch(text)
    if match is None:
        raise BadEvent(f"{named}{text[:40]!r} is not an ISO 8601 time such as 2026-03-01T10:00:00Z.", field)
    year, month, day, hour, minute, second, fraction, zulu, sign, offset_hour, offset_minute = match.groups()
    try:
        zone = UTC
        if sign:
            offset = timedelta(hours=int(offset_hour), minutes=int(offset_minute or 0))
            zone = timezone(-offset if sign == "-" else offset)
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            int(fraction[:6].ljust(6, "0")) if fraction else 0,
            zone,
        )
        return (moment if zone is UTC else moment.astimezone(UTC)), bool(zulu or sign)
    except (ValueError, OverflowError) as error:
        raise BadEvent(f"{named}{text[:40]!r} is not a time: {error}.", field) from None


def identify(document: Document, *, now: datetime | None = None) -> Identity:
    """What the event is about. Checks only what identity and time need, and raises BadEvent naming the field.

    With `now`, an event time that lies ahead of it gives a warning.
    """
    kind = kind_of(document)
    if kind is EventKind.NAMES:
        raise BadEvent("The event has neither run nor job nor dataset.", code="missing")
    warnings: list[str] = []
    event_time = _event_time(document, now, warnings)
    run: UUID | None = None
    if kind is EventKind.RUN:
        run = _run(document["run"], warnings)
    if kind is EventKind.DATASET:
        _named(document["dataset"], "dataset", warnings)
    else:
        _named(_required(document, "job", ""), "job", warnings)
        for direction in ("inputs", "outputs"):
            _datasets(document.get(direction), direction, warnings)
    if kind is EventKind.RUN:
        word = document.get("eventType")
        if word is not None and not (type(word) is str and word.upper() in _EVENT_TYPES):
            warnings.append(f"eventType {str(word)[:40]!r} is unknown and taken as OTHER.")
    for key in ("producer", "schemaURL"):
        if not document.get(key):
            warnings.append(f"{key} is missing.")
    return Identity(kind=kind, event_time=event_time, run=run, warnings=tuple(warnings))


def _event_time(document: Document, now: datetime | None, warnings: list[str]) -> datetime:
    text = _text(document, "eventTime", "")
    event_time, has_offset = _parse_time(text, "eventTime")
    if not has_offset:
        warnings.append("eventTime has no offset and is taken as UTC.")
    if now is not None and event_time > now + CLOCK_TOLERANCE:
        warnings.append("eventTime lies in the future.")
    return event_time


def _run(run: Any, warnings: list[str]) -> UUID:
    run_id = _text(_object(run, "run"), "runId", "run.")
    if not is_uuid(run_id):
        warnings.append("run.runId is not a UUID.")
    facets = _facets(run, "run", warnings)
    # Clients of 2021 spelt it parentRun.
    for key in ("parent", "parentRun"):
        facet = facets.get(key)
        if type(facet) is dict:
            _parent(facet, f"run.facets.{key}", warnings)
            if type(root := facet.get("root")) is dict:
                _parent(root, f"run.facets.{key}.root", warnings)
    return run_uuid(run_id)


def _parent(facet: Document, path: str, warnings: list[str]) -> None:
    """A parent facet that names a run names it whole: its id and its job."""
    if "run" not in facet:
        return
    run_id = _text(_object(facet["run"], f"{path}.run"), "runId", f"{path}.run.")
    if not is_uuid(run_id):
        warnings.append(f"{path}.run.runId is not a UUID.")
    job = _required(facet, "job", f"{path}.")
    for key in ("namespace", "name"):
        _text(_object(job, f"{path}.job"), key, f"{path}.job.")


def _datasets(listed: Any, path: str, warnings: list[str]) -> None:
    if listed is None:
        return
    if type(listed) is not list:
        raise BadEvent(f"{path} is a list of datasets, not {_json_type(listed)}.", path)
    for index, dataset in enumerate(listed):
        # The path is spelt out only for the one that is wrong: events with thousands of datasets are usual.
        if not _is_named(dataset):
            _named(dataset, f"{path}[{index}]", warnings)


def _is_named(thing: Any) -> bool:
    """Nothing is wrong or odd about these names."""
    return (
        type(thing) is dict
        and type(namespace := thing.get("namespace")) is str
        and 0 < len(namespace) <= MAX_NAME_CHARS
        and type(name := thing.get("name")) is str
        and 0 < len(name) <= MAX_NAME_CHARS
        and type(thing.get("facets", thing)) is dict
    )


def _named(thing: Any, path: str, warnings: list[str]) -> None:
    for key in ("namespace", "name"):
        _text(_object(thing, path), key, f"{path}.")
    _facets(thing, path, warnings)


def _facets(owner: Document, path: str, warnings: list[str]) -> Document:
    facets = owner.get("facets")
    if type(facets) is dict:
        return facets
    if facets is not None:
        warnings.append(f"{path}.facets is {_json_type(facets)}, not an object, and is not read.")
    return {}


def _object(value: Any, path: str) -> Document:
    if type(value) is not dict:
        raise BadEvent(f"{path} is an object, not {_json_type(value)}.", path)
    return value


def _required(owner: Document, key: str, prefix: str) -> Any:
    value = owner.get(key)
    if value is None:
        raise BadEvent(f"{prefix}{key} is missing.", prefix + key, code="missing")
    return value


def _text(owner: Document, key: str, prefix: str) -> str:
    value = _required(owner, key, prefix)
    path = prefix + key
    if type(value) is not str:
        raise BadEvent(f"{path} is a string, not {_json_type(value)}.", path)
    if not value:
        raise BadEvent(f"{path} is empty.", path)
    if len(value) > MAX_NAME_CHARS:
        raise BadEvent(f"{path} is longer than {MAX_NAME_CHARS:,} characters.", path)
    return value


def _json_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
