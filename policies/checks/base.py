"""What a check is, what it may know, and what it answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from policies.fairness.groups import Columns, Counts


class Outcome(StrEnum):
    """The answer to a check's question. Only pass and not applicable open a gate."""

    PASS = "pass"  # noqa: S105 - an answer, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"

    @property
    def opens(self) -> bool:
        return self in {Outcome.PASS, Outcome.NOT_APPLICABLE}


class Mode(StrEnum):
    """How strictly a rule is meant. Only enforce blocks; shadow and warn are recorded."""

    OFF = "off"
    SHADOW = "shadow"
    WARN = "warn"
    ENFORCE = "enforce"


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of what a policy tells a check."""


class MeasurementFact(msgspec.Struct, frozen=True, kw_only=True):
    """The newest measurement of a metric. `value` is None when it was not a number."""

    metric: str
    segment: str
    value: float | None
    measured_at: str
    dataset: str | None


class InputFact(msgspec.Struct, frozen=True, kw_only=True):
    """One input of a run and its version, pinned by the sender or only inferred."""

    name: str
    version: str | None
    is_pinned: bool


class RunFact(msgspec.Struct, frozen=True, kw_only=True):
    """A run that wrote the model version."""

    id: str
    job: str
    state: str
    repository: str | None
    commit: str | None
    inputs: list[InputFact]


class EvaluationFact(msgspec.Struct, frozen=True, kw_only=True):
    """An evidence table counted by groups, for rules that read these columns of it; no counts if it has a problem."""

    evidence: str
    columns: Columns
    digest: str | None = None
    counts: Counts | None = None
    problem: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the checks may know of a promotion. A check fills in only what it needs; stored with its finding."""

    owners: dict[str, str] = msgspec.field(default_factory=dict)
    measurements: list[MeasurementFact] = msgspec.field(default_factory=list)
    # None: no other version of the model passed into this stage.
    production_version: str | None = None
    production_measurements: list[MeasurementFact] = msgspec.field(default_factory=list)
    runs: list[RunFact] = msgspec.field(default_factory=list)
    promotion_commit: str | None = None
    evaluations: list[EvaluationFact] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found: its outcome, what it measured and what was required, in a sentence and for machines."""

    outcome: Outcome
    summary: str
    measured: Any = None
    required: Any = None
    evidence: Any = None


class Check:
    """One yes/no question about facts. `needs` names the fields of Facts to gather."""

    id: ClassVar[str]
    title: ClassVar[str]
    remedy: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    parameters: ClassVar[type[Parameters]]
    # Whether gathering its facts may take longer than a moment; such a check is judged apart from the others.
    is_slow: ClassVar[bool] = False

    def judge(self, parameters: Any, facts: Facts) -> Finding:
        raise NotImplementedError

    def problem(self, parameters: Any) -> str:
        """What is contradictory in parameters that are each well formed; empty when nothing is."""
        return ""
