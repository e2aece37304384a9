"""How much harm a wrong answer of a model can do, what its data are, and what its KPIs have to reach. Pure."""

import math
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

MAX_GOALS = 50


class Tier(StrEnum):
    """How critical a model is, the most critical first. What each means stands in docs/criticality.md."""

    LIFE_THREATENING = "life-threatening"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def label(self) -> str:
        return {
            Tier.LIFE_THREATENING: "Life-threatening",
            Tier.HIGH: "High",
            Tier.MEDIUM: "Medium",
            Tier.LOW: "Low",
        }[self]

    @property
    def meaning(self) -> str:
        return {
            Tier.LIFE_THREATENING: "A wrong answer can kill or injure somebody.",
            Tier.HIGH: "It decides on somebody's rights, living or access to an essential service.",
            Tier.MEDIUM: "A wrong answer costs money or trust, and can be put right.",
            Tier.LOW: "A wrong answer costs attention: a recommendation, an order of results.",
        }[self]


class DataClass(StrEnum):
    """What kind of data a model is made from or works on."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    PERSONAL = "personal"
    SPECIAL_CATEGORY = "special-category"
    PAYMENT_CARD = "payment-card"

    @property
    def label(self) -> str:
        return {
            DataClass.PUBLIC: "Public",
            DataClass.INTERNAL: "Internal",
            DataClass.CONFIDENTIAL: "Confidential",
            DataClass.PERSONAL: "Personal",
            DataClass.SPECIAL_CATEGORY: "Personal of a special category",
            DataClass.PAYMENT_CARD: "Payment cards",
        }[self]


class Goal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A KPI that matters for a model, and what it has to reach."""

    metric: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    segment: Annotated[str, msgspec.Meta(max_length=200)] = ""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def name(self) -> str:
        return self.metric + (f" of {self.segment}" if self.segment else "")

    @property
    def bounds(self) -> str:
        """ "at least 0.8"."""
        bounds = (("at least", self.minimum), ("at most", self.maximum))
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)

    @property
    def words(self) -> str:
        """ "auc of women at least 0.8"."""
        return f"{self.name} {self.bounds}"


def is_lowered(before: str, after: str) -> bool:
    """Whether a model gets a less critical tier, or loses the one it had."""
    if not before:
        return False
    order = list(Tier)
    return not after or order.index(Tier(after)) > order.index(Tier(before))


def problem(goals: Sequence[Goal]) -> str:
    """What is wrong with goals that are each well formed; empty when nothing is."""
    if len(goals) > MAX_GOALS:
        return f"more than {MAX_GOALS}"
    for goal in goals:
        bounds = [bound for bound in (goal.minimum, goal.maximum) if bound is not None]
        if not bounds:
            return f"{goal.metric} says neither minimum nor maximum"
        if not all(map(math.isfinite, bounds)):
            return f"{goal.metric} has a bound that is not a finite number"
        if goal.minimum is not None and goal.maximum is not None and goal.minimum > goal.maximum:
            return f"{goal.metric} has a minimum of {goal.minimum:g} above its maximum of {goal.maximum:g}"
    named = [(goal.metric, goal.segment) for goal in goals]
    return _twice(named)


def _twice(named: Collection[tuple[str, str]]) -> str:
    seen = set()
    for metric, segment in named:
        if (metric, segment) in seen:
            return f"{metric}{' of ' + segment if segment else ''} stands twice"
        seen.add((metric, segment))
    return ""
