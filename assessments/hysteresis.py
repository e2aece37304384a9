"""The published level: it moves when two snapshots in a row agree, and falls at once with a broken control. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from assessments.framework import Ladder
from assessments.judging import Result, Status
from assessments.scoring import Rating

ALL_BASIS = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is published after a snapshot. `computed` is what that snapshot itself came to.

    While a team is not rated nothing is shown, and the level before is kept to compare with: falling silent for a week
    must not be a way to a level without two snapshots.
    """

    level: int | None
    computed: int | None
    is_shown: bool
    broken: tuple[str, ...] = ()


def hold(before: Held | None, rating: Rating, broken: Mapping[str, int]) -> Held:
    """What to publish now. `broken` are the failing all-or-nothing criteria with their levels (`broken_controls`)."""
    if rating.level is None:
        return Held(
            level=before.level if before else None,
            computed=before.computed if before else None,
            is_shown=False,
        )
    now, controls = rating.level, tuple(sorted(broken))
    if before is None or before.level is None:
        return Held(level=now, computed=now, is_shown=True, broken=controls)
    level = min([before.level, *(below - 1 for below in broken.values())])
    if before.computed is not None:
        if now > level and before.computed > level:
            level = min(now, before.computed)
        elif now < level and before.computed < level:
            level = max(now, before.computed)
    return Held(level=level, computed=now, is_shown=True, broken=controls)


def broken_controls(ladder: Ladder, results: Mapping[str, Result]) -> dict[str, int]:
    """Gating criteria of which one exception defeats the purpose, and that have one, with their levels."""
    return {
        criterion.id: criterion.level
        for criterion in ladder.criteria
        if criterion.gating
        and criterion.threshold is not None
        and criterion.threshold.basis == ALL_BASIS
        and results[criterion.id].status is Status.FAIL
    }
