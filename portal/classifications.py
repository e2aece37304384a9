"""How critical an asset is, as its page shows it."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.utils import timezone

from governance import selectors
from governance.criticality import DataClass, Goal, Tier
from governance.errors import Invalid
from governance.permissions import Permission
from portal.classificationforms import ClassificationForm

BOUND = re.compile(r"(>=|<=)\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)$")


def context(
    asset: UUID,
    held: Collection[Permission],
    form: ClassificationForm | None = None,
    until: datetime | None = None,
) -> dict[str, Any]:
    """What the section of an asset's page needs, now or at an instant. `held` is what its reader may do with it."""
    at = until or timezone.now()
    history = [row for row in selectors.classification_history(asset) if until is None or row.period.lower <= until]
    current = next((row for row in history if row.period.upper is None or row.period.upper > at), None)
    goals = msgspec.convert(current.goals, list[Goal]) if current else []
    return {
        "classified": current,
        "tier_chosen": Tier(current.tier) if current and current.tier else None,
        "data_chosen": [DataClass(word).label for word in current.data_classes] if current else [],
        "goals": [goal.words for goal in goals],
        "classified_before": [row for row in history if row != current],
        "may_classify": Permission.MANAGE_OWNERSHIP in held,
        "tiers": list(Tier),
        "data_classes": list(DataClass),
        "classification_form": form or ClassificationForm(initial=_initial(current, goals)),
    }


def goals_of(text: str) -> list[Goal]:
    """The goals in lines such as "auc >= 0.8" and "latency_ms of mobile <= 50". Raises Invalid, naming the line."""
    found: dict[tuple[str, str], Goal] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        bound = BOUND.search(line.strip())
        name = line.strip()[: bound.start()].strip() if bound else ""
        metric, _, segment = name.partition(" of ")
        if bound is None or not metric:
            says = f"Line {number} is not like “auc >= 0.8” or “latency_ms of mobile <= 50”."
            raise Invalid(f"goals: {says}", fields={"goals": says})
        side = "minimum" if bound[1] == ">=" else "maximum"
        before = found.get((metric, segment)) or Goal(metric=metric, segment=segment)
        if getattr(before, side) is not None:
            says = f"Line {number} says again what {metric} has to reach."
            raise Invalid(f"goals: {says}", fields={"goals": says})
        found[metric, segment] = msgspec.structs.replace(before, **{side: float(bound[2])})
    return list(found.values())


def lines_of(goals: list[Goal]) -> str:
    """The goals as `goals_of` reads them."""
    bounds = [(goal, ">=", goal.minimum) for goal in goals] + [(goal, "<=", goal.maximum) for goal in goals]
    return "\n".join(f"{goal.name} {sign} {bound:g}" for goal, sign, bound in bounds if bound is not None)


def _initial(current: Any, goals: list[Goal]) -> dict[str, Any]:
    if current is None:
        return {}
    return {
        "tier": current.tier,
        "data_classes": current.data_classes,
        "goals": lines_of(goals),
        "done_when": current.done_when,
    }
