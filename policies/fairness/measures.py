"""What can be measured of a group, each with its formula and where it comes from. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from policies.fairness.estimates import Calibration, Estimate, Mean, Proportion, Root
from policies.fairness.groups import Cell, Confusion, Losses, Part, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing to measure of a group: how, with its formula and where it comes from."""

    name: str
    title: str
    part: Part
    formula: str
    source: str
    of: Callable[[Cell], Estimate]
    # How its confidence interval in one group comes about.
    interval: str = "Wilson score interval, with Kish's effective number of rows where rows have weights"
    # Whether a ratio of two values means something; not where values may be negative.
    has_ratio: bool = True
    # Whether the value of all rows is the weighted mean of those of the groups, as comparing with it needs.
    is_mean: bool = True


FAIRLEARN = "Fairlearn 0.15, fairlearn.metrics"
SCIKIT = "scikit-learn, sklearn.metrics"


def _confusion(cell: Cell) -> Confusion:
    if cell.confusion is None:
        raise ValueError("Predicted classes were not counted.")
    return cell.confusion


def _losses(cell: Cell) -> Losses:
    if cell.losses is None:
        raise ValueError("Errors were not counted.")
    return cell.losses


def _rate(numerator: str, denominator: str) -> Callable[[Cell], Estimate]:
    """A share from the fields of Confusion that are named, separated by spaces."""

    def of(cell: Cell) -> Proportion:
        counted = _confusion(cell)
        tally = Tally()
        for field in denominator.split():
            tally = tally + getattr(counted, field)
        return Proportion(successes=sum(getattr(counted, field).weight for field in numerator.split()), tally=tally)

    return of


def _mean(name: str, *, is_size: bool) -> Callable[[Cell], Estimate]:
    def of(cell: Cell) -> Mean:
        counted = _losses(cell)
        return Mean(loss=getattr(counted, name), tally=counted.tally, is_size=is_size)

    return of


def _root_mean_square(cell: Cell) -> Root:
    counted = _losses(cell)
    return Root(square=Mean(loss=counted.square, tally=counted.tally, is_size=True))


def _calibration(cell: Cell) -> Calibration:
    if cell.calibration is None:
        raise ValueError("Scores were not counted.")
    total = Tally()
    tenths = []
    for one in cell.calibration:
        if one.tally.rows:
            tenths.append((one.score / one.tally.weight, Proportion(successes=one.positive, tally=one.tally)))
            total = total + one.tally
    return Calibration(tenths=tuple(tenths), tally=total)


_STUDENT = "Student's interval of the mean"
_TENTHS = "Wilson score intervals of the tenths, all at once (Bonferroni), added up"
_ALL = "true_positive false_positive false_negative true_negative"
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        measure.name: measure
        for measure in (
            Measure(
                name="selection_rate",
                title="selection rate",
                part=Part.CONFUSION,
                formula="(TP + FP) / all",
                source=f"{FAIRLEARN}.selection_rate",
                of=_rate("true_positive false_positive", _ALL),
            ),
            Measure(
                name="true_positive_rate",
                title="true positive rate",
                part=Part.CONFUSION,
                formula="TP / (TP + FN), 0 where there is no positive label",
                source=f"{FAIRLEARN}.true_positive_rate",
                of=_rate("true_positive", "true_positive false_negative"),
            ),
            Measure(
                name="false_positive_rate",
                title="false positive rate",
                part=Part.CONFUSION,
                formula="FP / (FP + TN), 0 where there is no negative label",
                source=f"{FAIRLEARN}.false_positive_rate",
                of=_rate("false_positive", "false_positive true_negative"),
            ),
            Measure(
                name="true_negative_rate",
                title="true negative rate",
                part=Part.CONFUSION,
                formula="TN / (FP + TN), 0 where there is no negative label",
                source=f"{FAIRLEARN}.true_negative_rate",
                of=_rate("true_negative", "false_positive true_negative"),
            ),
            Measure(
                name="false_negative_rate",
                title="false negative rate",
                part=Part.CONFUSION,
                formula="FN / (TP + FN), 0 where there is no positive label",
                source=f"{FAIRLEARN}.false_negative_rate",
                of=_rate("false_negative", "true_positive false_negative"),
            ),
            Measure(
                name="precision",
                title="positive predictive value",
                part=Part.CONFUSION,
                formula="TP / (TP + FP), 0 where nothing is predicted positive",
                source=f"{SCIKIT}.precision_score",
                of=_rate("true_positive", "true_positive false_positive"),
            ),
            Measure(
                name="accuracy",
                title="accuracy",
                part=Part.CONFUSION,
                formula="(TP + TN) / all",
                source=f"{SCIKIT}.accuracy_score",
                of=_rate("true_positive true_negative", _ALL),
            ),
            Measure(
                name="mean_error",
                title="mean error (with a score: calibration in the large)",
                part=Part.LOSSES,
                formula="mean of prediction - label",
                source="Cox 1958, Two further applications of a model for binary regression (calibration in the large)",
                of=_mean("error", is_size=False),
                interval=_STUDENT,
                has_ratio=False,
            ),
            Measure(
                name="mean_absolute_error",
                title="mean absolute error",
                part=Part.LOSSES,
                formula="mean of |prediction - label|",
                source=f"{SCIKIT}.mean_absolute_error",
                of=_mean("absolute", is_size=True),
                interval=_STUDENT,
            ),
            Measure(
                name="mean_squared_error",
                title="mean squared error (with a score: the Brier score)",
                part=Part.LOSSES,
                formula="mean of (prediction - label)²",
                source=f"{SCIKIT}.mean_squared_error, brier_score_loss",
                of=_mean("square", is_size=True),
                interval=_STUDENT,
            ),
            Measure(
                name="root_mean_squared_error",
                title="root mean squared error",
                part=Part.LOSSES,
                formula="√ of the mean of (prediction - label)²",
                source=f"{SCIKIT}.root_mean_squared_error",
                of=_root_mean_square,
                interval=f"root of {_STUDENT}",
                is_mean=False,
            ),
            Measure(
                name="expected_calibration_error",
                title="expected calibration error",
                part=Part.CALIBRATION,
                formula="Σ over tenths of the score of (share of rows) · |share of positive labels - mean score|",
                source="Naeini, Cooper, Hauskrecht 2015, Obtaining well calibrated probabilities, AAAI",
                of=_calibration,
                interval=_TENTHS,
                is_mean=False,
            ),
        )
    }
)
