"""A gate as teams write it into CI: `python ci_gate.py FACTS HOLDOUT MODEL` prints what it found as JSON.

Owners, the reported metric, inputs and commit come from a run of MLflow's tracking server (FACTS is its address, `#`
and the run), or from a file, which spares it that; the groups are compared with Fairlearn and the model's reasons asked
of SHAP. It asks what the policy of `bench.production` asks, but for confidence intervals, which Fairlearn has only by
its bootstrap.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shap
import xgboost
from fairlearn.metrics import MetricFrame, false_positive_rate, true_positive_rate

ROLES = ("business_owner", "technical_owner", "steward")
MINIMUM_AUC = 0.5
MAXIMUM_DIFFERENCE = 0.1
MAXIMUM_PROTECTED_SHARE = 0.2
TOLERANCE = 0.01
SAMPLE = 1_000
PROTECTED = ["f19"]


def main(facts: dict[str, Any], holdout: Path, model: Path) -> dict[str, Any]:
    table = pd.read_parquet(holdout)
    return {
        "ownership": all(facts["owners"].get(role) for role in ROLES),
        "kpi": facts["metrics"]["auc"] >= MINIMUM_AUC,
        "lineage-complete": bool(facts["commit"]) and all(one["version"] for one in facts["inputs"]),
        "fairness": _equalized_odds(table) <= MAXIMUM_DIFFERENCE,
        "explanations": _is_explained(table, model),
    }


def _read(facts: str) -> dict[str, Any]:
    if not facts.startswith("http"):
        return dict(json.loads(Path(facts).read_text()))
    import mlflow  # noqa: PLC0415 - a script that reads a file does not load it

    address, _, run_id = facts.partition("#")
    run = mlflow.MlflowClient(address).get_run(run_id)
    tags = run.data.tags
    return {
        "owners": {role: tags.get(role) for role in ROLES},
        "metrics": run.data.metrics,
        "commit": tags.get("mlflow.source.git.commit"),
        "inputs": [{"version": one.dataset.digest} for one in run.inputs.dataset_inputs],
    }


def _equalized_odds(table: pd.DataFrame) -> float:
    frame = MetricFrame(
        metrics={"tpr": true_positive_rate, "fpr": false_positive_rate},
        y_true=table["label"],
        y_pred=table["prediction"],
        sensitive_features=table[["race", "sex"]],
    )
    return float(frame.difference().max())


def _is_explained(table: pd.DataFrame, model: Path) -> bool:
    booster = xgboost.Booster(model_file=model)
    features = [name for name in table.columns if name.startswith("f")]
    rows = table[features].sample(SAMPLE, random_state=0)
    explained = shap.TreeExplainer(booster)(rows)
    values, base = explained.values, explained.base_values
    output = booster.predict(xgboost.DMatrix(rows), output_margin=True)
    error = np.abs(base + values.sum(axis=1) - output).max()
    scale = np.sqrt(np.mean((output - base) ** 2))
    sizes = pd.Series(np.abs(values).mean(axis=0), index=features)
    return bool(error <= TOLERANCE * scale and sizes[PROTECTED].sum() / sizes.sum() <= MAXIMUM_PROTECTED_SHARE)


if __name__ == "__main__":
    print(json.dumps(main(_read(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))))
