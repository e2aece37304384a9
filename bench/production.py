"""A whole production policy on evidence of 100,000 rows, beside the script in CI that asks the same.

Ownership, KPI, lineage, fairness by two columns with intervals, and SHAP values that a worker computes from an XGBoost
file: from the request to the verdict, each time with a table that nobody measured before, and then with the same again.
"""

import hashlib
import http.client
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import xgboost
from numpy.typing import NDArray

from bench import gate, peers, rows, scene
from bench.rows import Better, Peer, Row, Target
from bench.scene import BenchError, Scene, Service

FEATURES, ROWS = 20, 100_000
CHECKS = 5
# More than there are workers: each of them loads its libraries with the first that it gets.
WARMING = 9
POLICY = f"""
policy: bench-production
applies: {{stage: {gate.STAGE}}}
rules:
  - check: ownership
    roles: [business_owner, technical_owner, steward]
  - check: kpi
    metric: auc
    minimum: 0.50
    maximum: 1.00
  - check: lineage-complete
  - check: fairness
    evidence: holdout
    label: label
    prediction: prediction
    sensitive: [race, sex]
    metric: equalized_odds_difference
    maximum: 0.10
  - check: explanations
    model: model.ubj
    data: holdout
    sample: 1000
    protected: [f19]
    maximum_protected_share: 0.20
"""
PEER_PATIENCE_S = 120.0
Table = NDArray[Any]


def run(stage: Scene) -> Iterator[Row]:
    count = 5 if stage.quick else 20
    folder = stage.data / "production"
    folder.mkdir(parents=True, exist_ok=True)
    holdout, model = folder / "holdout.parquet", folder / "model.ubj"
    try:
        with stage.service() as service:
            stage.say("production: models with owners, figures and lineage")
            candidates = gate.prepare(service, count=WARMING + 2 * count, seed=scene.SEED, policy=POLICY)
            _train(model)
            models = _put(service, model)
            asked = []
            for number, candidate in enumerate(candidates[: WARMING + count]):
                write(holdout, seed=number)
                evidence = {"model.ubj": models, "holdout": _put(service, holdout)}
                asked.append(replace(candidate, evidence=evidence))
            stage.say("production: one at a time")
            gate.verdict_times(service, asked[:WARMING], checks=CHECKS)
            first = gate.verdict_times(service, asked[WARMING:], checks=CHECKS)
            stage.say("production: the same files again")
            again = [
                replace(candidate, evidence=before.evidence)
                for candidate, before in zip(candidates[WARMING + count :], asked[WARMING:], strict=True)
            ]
            second = gate.verdict_times(service, again, checks=CHECKS)
        yield from _first(stage, first, folder, holdout, model)
    finally:
        for path in (holdout, model):
            path.unlink(missing_ok=True)
    yield rows.measured(
        "production",
        "the same files for another version, request to verdict p50",
        [rows.percentile(second, 0.50)],
        "s",
        better=Better.LESS,
        target=Target(value=0.2),
        note=f"{count} promotions, one after the other",
    )


def _first(stage: Scene, taken: Sequence[float], folder: Path, holdout: Path, model: Path) -> Iterator[Row]:
    metric = f"five checks on {ROWS:,} rows, request to verdict"
    note = f"{len(taken)} promotions, one after the other, each with a table of its own, sent before the request"
    spared = "the script computes no intervals"
    stage.say("production: the script in CI")
    asking: Sequence[float] = ()
    reading: Sequence[float] = ()
    try:
        python = peers.interpreter(stage)
        with peers.tracking_server(stage, python) as address:
            run = _tracked(f"http://{address.host}:{address.port}")
            asking = _script(stage, python, run, holdout, model)
        facts = folder / "facts.json"
        facts.write_text(json.dumps(FACTS), encoding="utf-8")
        reading = _script(stage, python, str(facts), holdout, model)
        facts.unlink()
    except BenchError as error:
        note = f"{note}; the peer was not measured: {error}"
    for name, script, target in (
        ("cold script: MLflow, pandas, Fairlearn, SHAP", asking, Target(value=0.6, ratio=12)),
        ("the same script, its facts in a file", reading, None),
    ):
        yield rows.measured(
            "production",
            f"{metric} p50",
            [median(taken)],
            "s",
            better=Better.LESS,
            peer=Peer(name=name, values=script) if script else None,
            target=target,
            note=f"{note}; {spared}",
        )
    yield rows.measured(
        "production", f"{metric} p95", [rows.percentile(taken, 0.95)], "s", better=Better.LESS, note=note
    )


def write(path: Path, *, seed: int) -> None:
    """Rows of independent features, two sensitive columns that decide nothing, a label and a prediction."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(ROWS, FEATURES))
    labels = _labels(values, random)
    columns = {f"f{number}": column for number, column in enumerate(values.T)}
    columns |= {
        "label": labels,
        "prediction": (2 * values[:, 0] + values[:, 1] > 0).astype(int),
        "race": random.integers(6, size=ROWS),
        "sex": random.integers(2, size=ROWS),
    }
    with duckdb.connect(":memory:") as database:
        database.register("columns", columns)
        database.execute(
            "COPY (SELECT * REPLACE ('race ' || race AS race, ['female', 'male'][sex + 1] AS sex) FROM columns) "
            "TO $path (FORMAT parquet)",
            {"path": str(path)},
        )


def _labels(values: Table, random: np.random.Generator) -> Table:
    noise = random.normal(size=len(values))
    labels: Table = (2 * values[:, 0] + values[:, 1] - values[:, 2] * values[:, 3] + noise > 0).astype(int)
    return labels


def _train(path: Path) -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(5_000, FEATURES))
    data = xgboost.DMatrix(
        values, label=_labels(values, random), feature_names=[f"f{number}" for number in range(FEATURES)]
    )
    xgboost.train({"objective": "binary:logistic", "max_depth": 5, "nthread": 2}, data, 100).save_model(path)


def _put(service: Service, path: Path) -> str:
    """Send a file of evidence; its digest."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    connection = http.client.HTTPConnection(service.address.host, service.address.port, timeout=60)
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/octet-stream"}
    connection.request("PUT", f"/api/v1/evidence/{digest}", content, headers)
    reply = connection.getresponse()
    said = reply.read()
    connection.close()
    if reply.status not in {200, 201}:
        raise BenchError(f"PUT of evidence: {reply.status} {said[:300]!r}")
    return digest


def _tracked(address: str) -> str:
    """A run of MLflow's that has what the policy asks of a model version; where the script finds it."""

    def call(path: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{address}/api/2.0/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            raise BenchError(f"MLflow {path}: {error.code} {error.read()[:300]!r}") from error

    tags = FACTS["owners"] | {"mlflow.source.git.commit": FACTS["commit"]}
    told = [{"key": name, "value": value} for name, value in tags.items()]
    run = call("runs/create", {"experiment_id": "0", "start_time": 0, "tags": told})["run"]["info"]["run_id"]
    for name, value in FACTS["metrics"].items():
        call("runs/log-metric", {"run_id": run, "key": name, "value": value, "timestamp": 0, "step": 0})
    inputs = [
        {"dataset": {"name": one["name"], "digest": one["version"], "source_type": "local", "source": "{}"}}
        for one in FACTS["inputs"]
    ]
    call("runs/log-inputs", {"run_id": run, "datasets": inputs})
    return f"{address}#{run}"


def _script(stage: Scene, python: Path, facts: str, holdout: Path, model: Path) -> list[float]:
    """Seconds of the whole process, after one that brings its files and libraries into memory."""
    command = [str(python), str(peers.PROGRAMS / "ci_gate.py"), facts, str(holdout), str(model)]
    environment = dict(stage.environment) | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    taken = []
    for _ in range(1 + stage.runs(5)):
        begun = time.perf_counter()
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=PEER_PATIENCE_S
        )
        taken.append(time.perf_counter() - begun)
        if done.returncode:
            raise BenchError(f"ci_gate.py: {done.stderr.strip()[-300:]}")
        found = json.loads(done.stdout.strip().splitlines()[-1])
        if len(found) != CHECKS or not all(found.values()):
            raise BenchError(f"The script does not find what the service does: {found}")
    return taken[1:]


FACTS: dict[str, Any] = {
    "owners": dict.fromkeys(("business_owner", "technical_owner", "steward"), "credit"),
    "metrics": {"auc": 0.9},
    "commit": "4f2d1c9",
    "inputs": [{"name": "features", "version": "7"}, {"name": "labels", "version": "3"}],
}
