"""Who the made-up teams are and what they are used to doing. Pure: the seed alone decides.

A practice is a step of five, from models handed over by hand to operations that answer by themselves. What a team does
is what its practice asks for and all below it; now and then it slips. Some teams move up during the history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b

HISTORY_DAYS = 548
DOMAINS = (
    "credit-risk",
    "fraud-detection",
    "claims-triage",
    "customer-churn",
    "demand-forecast",
    "price-elasticity",
    "route-planning",
    "document-reading",
    "energy-load",
    "predictive-maintenance",
    "search-ranking",
    "recommendations",
    "voice-transcription",
    "image-inspection",
    "patient-flow",
    "anti-money-laundering",
    "inventory-planning",
    "marketing-mix",
    "contract-review",
    "network-anomalies",
)
SUBJECTS = ("score", "ranking", "forecast", "alert", "segment", "limit", "quality", "duration")


class Practice(IntEnum):
    """What a team does, each step with all below it."""

    BY_HAND = 0  # A file is handed over and put to service by someone.
    RECORDED = 1  # Code is versioned, runs record parameters and metrics.
    PIPELINE = 2  # An orchestrator trains on a schedule, data are checked, a gate decides.
    DELIVERED = 3  # CI builds and tests, a canary comes first, predictions are sampled.
    OPERATED = 4  # Monitoring starts retraining, drills are held, features are managed.


@dataclass(frozen=True, slots=True)
class Draws:
    """Numbers that belong to things: the same seed and thing give the same number on every machine."""

    seed: int

    def number(self, *what: object) -> int:
        key = self.seed.to_bytes(16, "big", signed=True)
        return int.from_bytes(blake2b("/".join(map(str, what)).encode(), key=key, digest_size=8).digest())

    def below(self, limit: int, *what: object) -> int:
        return self.number(*what) % limit

    def chance(self, percent: float, *what: object) -> bool:
        return self.number(*what) % 10_000 < percent * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpTeam:
    """A team, what it did at first, and since how many days before the end it has done more."""

    number: int
    slug: str
    name: str
    began_as: Practice
    became: Practice
    changed_days_ago: int
    # Days before the end since which nobody has heard of it; none while it reports.
    silent_days: int
    models: int

    def practice(self, days_ago: float) -> Practice:
        return self.became if days_ago <= self.changed_days_ago else self.began_as


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpModel:
    """A model of a team, how often it is trained anew, and how it serves."""

    team: MadeUpTeam
    number: int
    name: str
    every_days: int
    is_batch: bool
    has_owner: bool


# Of a hundred teams, so many begin and end like this.
WAYS: Sequence[tuple[int, Practice, Practice]] = (
    (14, Practice.BY_HAND, Practice.BY_HAND),
    (16, Practice.BY_HAND, Practice.RECORDED),
    (16, Practice.RECORDED, Practice.PIPELINE),
    (14, Practice.PIPELINE, Practice.PIPELINE),
    (20, Practice.PIPELINE, Practice.DELIVERED),
    (12, Practice.DELIVERED, Practice.OPERATED),
    (8, Practice.OPERATED, Practice.OPERATED),
)
# The first teams show each way once, so that few teams are enough to see all.
FIRST = (5, 0, 4, 2, 6, 1, 3)


def team(draws: Draws, number: int) -> MadeUpTeam:
    began, became = _way(draws, number)
    domain = DOMAINS[number % len(DOMAINS)]
    turn = number // len(DOMAINS)
    slug = f"{domain}-{turn + 1}" if turn else domain
    # One team in twenty-five stopped reporting, and never one of the first ones.
    silent = 20 + draws.below(60, "silence", number) if number > 8 and draws.chance(4, "silent", number) else 0
    return MadeUpTeam(
        number=number,
        slug=slug,
        name=slug.replace("-", " ").capitalize(),
        began_as=began,
        became=became,
        changed_days_ago=120 + draws.below(280, "change", number),
        silent_days=silent,
        models=2 + draws.below(4, "models", number),
    )


def models(draws: Draws, owner: MadeUpTeam) -> list[MadeUpModel]:
    first = draws.below(len(SUBJECTS), "subject", owner.number)
    return [
        MadeUpModel(
            team=owner,
            number=number,
            name=f"{owner.slug}-{SUBJECTS[(first + number) % len(SUBJECTS)]}"
            + (f"-{number // len(SUBJECTS) + 1}" if number >= len(SUBJECTS) else ""),
            every_days=_cadence(draws, owner, number),
            is_batch=owner.became >= Practice.DELIVERED and draws.chance(15, "batch", owner.number, number),
            has_owner=not (owner.number > 8 and draws.chance(2, "orphan", owner.number, number)),
        )
        for number in range(owner.models)
    ]


def _way(draws: Draws, number: int) -> tuple[Practice, Practice]:
    if number < len(FIRST):
        _, began, became = WAYS[FIRST[number]]
        return began, became
    place = draws.below(sum(weight for weight, _, _ in WAYS), "way", number)
    for weight, began, became in WAYS:
        if place < weight:
            return began, became
        place -= weight
    raise AssertionError("The weights cover every place.")


def _cadence(draws: Draws, owner: MadeUpTeam, number: int) -> int:
    slow, fast = {0: (150, 120), 1: (90, 60), 2: (45, 30), 3: (35, 25), 4: (28, 20)}[owner.became]
    return fast + draws.below(slow - fast + 1, "cadence", owner.number, number)
