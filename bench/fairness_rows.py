"""Measures fairness with Fairlearn as its users do, on the rows, and prints values and memory as JSON."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import sklearn.metrics as skm
from fairlearn import metrics as fm

from bench import peak

CLASSES = {
    "selection_rate": fm.selection_rate,
    "true_positive_rate": fm.true_positive_rate,
    "false_positive_rate": fm.false_positive_rate,
    "true_negative_rate": fm.true_negative_rate,
    "false_negative_rate": fm.false_negative_rate,
    "precision": skm.precision_score,
    "accuracy": skm.accuracy_score,
}
SCORES = {"mean_absolute_error": skm.mean_absolute_error, "mean_squared_error": skm.mean_squared_error}
KINDS = ("difference", "ratio", "group_min", "group_max")


def main(path: Path) -> None:
    table = pd.read_parquet(path)
    values: dict[str, Any] = {}
    for functions, guess in ((CLASSES, "prediction"), (SCORES, "score")):
        frame = fm.MetricFrame(
            metrics=functions,
            y_true=table["label"],
            y_pred=table[guess],
            sensitive_features=table[["race", "sex"]],
        )
        for kind in KINDS:
            values |= {f"{name}_{kind}": float(value) for name, value in getattr(frame, kind)().items()}
    known = {name: None if math.isnan(value) else value for name, value in values.items()}
    print(json.dumps({"values": known, "peak_mib": peak.mebibytes()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
