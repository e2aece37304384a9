"""Attributions of a model's answers to its features, summed up: all that rules and charts need of them. Pure.

No row of a person is in here: means per feature, and how many rows have an attribution in which part of the range, with
a low, a middle or a high value of the feature.
"""

from typing import Annotated

import msgspec

from policies.explanations.formats import Format

FeatureName = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
EvidenceName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
MAX_FEATURES = 1_000
# How many features have their spread kept, and in how many parts of the range.
SPREADS, PARTS = 20, 48


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="sent"):
    """A table of attributions: a row for each answer, a column for each feature.

    The column of a feature's attribution is its name after `prefix`. `features` says which, by default all columns that
    begin so; the column after `value_prefix` has the feature's own value, if there is one. Base value and output are
    columns too, and so is the seed, if attributions were computed several times.
    """

    attributions: EvidenceName
    features: list[FeatureName] | None = None
    prefix: str = "shap_"
    value_prefix: str = ""
    base_value: FeatureName = "base_value"
    output: FeatureName = "output"
    seed: FeatureName | None = None


class Computed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="computed"):
    """Attributions to be computed from a model's file, on rows of a table that hold its features."""

    model: EvidenceName
    data: EvidenceName
    format: Format | None = None
    features: list[FeatureName] | None = None
    # Which of several outputs of the model.
    output_index: int | None = None
    sample: int = 1_000
    background: int = 32
    seed: int = 0
    # So many samples, each with a seed of its own.
    seeds: int = 1


Asked = Sent | Computed


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One feature: the mean size of its attributions, their mean, and how they spread.

    `spread` has four counts for each part of the range: rows with a low, a middle, a high value of the feature, and
    those whose value is not known or not a number. Empty where it was not kept.
    """

    name: str
    mean_absolute: float
    mean: float
    spread: list[tuple[int, int, int, int]] = msgspec.field(default_factory=list)


class Additivity(msgspec.Struct, frozen=True, kw_only=True):
    """How far base value and attributions together miss the output.

    `error` is the largest miss, `scale` the root of the mean square of what is explained (output less base value).
    """

    error: float
    scale: float

    @property
    def ratio(self) -> float:
        """The error in units of what is explained; the error itself where nothing is."""
        return self.error / self.scale if self.scale > 0 else self.error


class Attributions(msgspec.Struct, frozen=True, kw_only=True):
    """The attributions of a model's answers, summed up; features with the largest first."""

    rows: int
    features: list[Feature]
    # The range that the spreads divide into PARTS.
    lowest: float
    highest: float
    additivity: Additivity | None
    # For each seed: the mean size of each feature's attributions, in the order of `features`.
    by_seed: list[list[float]]
    method: str = ""
    libraries: dict[str, str] = msgspec.field(default_factory=dict)
    # Which bounds held while they were computed.
    enforced: list[str] = msgspec.field(default_factory=list)

    @property
    def total(self) -> float:
        return sum(feature.mean_absolute for feature in self.features)

    def share(self, feature: Feature) -> float:
        """How much of all attributions is this feature's; 0 when there are none at all."""
        return feature.mean_absolute / self.total if self.total > 0 else 0.0
