"""Reading documents of other systems: whatever is missing or of another form is absent, and never an exception. Pure.

Only what a fact cannot do without is demanded, by `need…`, and refused with the field's name.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from integrations.systems.base import Refused

MAX_CHARS = 2_000
# Numbers of seconds, milliseconds, microseconds and nanoseconds since 1970 lie apart by a factor of 1,000: whatever is
# past the year 5138 in one unit is told in the next.
_TOO_LATE = 1e11
_EPOCH = re.compile(r"-?\d{9,19}(\.\d+)?", re.ASCII)
_FORMS = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII | re.I
)
# Go's zero time and its like: not a time, but "not yet".
_NEVER_YEAR = 1


class Reader:
    """A JSON value and the path at which it stands."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def at(self, *keys: str | int) -> "Reader":
        """The value below; of nothing when there is none."""
        value, path = self.value, self.path
        for key in keys:
            if isinstance(key, int):
                value = value[key] if isinstance(value, list) and -len(value) <= key < len(value) else None
                path = f"{path}[{key}]"
            else:
                value = value.get(key) if isinstance(value, dict) else None
                path = f"{path}.{key}" if path else key
        return Reader(value, path)

    def _value(self, keys: tuple[str | int, ...]) -> Any:
        """What `at` gives, without its path, which only refusals and what stands below need."""
        value = self.value
        for key in keys:
            if isinstance(key, str):
                value = value.get(key) if isinstance(value, dict) else None
            else:
                value = value[key] if isinstance(value, list) and -len(value) <= key < len(value) else None
        return value

    def text(self, *keys: str | int) -> str:
        """Text, or a number as text; empty when there is none. Cut at 2,000 characters."""
        value = self._value(keys)
        if isinstance(value, str):
            return value[:MAX_CHARS]
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value) if abs(value) < 10**30 else ""
        return ""

    def need(self, *keys: str | int) -> str:
        """Text that must be there. Raises Refused."""
        if text := self.text(*keys):
            return text
        raise Refused(self.at(*keys).path, "is missing or is not text.")

    def number(self, *keys: str | int) -> float | None:
        """A finite number, also when it is told as text; None otherwise."""
        value = self._value(keys)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        if isinstance(value, str) and len(value) > 40:
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    def count(self, *keys: str | int) -> int | None:
        number = self.number(*keys)
        return None if number is None or number < 0 or number != int(number) else int(number)

    def flag(self, *keys: str | int) -> bool | None:
        value = self._value(keys)
        if isinstance(value, str):
            return {"true": True, "false": False}.get(value.lower())
        return value if isinstance(value, bool) else None

    def time(self, *keys: str | int) -> datetime | None:
        """A time in any of the forms that systems use; None when there is none, or when it stands for "not yet"."""
        value = self._value(keys)
        if isinstance(value, str):
            return _of_text(value.strip())
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _of_number(value)
        return None

    def need_time(self, *keys: str | int) -> datetime:
        """A time that must be there. Raises Refused."""
        if (time := self.time(*keys)) is not None:
            return time
        raise Refused(self.at(*keys).path, "is missing or is not a time.")

    def items(self, *keys: str | int) -> Iterator["Reader"]:
        """The values of a list; none when it is none."""
        below = self.at(*keys)
        if isinstance(below.value, list):
            for index, value in enumerate(below.value):
                yield Reader(value, f"{below.path}[{index}]")

    def entries(self, *keys: str | int) -> Iterator[tuple[str, "Reader"]]:
        """Names and values of an object; none when it is none."""
        below = self.at(*keys)
        if isinstance(below.value, dict):
            for key, value in below.value.items():
                if isinstance(key, str):
                    yield key, Reader(value, f"{below.path}.{key}" if below.path else key)

    def __bool__(self) -> bool:
        return self.value is not None


def _of_number(value: float) -> datetime | None:
    try:
        seconds = float(value)
        if not math.isfinite(seconds):
            return None
        for _ in range(3):
            if abs(seconds) >= _TOO_LATE:
                seconds /= 1_000
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _of_text(value: str) -> datetime | None:
    if _EPOCH.fullmatch(value):
        return _of_number(float(value))
    found = _FORMS.fullmatch(value)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if int(year) <= _NEVER_YEAR:
        return None
    offset = "+00:00" if zone is None or zone.upper() in {"Z", "UTC"} else zone
    try:
        return datetime.fromisoformat(
            f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}.{(fraction or '0')[:6]:0<6}{offset}"
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
