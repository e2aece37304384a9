"""How much of an initiative is done: items over its criteria and teams, not teams. Pure.

What a criterion asks for are as many items as its threshold needs ("2 of 3 versions"); one that people answer, or whose
threshold cannot be counted in items, is one item. What does not apply asks for nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assessments.framework import Criterion
from assessments.judging import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Items done of those asked for."""

    done: int = 0
    asked: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(done=self.done + other.done, asked=self.asked + other.asked)

    @property
    def is_met(self) -> bool:
        """Nothing asked for is nothing met: a team that is not rated has shown nothing."""
        return 0 < self.asked == self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """How far an initiative was in one published snapshot."""

    at: datetime
    number: int
    done: Done


def of(criterion: Criterion, result: Mapping[str, Any]) -> Done:
    """The items of one stored result of a team."""
    status = Status(result["status"])
    if status is Status.NOT_APPLICABLE:
        return Done()
    threshold = criterion.threshold
    needed = result.get("needed") if threshold is not None and threshold.is_at_least else None
    asked = max(1, needed or 1)
    if status.holds:
        return Done(done=asked, asked=asked)
    # Below its threshold it is never all done, whatever a stored count says.
    true = result.get("items", {}).get("true", 0) if needed else 0
    return Done(done=min(true, asked - 1), asked=asked)


def total(criteria: Sequence[Criterion], cards: Iterable[Sequence[Mapping[str, Any]]], missing_cards: int = 0) -> Done:
    """Over the results of several teams. A team without a card owes one item for each criterion."""
    wanted = {criterion.id: criterion for criterion in criteria}
    found = Done(done=0, asked=missing_cards * len(wanted))
    for results in cards:
        found += _card(wanted, results)
    return found


def _card(wanted: Mapping[str, Criterion], results: Sequence[Mapping[str, Any]]) -> Done:
    found = Done()
    for result in results:
        if (criterion := wanted.get(result["criterion"])) is not None:
            found += of(criterion, result)
    return found


def covered(criteria: Iterable[Criterion], *, level: int | None, chosen: Collection[str]) -> list[Criterion]:
    """The gating criteria up to a level, or the chosen ones."""
    if level is None:
        return [criterion for criterion in criteria if criterion.id in chosen]
    return [criterion for criterion in criteria if criterion.gating and criterion.level <= level]
