"""Fairlearn, SHAP and LIME look at a model, and what they say stands in the graph."""

import json
from pathlib import Path

from governance.models import Team
from lineage.models import Observation
from tests.systems import tools

pytestmark = tools.requires("responsible_ai")
LOOK = """
import json, numpy as np
from fairlearn.metrics import MetricFrame, demographic_parity_difference, selection_rate
from lime.lime_tabular import LimeTabularExplainer
from shap import LinearExplainer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
chance = np.random.default_rng(1)
rows = chance.normal(size=(200, 2))
label = (rows[:, 0] > 0).astype(int)
group = np.where(rows[:, 1] > 0, "F", "M")
model = LogisticRegression().fit(rows, label)
answer = model.predict(rows)
frame = MetricFrame(metrics={"accuracy": accuracy_score, "selection_rate": selection_rate},
                    y_true=label, y_pred=answer, sensitive_features=group)
fairlearn = {"overall": frame.overall.to_dict(), "by_group": frame.by_group.to_dict("index"),
             "difference": frame.difference().to_dict(), "ratio": frame.ratio().to_dict(),
             "demographic_parity_difference": demographic_parity_difference(label, answer, sensitive_features=group)}
values = LinearExplainer(model, rows)(rows).values
shap = {"mean_abs_shap": dict(zip(["amount", "term"], abs(values).mean(0).tolist())), "sample_size": len(rows)}
explained = LimeTabularExplainer(rows, feature_names=["amount", "term"], random_state=1).explain_instance(
    rows[0], model.predict_proba)
lime = {"local_exp": {str(key): [[int(a), float(b)] for a, b in one] for key, one in explained.local_exp.items()},
        "score": float(explained.score)}
print("RESULT" + json.dumps({"fairlearn": fairlearn, "shap_values": shap, "lime": lime}))
"""


def test_what_they_say_is_said_of_the_model_version(team: Team, tmp_path: Path) -> None:
    printed = tools.Tool("responsible_ai").script(LOOK, cwd=tmp_path)
    reports = json.loads(printed.rpartition("RESULT")[2])
    model = {"namespace": "mlflow://ml.example", "name": "credit", "version": "7"}

    for system, report in reports.items():
        path = tmp_path / f"{system}.json"
        path.write_text(json.dumps({"model": model, "performed_at": "2026-03-01T10:00:00Z", "report": report}))
        connection = tools.connect(team, system, f"{system}://jobs")
        assert "1 new, 0 refused" in tools.take(connection, path)

    measured = {(one.metric, one.segment): one.value for one in Observation.objects.all()}
    assert {segment for metric, segment in measured if metric == "accuracy"} == {"", "F", "M"}
    assert 0 <= (measured["demographic_parity_difference", ""] or 0) <= 1
    assert (measured["shap_share", "amount"] or 0) > 0.9
