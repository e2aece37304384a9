"""What a maturity framework says: levels and criteria, or sections and tests. Pure types, read by `catalogue`."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
WORD = r"^[a-z0-9]+(?:_[a-z0-9]+)*$"

Slug = Annotated[str, msgspec.Meta(pattern=SLUG, max_length=80)]
Word = Annotated[str, msgspec.Meta(pattern=WORD, max_length=60)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of everything a document may say."""


class Kind(StrEnum):
    """How a criterion is known: computed from facts, or answered by people."""

    MEASURED = "measured"
    ATTESTED = "attested"


class Fidelity(StrEnum):
    """Stated: the source asks for it in substance. Derived: we make visible what the source only implies."""

    STATED = "stated"
    DERIVED = "derived"


class Dimension(StrEnum):
    PEOPLE = "people"
    PROCESS = "process"
    TECHNOLOGY = "technology"


class Effort(StrEnum):
    """How much work a step is, roughly."""

    S = "s"
    M = "m"
    L = "l"

    @property
    def weight(self) -> int:
        return EFFORT_WEIGHTS[self]


EFFORT_WEIGHTS = {Effort.S: 1, Effort.M: 3, Effort.L: 8}


class Statistic(StrEnum):
    """What is made of the items: the share or the count of those that count, or the median of their values."""

    SHARE = "share"
    COUNT = "count"
    MEDIAN = "median"


class Extent(StrEnum):
    """How much of it is so, in the words of coverage scales."""

    NONE = "none"
    SOME = "some"
    AT_LEAST_HALF = "at_least_half"
    MOST_OR_ALL = "most_or_all"

    @property
    def credit(self) -> float:
        return EXTENT_CREDITS[self]


EXTENT_CREDITS = {Extent.NONE: 0.0, Extent.SOME: 0.25, Extent.AT_LEAST_HALF: 0.5, Extent.MOST_OR_ALL: 1.0}


class Source(Part, frozen=True, kw_only=True):
    """Where a framework was published."""

    key: Text
    title: Text
    publisher: Text
    address: Text = ""
    dated: str = ""


class Level(Part, frozen=True, kw_only=True):
    """One step, by its publisher's name."""

    level: Annotated[int, msgspec.Meta(ge=0, le=20)]
    name: Text
    summary: Text


class Row(Part, frozen=True, kw_only=True):
    """A part of the framework that is also rated on its own."""

    row: Word
    title: Text


class Signal(Part, frozen=True, kw_only=True):
    """What describes level 0. It explains a rating and never decides it."""

    id: Slug
    statement: Text
    shown_when: Text
    source: Text
    row: str = ""


class Threshold(Part, frozen=True, kw_only=True):
    """What the statistic must reach ("at least") or keep to ("at most")."""

    op: Literal[">=", "<="]
    value: Annotated[float, msgspec.Meta(ge=0)]
    basis: Word

    @property
    def is_at_least(self) -> bool:
        return self.op == ">="


class Measure(Part, frozen=True, kw_only=True):
    """What is counted. A window of "as_of" is the state at the time of rating, any other a number of days before it."""

    statistic: Statistic
    population: Word
    counts_when: Text
    facts: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1)]
    window_days: Annotated[int, msgspec.Meta(ge=1, le=365)] | Literal["as_of"]
    min_items: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    only_items: str = ""
    unit: str = ""


class Condition(Part, frozen=True, kw_only=True):
    """When a criterion applies: a population has items, or another criterion has a known item."""

    exists: Word | None = None
    known: Slug | None = None


class Contradiction(Part, frozen=True, kw_only=True):
    """The value at which a measure speaks against an answer."""

    op: Literal[">", "<"]
    value: float


class Corroboration(Part, frozen=True, kw_only=True):
    """A measure printed beside an answer. The answer lapses when the measure contradicts it."""

    measure: Text
    contradicts_when: Contradiction | None = None


class Attestation(Part, frozen=True, kw_only=True):
    """A question that people answer with evidence. Someone outside the team reviews the answer, and it expires."""

    question: Text
    evidence: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    answered_by: Text
    accept_from: Extent
    expires_after_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 180
    corroborated_by: Corroboration | None = None


class Criterion(Part, frozen=True, kw_only=True):
    """One demand of a level. Gating criteria decide the level, advisory ones are shown beside it."""

    id: Slug
    level: Annotated[int, msgspec.Meta(ge=1, le=20)]
    dimension: Dimension
    kind: Kind
    statement: Text
    source: Text
    gating: bool
    fidelity: Fidelity = Fidelity.STATED
    row: str = ""
    measure: Measure | None = None
    threshold: Threshold | None = None
    attestation: Attestation | None = None
    attested_fallback: str = ""
    applies_when: Condition | None = None
    rule_in_force_allowed: bool = False
    gaming_guard: str = ""
    effort: Effort = Effort.M
    next_action: str = ""
    maps_to: tuple[Slug, ...] = ()


class TestAttestation(Part, frozen=True, kw_only=True):
    """The report that earns half a point of a test."""

    evidence: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    answered_by: Text
    expires_after_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 180


class Section(Part, frozen=True, kw_only=True):
    """Tests whose points are added."""

    section: Word
    title: Text


class Band(Part, frozen=True, kw_only=True):
    """What a final score up to and including this means."""

    up_to: float
    label: Text


class ScoredTest(Part, frozen=True, kw_only=True):
    """One test of a rubric: none, half or a full point."""

    id: Slug
    section: Word
    number: Annotated[int, msgspec.Meta(ge=1, le=100)]
    dimension: Dimension
    kind: Kind
    statement: Text
    facts: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1)]
    source: Text
    test_category: str = ""
    full_point: str = ""
    half_point: str = ""
    attestation: TestAttestation | None = None
    not_applicable_when: str = ""
    gaming_guard: str = ""
    effort: Effort = Effort.M
    next_action: str = ""
    maps_to: tuple[Slug, ...] = ()


class Ladder(Part, frozen=True, kw_only=True):
    """A framework of levels, each with criteria that must all hold."""

    framework: Slug
    version: Text
    title: Text
    sources: Annotated[tuple[Source, ...], msgspec.Meta(min_length=1)]
    ours: Text
    levels: Annotated[tuple[Level, ...], msgspec.Meta(min_length=2)]
    criteria: Annotated[tuple[Criterion, ...], msgspec.Meta(min_length=1)]
    rows: tuple[Row, ...] = ()
    signals: tuple[Signal, ...] = ()
    notes: tuple[Text, ...] = ()

    @property
    def top(self) -> int:
        return len(self.levels) - 1


class Rubric(Part, frozen=True, kw_only=True):
    """A framework of tests in sections; the lowest section is the score."""

    framework: Slug
    version: Text
    title: Text
    sources: Annotated[tuple[Source, ...], msgspec.Meta(min_length=1)]
    ours: Text
    sections: Annotated[tuple[Section, ...], msgspec.Meta(min_length=1)]
    tests: Annotated[tuple[ScoredTest, ...], msgspec.Meta(min_length=1)]
    bands: Annotated[tuple[Band, ...], msgspec.Meta(min_length=1)]
    full_point: Text
    half_point: Text
    minimum_applicable: Annotated[int, msgspec.Meta(ge=1)]
    notes: tuple[Text, ...] = ()


Framework = Ladder | Rubric


class Adjustment(Part, frozen=True, kw_only=True):
    """An organisation's choice of which criteria of a framework gate. It makes a catalogue version of its own."""

    adjusts: Slug
    revision: Slug
    reason: Text
    gating: tuple[Slug, ...] = ()
    advisory: tuple[Slug, ...] = ()


class Fact(Part, frozen=True, kw_only=True):
    """Something a criterion may need to know, and what has to be connected to know it."""

    fact: Word
    means: Text
    known_by: Text


class Population(Part, frozen=True, kw_only=True):
    """A set of items that measures count. Events happen in a window; anything else is a state."""

    population: Word
    means: Text
    is_event: bool = False


class Basis(Part, frozen=True, kw_only=True):
    """Why a threshold has the value it has."""

    basis: Word
    value: float
    why: Text


class Vocabulary(Part, frozen=True, kw_only=True):
    """The words that criteria are written in."""

    facts: tuple[Fact, ...]
    populations: tuple[Population, ...]
    bases: tuple[Basis, ...]
    evidence_rules: tuple[Text, ...]
