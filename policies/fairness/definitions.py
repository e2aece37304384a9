"""Every fairness metric a rule may name: what it measures, how groups are compared, its formula and source. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from policies.fairness.groups import Part
from policies.fairness.measures import MEASURES, Measure


class Kind(StrEnum):
    """How the values of the groups become one number."""

    DIFFERENCE = "difference"
    RATIO = "ratio"
    SMALLEST = "group_min"
    LARGEST = "group_max"

    @property
    def is_worse_higher(self) -> bool:
        return self in {Kind.DIFFERENCE, Kind.LARGEST}


class Against(StrEnum):
    """What the value of a group is compared with."""

    BETWEEN_GROUPS = "between_groups"
    TO_OVERALL = "to_overall"
    TO_REFERENCE = "to_reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A metric: of several measures the worst counts."""

    name: str
    kind: Kind
    measures: tuple[Measure, ...]
    source: str
    # The bound that the source itself sets.
    minimum: float | None = None

    @property
    def part(self) -> Part:
        return self.measures[0].part

    def formula(self, against: Against) -> str:
        values = " and ".join(f"{measure.title} = {measure.formula}" for measure in self.measures)
        which = " of the worse of the two" if len(self.measures) > 1 else ""
        return f"{_FORMULAS[self.kind, against]}{which}; {values}"


_FORMULAS: Mapping[tuple[Kind, Against], str] = MappingProxyType(
    {
        (Kind.DIFFERENCE, Against.BETWEEN_GROUPS): "largest less smallest value of a group",
        (Kind.DIFFERENCE, Against.TO_OVERALL): "largest distance of a group's value from the value of all rows",
        (Kind.DIFFERENCE, Against.TO_REFERENCE): "largest distance of a group's value from that of the reference group",
        (Kind.RATIO, Against.BETWEEN_GROUPS): "smallest value of a group divided by the largest",
        (
            Kind.RATIO,
            Against.TO_OVERALL,
        ): "smallest ratio of a group's value and that of all rows, whichever way is below 1",
        (Kind.RATIO, Against.TO_REFERENCE): (
            "smallest ratio of a group's value and that of the reference group, whichever way is below 1"
        ),
        **{(Kind.SMALLEST, against): "smallest value of a group" for against in Against},
        **{(Kind.LARGEST, against): "largest value of a group" for against in Against},
    }
)
_NAMED = {
    "demographic_parity": (("selection_rate",), "fairlearn.metrics.demographic_parity_{kind}"),
    "equal_opportunity": (("true_positive_rate",), "fairlearn.metrics.equal_opportunity_{kind}"),
    "equalized_odds": (("true_positive_rate", "false_positive_rate"), "fairlearn.metrics.equalized_odds_{kind}"),
    "predictive_parity": (("precision",), "Chouldechova 2017, Fair prediction with disparate impact, section 1.1"),
}
_FRAME = "fairlearn.metrics.MetricFrame.{kind} of {measure}"


def _all() -> Iterator[Definition]:
    for name, (measures, source) in _NAMED.items():
        for kind in (Kind.DIFFERENCE, Kind.RATIO):
            yield Definition(
                name=f"{name}_{kind}",
                kind=kind,
                measures=tuple(MEASURES[measure] for measure in measures),
                source=source.format(kind=kind),
            )
    yield Definition(
        name="four_fifths",
        kind=Kind.RATIO,
        measures=(MEASURES["selection_rate"],),
        source="Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D)",
        minimum=0.8,
    )
    for measure in MEASURES.values():
        for kind in Kind:
            if kind is Kind.RATIO and not measure.has_ratio:
                continue
            yield Definition(
                name=f"{measure.name}_{kind}",
                kind=kind,
                measures=(measure,),
                source=f"{_FRAME.format(kind=kind, measure=measure.name)}; {measure.source}",
            )


DEFINITIONS: Mapping[str, Definition] = MappingProxyType({definition.name: definition for definition in _all()})
_INTERVALS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.DIFFERENCE: "difference of two groups by MOVER (of two rates: Newcombe's hybrid score interval, 1998)",
        Kind.RATIO: "ratio of two groups by MOVER-R (Donner and Zou 2012)",
        Kind.SMALLEST: "of each group by itself",
        Kind.LARGEST: "of each group by itself",
    }
)


def interval_text(definition: Definition, *, is_corrected: bool) -> str:
    """How the interval of the metric comes about, for people who check it."""
    measure = definition.measures[0]
    words = f"{measure.interval}; {_INTERVALS[definition.kind]}; of the worst of all comparisons"
    side = "lower" if definition.kind.is_worse_higher else "upper"
    return (
        f"{words}, its {side} bound corrected for their number (Bonferroni; Holm to name groups)"
        if is_corrected
        else words
    )
