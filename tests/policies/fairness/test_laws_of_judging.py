"""What holds of a judgement whatever the counts: and how often it is wrong when the truth is known."""

import math
import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Invalid
from policies.fairness import counts, judging
from policies.fairness.definitions import DEFINITIONS, Against, Kind
from policies.fairness.groups import Cell, Columns, Confusion, Counts, Part, Tally
from policies.fairness.judging import Correction, Judgement, Method
from tests.policies.fairness import tables

COLUMNS = Columns(label="label", prediction="prediction", score="score", sensitive=["race", "sex"])
METRICS = st.sampled_from(sorted(DEFINITIONS))
ROUNDING = 1e-9


def counted(table: tables.Columns) -> Counts:
    return counts.count(pa.table(dict(table)), COLUMNS, list(Part))


def selected(groups: dict[str, tuple[int, int]]) -> Counts:
    """Counts of groups by how many of how many were selected."""
    cells = []
    for name, (positive, rows) in groups.items():
        yes, no = (Tally(rows=count, weight=count, squared=count) for count in (positive, rows - positive))
        cells.append(Cell(values=(name,), rows=rows, confusion=Confusion(true_positive=yes, false_negative=no)))
    return Counts(columns=Columns(label="y", prediction="x", sensitive=["g"]), cells=cells)


@given(table=tables.classified(), metric=METRICS, against=st.sampled_from([Against.BETWEEN_GROUPS, Against.TO_OVERALL]))
@settings(max_examples=20, deadline=None)
def test_the_value_lies_in_its_interval(table: tables.Columns, metric: str, against: Against) -> None:
    definition = DEFINITIONS[metric]
    if against is Against.TO_OVERALL and not all(measure.is_mean for measure in definition.measures):
        return
    found = judging.measure(counted(table), definition, Method(minimum_size=1, against=against), [["race", "sex"]])

    if found.comparisons and not math.isnan(found.value_judged):
        assert found.interval.lower - ROUNDING <= found.value_judged <= found.interval.upper + ROUNDING
    if found.comparisons and not found.small and not math.isnan(found.value):
        points = [comparison.value for comparison in found.comparisons]
        assert judging.worst(points, definition.kind) == pytest.approx(found.value, abs=ROUNDING)


@given(table=tables.classified(), metric=METRICS)
@settings(max_examples=10, deadline=None)
def test_surer_is_wider(table: tables.Columns, metric: str) -> None:
    one, surer = (
        judging.measure(counted(table), DEFINITIONS[metric], Method(minimum_size=1, confidence=level), [["race"]])
        for level in (0.8, 0.99)
    )

    assert surer.interval.lower <= one.interval.lower + ROUNDING
    assert surer.interval.upper >= one.interval.upper - ROUNDING


@given(
    groups=st.lists(
        st.integers(30, 3000).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))),
        min_size=2,
        max_size=6,
    ),
    bound=st.floats(0, 0.5),
)
def test_groups_are_named_when_and_only_when_it_fails(groups: list[tuple[int, int]], bound: float) -> None:
    found = judging.measure(
        selected({str(number): group for number, group in enumerate(groups)}),
        DEFINITIONS["demographic_parity_difference"],
        Method(),
        [["g"]],
    )

    assert bool(found.breaking(bound)) == (found.judged(bound) is Judgement.OUTSIDE)


def test_holm_names_more_than_the_first_correction_would() -> None:
    """Of three comparisons two stand out; once they are named, the third is judged as one of one."""
    counted_groups = selected({"a": (150, 1000), "b": (215, 1000), "c": (260, 1000)})
    found = judging.measure(counted_groups, DEFINITIONS["demographic_parity_difference"], Method(), [["g"]])

    named = {frozenset((one.group.name, one.other.name)) for one, _ in found.breaking(0.005) if one.other}
    at_once = [one for one in found.comparisons if one.interval(1 - 0.05 / 3).lower > 0.005]

    assert len(at_once) == 2
    assert len(named) == 3


def test_a_group_named_only_once_many_are_looked_at_is_not_named_with_the_correction() -> None:
    """Twenty groups alike but for chance: uncorrected, some pair always stands out."""
    groups = {str(number): (480 + 2 * number, 1000) for number in range(20)}
    one, none = (
        judging.measure(
            selected(groups), DEFINITIONS["demographic_parity_difference"], Method(correction=correction), [["g"]]
        )
        for correction in (Correction.HOLM, Correction.NONE)
    )

    assert one.judged(0) is Judgement.INSUFFICIENT
    assert none.judged(0) is Judgement.INSUFFICIENT
    assert none.judged(0.002) is not Judgement.INSIDE
    assert one.interval.lower <= none.interval.lower
    assert one.interval.upper == none.interval.upper


@pytest.mark.parametrize("metric", ["demographic_parity_difference", "demographic_parity_ratio"])
@pytest.mark.parametrize("rates", [(0.5, 0.4), (0.5, 0.45, 0.42, 0.4, 0.4, 0.4), (0.5, 0.5, 0.5, 0.4, 0.4, 0.4)])
def test_wrong_passes_and_wrong_fails_are_as_rare_as_promised(metric: str, rates: tuple[float, ...]) -> None:
    """The truth lies just at the bound, where both errors are most frequent; the seed makes it repeatable."""
    chance, runs, rows = random.Random(20_250_301), 300, 300
    definition = DEFINITIONS[metric]
    bound = 0.1 if definition.kind is Kind.DIFFERENCE else 0.8
    judgements = []
    for _ in range(runs):
        groups = {
            str(number): (sum(chance.random() < rate for _ in range(rows)), rows) for number, rate in enumerate(rates)
        }
        judgements.append(judging.measure(selected(groups), definition, Method(), [["g"]]).judged(bound))

    # Four standard deviations of the share of so many runs above what is promised.
    assert judgements.count(Judgement.INSIDE) / runs <= 0.025 + 4 * math.sqrt(0.025 / runs)
    assert judgements.count(Judgement.OUTSIDE) / runs <= 0.05 + 4 * math.sqrt(0.05 / runs)


def test_small_groups_are_told_and_not_judged() -> None:
    found = judging.measure(
        selected({"a": (500, 1000), "b": (500, 1000), "c": (0, 10)}),
        DEFINITIONS["demographic_parity_difference"],
        Method(minimum_size=30),
        [["g"]],
    )

    assert [group.name for group in found.small] == ["c"]
    assert found.value == 0.5
    assert found.value_judged == 0
    assert found.judged(0.1) is Judgement.INSIDE


def test_what_cannot_be_compared() -> None:
    alone = selected({"a": (500, 1000)})
    definition = DEFINITIONS["demographic_parity_difference"]

    assert judging.measure(alone, definition, Method(), [["g"]]).judged(1) is Judgement.INSUFFICIENT
    assert judging.measure(alone, definition, Method(), [["g"]]).single == [("g",)]
    with pytest.raises(Invalid, match="no rows"):
        judging.measure(selected({}), definition, Method(), [["g"]])
    reference = Method(against=Against.TO_REFERENCE, reference={"g": "z"})
    with pytest.raises(Invalid, match="reference group"):
        judging.measure(alone, definition, reference, [["g"]])


def test_nobody_selected_anywhere_is_no_parity() -> None:
    found = judging.measure(selected({"a": (0, 1000), "b": (0, 1000)}), DEFINITIONS["four_fifths"], Method(), [["g"]])

    assert math.isnan(found.value)
    assert found.judged(0.8) is Judgement.INSUFFICIENT
