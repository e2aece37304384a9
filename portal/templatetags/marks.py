"""Filters that turn values into what people read."""

import json
import re
from datetime import datetime, timedelta

from django import template

from portal import marks

register = template.Library()
# Words that the API joins with underscores: business_owner.
SLUG = re.compile(r"[a-z]+(_[a-z]+)+")


@register.filter
def outcome_mark(value: str) -> marks.Mark:
    return marks.mark(marks.OUTCOMES, value)


@register.filter
def promotion_mark(value: str) -> marks.Mark:
    return marks.mark(marks.PROMOTION_STATES, value)


@register.filter
def run_mark(value: str) -> marks.Mark:
    return marks.mark(marks.RUN_STATES, value)


@register.filter
def decision_mark(value: str) -> marks.Mark:
    return marks.mark(marks.DECISIONS, value)


@register.filter
def delivery_mark(value: str) -> marks.Mark:
    return marks.mark(marks.DELIVERY_STATES, value)


@register.filter
def dispatch_mark(value: str) -> marks.Mark:
    return marks.mark(marks.DISPATCH_STATES, value)


@register.filter
def join_decision(action: str) -> str:
    """What somebody decided of a join, as its history says it."""
    return marks.JOIN_DECISIONS[action]


@register.filter
def join_mark(value: str) -> marks.Mark:
    return marks.mark(marks.JOIN_STATES, value)


@register.filter
def severity_mark(value: str) -> marks.Mark:
    return marks.mark(marks.SEVERITIES, value)


@register.filter
def incident_word(value: str) -> str:
    return marks.mark(marks.INCIDENT_KINDS, value).word


@register.filter
def incident_ending_word(value: str) -> str:
    return marks.mark(marks.INCIDENT_ENDINGS, value).word


@register.filter
def waiver_word_mark(value: str) -> marks.Mark:
    return marks.mark(marks.WAIVER_WORDS, value)


@register.filter
def until(start: datetime | None, end: datetime | None) -> timedelta | None:
    """The time from one instant to the other; nothing when either is not known or they stand the wrong way round."""
    return end - start if start and end and end >= start else None


@register.filter
def duration(length: timedelta | None) -> str:
    """The two largest units: 3 h 12 min, 4.2 s."""
    if length is None:
        return ""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller_size, smaller_unit in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            large, rest = divmod(whole, size)
            small = rest // smaller_size
            return f"{large:,} {unit} {small} {smaller_unit}" if small else f"{large:,} {unit}"
    return f"{whole} s"


@register.filter
def measured(value: object) -> str:
    """A number with as many digits as help, without the noise of binary fractions."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}"


@register.filter
def short(identifier: object) -> str:
    """Both ends of an id. The beginning alone would not do: that of a UUID of version 7 is the hour."""
    text = str(identifier)
    return text if len(text) <= 12 else f"{text[:4]}…{text[-6:]}"


@register.filter
def middle(text: str, keep: int = 48) -> str:
    """A long name with its middle left out: both ends tell names apart. The whole name belongs in a title."""
    if len(text) <= keep:
        return text
    head = keep * 2 // 5
    return f"{text[:head]}…{text[-(keep - head - 1) :]}"


@register.filter
def readable(value: object) -> str:
    """A value of a finding in words: numbers short, lists as lines, documents as JSON."""
    match value:
        case None | "" | []:
            return "none"
        case dict() if not value:
            return "none"
        case str():
            return value.replace("_", " ") if SLUG.fullmatch(value) else value
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return measured(value)
        case list() if _is_flat(value):
            return "\n".join(readable(one) for one in value)
        case dict() if all(_is_flat(one) for one in value.values()):
            return "\n".join(f"{key.replace('_', ' ')}: {_in_line(one)}" for key, one in value.items())
        case _:
            return indented(value)


def _is_flat(value: object) -> bool:
    """Whether it is one value, or a list of such."""
    inner = value if isinstance(value, list) else [value]
    return not any(isinstance(one, dict | list) for one in inner)


def _in_line(value: object) -> str:
    return readable(value).replace("\n", ", ") if isinstance(value, list) else readable(value)


@register.filter
def indented(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
