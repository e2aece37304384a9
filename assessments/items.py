"""The items that a measure counts, and which of them count. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# An event measure with too few items in its window looks back this far for the newest ones.
LONGEST_LOOK_BACK = timedelta(days=365)
# How many misses a result keeps; the counts are always whole.
MAX_MISSES = 50


class State(StrEnum):
    """Whether something is so. What no source reports is unknown, which is neither."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a measure looked at.

    `at` is when it happened, for events. `value` is what a median is made of; an item without one is unknown there.
    `is_unproven` marks a success that could not have failed. `missing` names the facts that would make it known.
    """

    asset: str
    label: str
    state: State
    at: datetime | None = None
    value: float | None = None
    is_unproven: bool = False
    strength: float = 1.0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """An item that does not count as good: the way from a number to the asset behind it."""

    asset: str
    label: str
    state: State
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counted items. `true` counts those for which the criterion's words hold, whichever way is good.

    `unproven` of the true ones could not have failed. `values` are those of the known items, for a median. `strength`
    is the mean of the known items'.
    """

    true: int = 0
    false: int = 0
    unknown: int = 0
    not_applicable: int = 0
    unproven: int = 0
    values: tuple[float, ...] = ()
    strength: float = 1.0
    oldest_at: datetime | None = None
    reached_back: bool = False
    missing: tuple[str, ...] = ()
    misses: tuple[Miss, ...] = ()

    @property
    def items(self) -> int:
        """Those that the share is taken of."""
        return self.true + self.false + self.unknown

    @property
    def known(self) -> int:
        return self.true + self.false


def newest(items: Iterable[Item], *, as_of: datetime, window: timedelta, min_items: int) -> tuple[list[Item], bool]:
    """The items of the window, and whether older ones had to be taken: the newest `min_items`, at most a year old.

    Widening the window by steps instead would let one new bad item push several old bad ones out. Items that do not
    apply are not counted toward the minimum, and an item without a time is taken as new.
    """
    ordered = sorted(
        (item for item in items if item.at is None or as_of - LONGEST_LOOK_BACK < item.at <= as_of),
        key=lambda item: (item.at or as_of, item.asset),
        reverse=True,
    )
    counted = [item for item in ordered if item.state is not State.NOT_APPLICABLE]
    inside = [item for item in counted if item.at is None or item.at > as_of - window]
    if len(inside) >= min_items:
        return inside, False
    return counted[:min_items], len(counted) > len(inside)


def tally(items: Sequence[Item], *, good: State = State.TRUE, reached_back: bool = False) -> Tally:
    """Count items. Those that are not `good` are the misses, the known ones first."""
    states = Counter(item.state for item in items)
    known = [item for item in items if item.state in {State.TRUE, State.FALSE}]
    times = [item.at for item in items if item.at is not None]
    bad = [item for item in items if item.state is not State.NOT_APPLICABLE and item.state is not good]
    bad.sort(key=lambda item: (item.state is State.UNKNOWN, item.label, item.asset))
    return Tally(
        true=states[State.TRUE],
        false=states[State.FALSE],
        unknown=states[State.UNKNOWN],
        not_applicable=states[State.NOT_APPLICABLE],
        unproven=sum(item.is_unproven for item in known if item.state is State.TRUE),
        values=tuple(sorted(item.value for item in known if item.value is not None)),
        strength=sum(item.strength for item in known) / len(known) if known else 1.0,
        oldest_at=min(times, default=None),
        reached_back=reached_back,
        missing=tuple(sorted({fact for item in items if item.state is State.UNKNOWN for fact in item.missing})),
        misses=tuple(
            Miss(asset=item.asset, label=item.label, state=item.state, missing=item.missing)
            for item in bad[:MAX_MISSES]
        ),
    )
