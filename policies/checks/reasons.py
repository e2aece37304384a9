"""Putting an answer together from its parts: one failure fails, one unknown is unknown, and nothing at all is too."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from policies.checks.base import Outcome

NAMED = 5
# Clocks of senders are not ours.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(slots=True)
class Reasons:
    """What speaks for each outcome, in words that end no sentence."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def judge(self, holds: bool | None, good: str, bad: str = "") -> None:
        """Add one part: whether it holds, with the words for either; None is unknown, told by `bad`."""
        if holds:
            self.passed.append(good)
        elif holds is None:
            self.unknown.append(bad or good)
        else:
            self.failed.append(bad or good)

    @property
    def outcome(self) -> Outcome:
        if self.failed:
            return Outcome.FAIL
        return Outcome.PASS if self.passed and not self.unknown else Outcome.UNKNOWN

    @property
    def sentence(self) -> str:
        """What is wrong or not known, or else all that holds."""
        said = [*self.failed, *self.unknown] or self.passed
        return f"{listed(said, '; ')}." if said else "Nothing is known."


def listed(names: Iterable[str], separator: str = ", ") -> str:
    """The first few of them, and how many more there are."""
    found = list(names)
    more = f"{separator}and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return separator.join(found[:NAMED]) + more


def at_most(value: float, bound: float) -> bool:
    """Whether the value keeps the bound. A hair more is the rounding of binary fractions, not a breach."""
    return value <= bound or math.isclose(value, bound, rel_tol=1e-9, abs_tol=1e-12)


def fresh(now: str, at: str | None, within_days: float | None, what: str) -> tuple[bool | None, str]:
    """Whether a time lies within so many days before `now`, with the words for it; no words when nothing is asked.

    What is older is unknown and no failure: it may still be so. What is not known, or in the future, is unknown too.
    """
    if within_days is None:
        return True, ""
    if not at:
        return None, f"it is not known when {what}"
    age = datetime.fromisoformat(now) - datetime.fromisoformat(at)
    if age < -CLOCK_TOLERANCE:
        return None, f"{what} in the future ({at[:16]})"
    days = age / timedelta(days=1)
    said = f"{what} {days:.0f} days ago" if days >= 2 else f"{what} {days * 24:.0f} hours ago"
    return (True, said) if days <= within_days else (None, f"{said}, more than {within_days:g} days")
