"""The numbers from counts are Fairlearn's on the rows, digit for digit, whatever the table."""

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import fairlearn.metrics as fm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn.metrics as skm
from hypothesis import example, given, settings

from policies.fairness import counts, metrics
from policies.fairness.definitions import DEFINITIONS, Against, Kind
from policies.fairness.groups import Columns, Counts, Part
from policies.fairness.measures import MEASURES, Measure
from tests.policies.fairness import tables

DIGITS = 1e-12
MEASURED: dict[str, Callable[..., float]] = {
    "selection_rate": fm.selection_rate,
    "true_positive_rate": fm.true_positive_rate,
    "false_positive_rate": fm.false_positive_rate,
    "true_negative_rate": fm.true_negative_rate,
    "false_negative_rate": fm.false_negative_rate,
    "precision": skm.precision_score,
    "accuracy": skm.accuracy_score,
    "mean_error": lambda y, x, sample_weight=None: np.average(np.asarray(x) - np.asarray(y), weights=sample_weight),
    "mean_absolute_error": skm.mean_absolute_error,
    "mean_squared_error": skm.mean_squared_error,
    "root_mean_squared_error": skm.root_mean_squared_error,
}
NAMED = ("demographic_parity", "equal_opportunity", "equalized_odds")
BY = (["race"], ["race", "sex"])
# A group in which nobody is positive, in which nobody is negative, and in which nobody is selected.
EMPTY_CELLS: dict[str, list[Any]] = {
    "label": [0, 0, 1, 1, 0, 1],
    "prediction": [0, 1, 1, 1, 0, 0],
    "score": [0.0, 0.1, 0.3, 1.0, 0.5, 0.6],
    "weight": [1.0, 2.0, 0.5, 1.0, 3.0, 1.0],
    "race": ["a", "a", "b", "b", "c", "c"],
    "sex": ["a", "a", "a", "b", "b", "b"],
}
NOBODY_SELECTED = {**EMPTY_CELLS, "prediction": [0] * 6}


@pytest.fixture(autouse=True)
def without_warnings() -> Iterator[None]:
    """Of scikit-learn and numpy, about rates of nothing: what they then give is what is looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def counted(table: tables.Columns, *, is_weighted: bool, parts: list[Part]) -> Counts:
    columns = Columns(
        label="label",
        prediction="prediction",
        score="score" if Part.CONFUSION not in parts else None,
        sensitive=["race", "sex"],
        weight="weight" if is_weighted else None,
    )
    return counts.count(pa.table(dict(table)), columns, parts)


def frame(table: tables.Columns, part: Part, by: list[str], *, is_weighted: bool) -> Any:
    """Fairlearn on the rows, with all measures of the part."""
    rows = pd.DataFrame(dict(table))
    functions = {name: function for name, function in MEASURED.items() if MEASURES[name].part is part}
    return fm.MetricFrame(
        metrics=functions,
        y_true=rows["label"],
        y_pred=rows["prediction" if part is Part.CONFUSION else "score"],
        sensitive_features=rows[by],
        sample_params={name: {"sample_weight": rows["weight"]} for name in functions} if is_weighted else None,
    )


def same(ours: float, theirs: float) -> bool:
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    return math.isclose(ours, theirs, rel_tol=DIGITS, abs_tol=DIGITS)


@pytest.mark.parametrize("is_weighted", [False, True], ids=["rows", "weights"])
@given(table=tables.classified())
@example(table=EMPTY_CELLS)
@example(table=NOBODY_SELECTED)
@settings(max_examples=12, deadline=None)
def test_values_by_group_differences_and_ratios(is_weighted: bool, table: tables.Columns) -> None:
    for part in (Part.CONFUSION, Part.LOSSES):
        found = counted(table, is_weighted=is_weighted, parts=[part])
        for by in BY:
            theirs = frame(table, part, by, is_weighted=is_weighted)
            for measure in (MEASURES[name] for name in MEASURED if MEASURES[name].part is part):
                assert same(measure.of(found.overall()).value, theirs.overall[measure.name]), measure.name
                for cell in found.groups(by):
                    value = theirs.by_group[measure.name][cell.values if len(by) > 1 else cell.values[0]]
                    assert same(measure.of(cell).value, value), (measure.name, cell.values)
                aggregated(found, theirs, measure, by)


def aggregated(found: Counts, theirs: Any, measure: Measure, by: list[str]) -> None:
    for definition in (one for one in DEFINITIONS.values() if one.name == f"{measure.name}_{one.kind}"):
        is_one_sided = definition.kind in {Kind.SMALLEST, Kind.LARGEST}
        for against in (Against.BETWEEN_GROUPS, Against.TO_OVERALL):
            ours = metrics.value(definition, found.groups(by), found.overall(), against=against)
            function = getattr(theirs, definition.kind)
            value = (function() if is_one_sided else function(method=against))[measure.name]
            assert same(ours, value), (definition.name, against, by)


@pytest.mark.parametrize("is_weighted", [False, True], ids=["rows", "weights"])
@given(table=tables.classified())
@example(table=EMPTY_CELLS)
@example(table=NOBODY_SELECTED)
@settings(max_examples=4, deadline=None)
def test_metrics_with_names_of_their_own(is_weighted: bool, table: tables.Columns) -> None:
    rows = pd.DataFrame(dict(table))
    found = counted(table, is_weighted=is_weighted, parts=[Part.CONFUSION])
    for against in (Against.BETWEEN_GROUPS, Against.TO_OVERALL):
        for name in (f"{name}_{kind}" for name in NAMED for kind in (Kind.DIFFERENCE, Kind.RATIO)):
            theirs = getattr(fm, name)(
                rows["label"],
                rows["prediction"],
                sensitive_features=rows[["race", "sex"]],
                method=against,
                sample_weight=rows["weight"] if is_weighted else None,
            )
            ours = metrics.value(DEFINITIONS[name], found.groups(), found.overall(), against=against)
            assert same(ours, theirs), (name, against)


def test_the_four_fifths_rule_is_the_ratio_of_selection_rates() -> None:
    found = counted(EMPTY_CELLS, is_weighted=False, parts=[Part.CONFUSION])

    four_fifths, parity = (
        metrics.value(DEFINITIONS[name], found.groups(["race"]), found.overall())
        for name in ("four_fifths", "demographic_parity_ratio")
    )

    assert same(four_fifths, parity)
    assert DEFINITIONS["four_fifths"].minimum == 0.8
