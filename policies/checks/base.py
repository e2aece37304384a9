"""What a check is, what it may know, and what it answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from policies.checks import facts
from policies.checks.subject import SubjectFact


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


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything the checks may know of a promotion. A check fills in only what it needs; stored with its finding.

    Where None is told apart from empty, None says that nobody knows.
    """

    now: str = ""
    subject: SubjectFact | None = None
    owners: dict[str, str] = msgspec.field(default_factory=dict)
    # Roles whose person has no live account any more.
    departed: list[str] = []
    measurements: list[facts.MeasurementFact] = []
    # None: no other version of the model passed into this stage.
    production_version: str | None = None
    production_measurements: list[facts.MeasurementFact] = []
    baseline: facts.BaselineFact | None = None
    runs: list[facts.RunFact] = []
    promotion_commit: str | None = None
    evaluations: list[facts.EvaluationFact] = []
    attributions: list[facts.AttributionsFact] = []
    production_attributions: facts.AttributionsFact | None = None
    card: facts.CardFact | None = None
    recipe: facts.RecipeFact | None = None
    repeats: list[facts.RepeatFact] = []
    quality: list[facts.QualityFact] = []
    training_schema: facts.SchemaFact | None = None
    serving_schema: facts.SchemaFact | None = None
    distributions: facts.DistributionsFact | None = None
    tests: list[facts.TestFact] = []
    load_tests: list[facts.LoadFact] = []
    canaries: list[facts.CanaryFact] = []
    fallback: facts.FallbackFact | None = None
    maturity: list[facts.MaturityFact] | None = None
    licences: list[facts.LicenceFact] = []
    personal_data: facts.PersonalDataFact | None = None
    contracts: facts.ContractsFact | None = None
    approvals: list[facts.ApprovalFact] = []
    # Names of makers of the version that mean no account.
    strangers: list[str] = []


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
    # Whether its unknown means that people have yet to speak: the promotion then waits, and it is judged again.
    awaits_people: ClassVar[bool] = False

    def judge(self, parameters: Any, facts: Facts) -> Finding:
        raise NotImplementedError

    def problem(self, parameters: Any) -> str:
        """What is contradictory in parameters that are each well formed; empty when nothing is."""
        return ""
