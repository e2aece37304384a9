"""Evidently compares two tables, and the drift that it finds stands in the graph."""

import json
from pathlib import Path

from governance.models import Team
from lineage.models import Observation
from tests.systems import tools

pytestmark = tools.requires("evidently")
COMPARE = """
import numpy as np, pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
chance = np.random.default_rng(1)
reference = pd.DataFrame({"amount": chance.normal(0, 1, 400), "term": chance.normal(0, 1, 400)})
current = reference.assign(amount=reference.amount + 3)
print("RESULT" + Report([DataDriftPreset()], include_tests=True).run(current, reference).json())
"""


def test_a_report_of_drift_is_imported(team: Team, tmp_path: Path) -> None:
    printed = tools.Tool("evidently").script(COMPARE, cwd=tmp_path)
    report = json.loads(printed.rpartition("RESULT")[2])
    path = tmp_path / "report.json"
    model = {"namespace": "mlflow://ml.example", "name": "credit", "version": "7"}
    path.write_text(json.dumps({"model": model, "performed_at": "2026-03-01T10:00:00Z", "report": report}))
    connection = tools.connect(team, "evidently", "evidently://jobs")

    assert "1 new, 0 refused" in tools.take(connection, path)

    measured = dict(Observation.objects.values_list("metric", "value"))
    assert measured["drifted_columns_count.share"] == 0.5
    assert (measured["value_drift.amount"] or 0) < 0.001 < (measured["value_drift.term"] or 0)
