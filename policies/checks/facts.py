"""What checks may know of a promotion, piece by piece. Pure: values alone, so that they can be stored and judged again.

Times are texts in ISO 8601 with their offset, since facts are kept as JSON.
"""

import msgspec

from policies.explanations.attributions import Asked, Attributions
from policies.fairness.groups import Columns, Counts


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the facts."""


class MeasurementFact(Fact, frozen=True, kw_only=True):
    """The newest measurement of a metric. `value` is None when it was not a number.

    Contradicted, and without a value: two names of the model tell different ones of the same time.
    """

    metric: str
    segment: str
    value: float | None
    measured_at: str
    dataset: str | None
    sample_size: int | None = None
    is_contradicted: bool = False


class InputFact(Fact, frozen=True, kw_only=True):
    """One input of a run and its version, pinned by the sender or only inferred."""

    name: str
    version: str | None
    is_pinned: bool


class RunFact(Fact, frozen=True, kw_only=True):
    """A run that wrote the model version."""

    id: str
    job: str
    state: str
    repository: str | None
    commit: str | None
    inputs: list[InputFact]


class EvaluationFact(Fact, frozen=True, kw_only=True):
    """An evidence table counted by groups, for rules that read these columns of it; no counts if it has a problem."""

    evidence: str
    columns: Columns
    digest: str | None = None
    counts: Counts | None = None
    problem: str = ""


class AttributionsFact(Fact, frozen=True, kw_only=True):
    """What moves a model's answers, as a rule asks for it, with the digests of the files; or a problem instead."""

    asked: Asked
    digests: dict[str, str] = {}
    found: Attributions | None = None
    problem: str = ""


class BaselineFact(Fact, frozen=True, kw_only=True):
    """What a model is compared with that is not in production, such as hand-coded rules."""

    name: str
    version: str
    measurements: list[MeasurementFact]


class CardFact(Fact, frozen=True, kw_only=True):
    """What the model card says, by section, and which facet said it."""

    source: str
    sections: dict[str, str]


class RecipeFact(Fact, frozen=True, kw_only=True):
    """What a training would be repeated from; parameters and environment by digest. None for what is not known."""

    run: str
    commit: str | None = None
    environment: str | None = None
    parameters: str | None = None
    seed: str | None = None
    data: dict[str, str] | None = None


class RepeatFact(Fact, frozen=True, kw_only=True):
    """Another run of the same job at the same commit: what it came to, and what the version's own run did."""

    recipe: RecipeFact
    version: str
    measurements: list[MeasurementFact]
    own: list[MeasurementFact]


class AssertionFact(Fact, frozen=True, kw_only=True):
    """One expectation of a dataset version and whether it held."""

    name: str
    column: str | None
    success: bool
    is_warning: bool
    is_inferred: bool


class QualityFact(Fact, frozen=True, kw_only=True):
    """An input of the training and what was asserted of its version."""

    input: InputFact
    assertions: list[AssertionFact]
    problem: str = ""


class SchemaFact(Fact, frozen=True, kw_only=True):
    """The columns of a dataset with their types, as they stood."""

    dataset: str
    fields: dict[str, str]


class DistributionFact(Fact, frozen=True, kw_only=True):
    """A column in training and in serving data: rows of each interval or category, in the same order.

    `missing` are the rows without a value in training and in serving, which are in no interval. `distance` is the
    greatest distance of the two cumulative distributions where the values themselves were at hand.
    """

    column: str
    is_ordered: bool
    labels: list[str] = []
    training: list[int] = []
    serving: list[int] = []
    missing: tuple[int, int] = (0, 0)
    distance: float | None = None
    problem: str = ""


class DistributionsFact(Fact, frozen=True, kw_only=True):
    """The columns that were compared, and between what; no columns if there is a problem."""

    training: str
    serving: str
    measured_at: str | None = None
    columns: list[DistributionFact] = []
    problem: str = ""


class TestFact(Fact, frozen=True, kw_only=True):
    """The newest result of one test of the model version."""

    category: str
    name: str
    outcome: str
    is_blocking: bool
    performed_at: str


class LoadFact(Fact, frozen=True, kw_only=True):
    """A load test of the model version; None for what it did not measure."""

    requests: int
    errors: int
    latency_ms: dict[str, float | None]
    requests_per_second: float | None
    environment: str
    performed_at: str


class CanaryFact(Fact, frozen=True, kw_only=True):
    """A canary of the model version. Metrics with their value on the canary and on what it was compared with."""

    outcome: str
    deployment: str
    traffic: float | None
    requests: int
    errors: int
    hours: float | None
    metrics: dict[str, tuple[float | None, float | None]]
    ended_at: str


class FallbackFact(Fact, frozen=True, kw_only=True):
    """What takes over when the model has to go."""

    description: str
    tested_at: str | None


class MaturityFact(Fact, frozen=True, kw_only=True):
    """The proven level of a team that owns the model; None when it is not rated."""

    team: str
    framework: str
    level: int | None


class LicenceFact(Fact, frozen=True, kw_only=True):
    """The licence of something the model was made from; None when nobody stated it."""

    what: str
    name: str
    expression: str | None


class PersonalFact(Fact, frozen=True, kw_only=True):
    """A field of personal data upstream (empty: the whole dataset), with its worst way to the model.

    Masked when it is on every way; indirect when it never becomes a value itself.
    """

    dataset: str
    field: str
    tag: str
    is_masked: bool
    is_indirect: bool
    way: str


class PersonalDataFact(Fact, frozen=True, kw_only=True):
    """Personal fields upstream, and the inputs of the training of which nobody has tagged anything."""

    fields: list[PersonalFact]
    untagged: list[str]


class ApprovalFact(Fact, frozen=True, kw_only=True):
    """What one person said, and in which roles of the model's owners they may speak."""

    user: str
    decision: str
    roles: list[str]
    is_maker: bool


class BreachFact(Fact, frozen=True, kw_only=True):
    """What of a data contract is not kept, and since when that is known."""

    summary: str
    since: str


class ContractFact(Fact, frozen=True, kw_only=True):
    """The contract of a dataset upstream, held against what was observed last. `unknown`: what nobody has observed."""

    dataset: str
    version: str
    breaches: list[BreachFact] = []
    unknown: list[str] = []


class ContractsFact(Fact, frozen=True, kw_only=True):
    """Contracts upstream, and the inputs of the training that have none. `problem`: why not all of them are known."""

    contracts: list[ContractFact]
    inputs_without: list[str] = []
    problem: str = ""
