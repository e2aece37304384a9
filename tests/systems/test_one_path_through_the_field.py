"""dbt, Airflow, MLflow, a serving status and Prometheus, all real but the cluster: one connected path in the graph.

Source table -> dbt model -> Airflow's training task -> MLflow's version -> deployment -> alert. Every system sends by
its own client; only KServe's status is replayed, since a cluster does not fit on a machine of tests.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from governance.tokens import Scope
from lineage import identity
from lineage.identity import Family
from tests import service
from tests.faults.test_nothing_acknowledged_is_lost import signed_in
from tests.systems.test_prometheus_and_alertmanager import (
    ALERTMANAGER,
    PROMETHEUS,
    exporting,
    prometheus_command,
    running,
    written,
)
from tests.systems.tools import Tool, place, requires

NEEDED = ("dbt", "airflow", "mlflow")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (PROMETHEUS and ALERTMANAGER), reason="Prometheus and Alertmanager are not installed"),
    *(mark for name in NEEDED for mark in requires(name) if mark.name != "django_db"),
]
WAIT_S = 600.0
SOURCE_TABLE = "loans.main.raw_loans"
TABLE = "loans.main.stg_loans"
ALERT = "ScoreDriftHigh"
# What stands between the source table and the alert.
KINDS = {TABLE: "dataset", "loans_training.train": "job", "loans": "model", "bank/loans": "deployment", ALERT: "job"}
TRAIN = """
import os
import sys
import mlflow

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("loans")
with mlflow.start_run() as run:
    mlflow.set_tag("openlineage.parent", os.environ.get("PARENT", ""))
    mlflow.log_params({"depth": 3, "seed": 7})
    mlflow.log_metric("auc", 0.91)
    client = mlflow.MlflowClient()
    client.create_registered_model("loans")
    client.create_model_version("loans", run.info.artifact_uri + "/model", run.info.run_id)
"""
DAG = """
from datetime import datetime

from airflow.providers.common.compat.openlineage.facet import Dataset
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("loans_training", start_date=datetime(2026, 1, 1), schedule=None):
    BashOperator(
        task_id="train",
        bash_command=%(command)r,
        env={"PARENT": "{{ macros.OpenLineageProviderPlugin.lineage_parent_id(task_instance) }}"},
        append_env=True,
        inlets=[Dataset(namespace=%(namespace)r, name=%(table)r)],
        outlets=[Dataset(namespace="mlflow://test", name="loans")],
    )
"""
# dbt-ol leaves seeds out of what a model reads, so the source is a table that was there before.
SOURCE = """
import duckdb

with duckdb.connect("loans.duckdb") as connection:
    connection.execute("CREATE TABLE raw_loans AS SELECT 1 AS id, 100 AS amount, 0 AS defaulted")
"""
DBT = {
    "dbt_project.yml": """
name: loans
version: "1.0"
profile: loans
model-paths: [models]
""",
    "profiles.yml": """
loans:
  target: dev
  outputs:
    dev: {type: duckdb, path: loans.duckdb, threads: 1}
""",
    "models/stg_loans.sql": "select id, amount, defaulted from {{ source('lake', 'raw_loans') }} where amount > 0\n",
    "models/schema.yml": """
version: 2
sources:
  - name: lake
    schema: main
    tables: [{name: raw_loans}]
models:
  - name: stg_loans
    columns:
      - name: id
        data_tests: [not_null]
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assay:
    """The whole service, running, as a client sees it."""

    service: service.Service
    session: requests.Session

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def token(self) -> str:
        return str(self.session.headers["Authorization"]).removeprefix("Bearer ")

    def connect(self, slug: str, system: str, namespace: str, *more: str) -> dict[str, str]:
        """A connection of the system; gives its address and secret."""
        arguments = ["--system", system, "--team", "ml", "--namespace", namespace, *more]
        made: dict[str, str] = json.loads(self.service.manage("connection", "create", slug, *arguments))
        # The service of a test does not know the port under which it is reached.
        return made | {"url": f"{self.url}{urlsplit(made['url']).path}"}

    def get(self, path: str, **query: Any) -> Any:
        answer = self.session.get(f"{self.url}/api/v1/{path}", params=query, timeout=30)
        return answer.json() if answer.ok else None

    def around(self, namespace: str, name: str, direction: str) -> dict[str, str]:
        """Names and kinds of all that an asset comes from, or that comes from it."""
        asset = str(identity.asset(Family.DATASET, namespace, name))
        found = self.get("graph", asset=asset, direction=direction, depth=20)
        return {node["name"]: node["kind"] for node in found["nodes"]} if found else {}

    def wait(self, namespace: str, name: str, direction: str, *expected: str) -> None:
        """Until these stand on that side of an asset."""
        service.until(
            lambda: set(expected) <= self.around(namespace, name, direction).keys(),
            timeout_s=WAIT_S,
            what=f"{', '.join(expected)} {direction} of {name}",
        )


@pytest.fixture
def assay(tmp_path: Path) -> Iterator[Assay]:
    with pytest.MonkeyPatch.context() as patch, service.database() as database:
        # The other systems are on this machine.
        patch.setenv("ASSAY_OUTGOING_NETWORKS", "127.0.0.1")
        with service.running(tmp_path / "assay", database) as running:
            running.manage(
                "shell", "-c", "from governance.models import Team; Team.objects.create(slug='ml', name='ML')"
            )
            yield Assay(service=running, session=running.session(Scope.READ, Scope.LINEAGE_WRITE))


def told_by_dbt(assay: Assay, dbt: Tool, folder: Path) -> tuple[str, str]:
    """Build the project, and give namespace and name of what it made."""
    for name, text in DBT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    told = {"OPENLINEAGE_URL": assay.url, "OPENLINEAGE_API_KEY": assay.token, "OPENLINEAGE_NAMESPACE": "dbt"}
    dbt.script(SOURCE, cwd=folder)
    dbt.run("dbt-ol", "run", "--profiles-dir", ".", cwd=folder, environment=told)

    def made() -> list[tuple[str, str]]:
        found = assay.get("assets", q="stg_loans", kind="dataset")
        return [(one["namespace"], one["name"]) for one in found["results"] if one["name"] == TABLE]

    service.until(lambda: bool(made()), timeout_s=WAIT_S, what="dbt's model is known")
    return made()[0]


@contextmanager
def mlflow_server(mlflow: Tool, folder: Path) -> Iterator[str]:
    port = service.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(place("mlflow") / "bin" / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--default-artifact-root", str(folder / "artifacts")]
    with mlflow.serving(*command, health=f"{url}/health", cwd=folder):
        yield url


def trained_by_airflow(
    assay: Assay, airflow: Tool, mlflow: Tool, folder: Path, url: str, source: tuple[str, str]
) -> None:
    """One run of the DAG, whose task trains in MLflow's environment."""
    (folder / "dags").mkdir(parents=True)
    (folder / "train.py").write_text(TRAIN)
    command = f"{mlflow.python} {folder / 'train.py'} {url}"
    (folder / "dags" / "loans.py").write_text(DAG % {"command": command, "namespace": source[0], "table": source[1]})
    transport = {"type": "http", "url": assay.url, "auth": {"type": "api_key", "apiKey": assay.token}}
    environment = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "airflow",
    }
    airflow.run("airflow", "db", "migrate", cwd=folder, environment=environment)
    airflow.run("airflow", "dags", "test", "loans_training", "2026-01-05", cwd=folder, environment=environment)


def served(assay: Assay) -> None:
    """The cluster says that it serves version 1."""
    made = assay.connect("cluster", "kserve", "kserve://test", "--scheme", "secret_path")
    now = datetime.now(UTC).isoformat()
    status = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "loans",
            "namespace": "bank",
            "uid": "5c0f4dd0-3b1e-4b53-9f1e-6a1f0f6f0009",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": now,
            "annotations": {"assay.model": "loans", "assay.version": "1"},
        },
        "spec": {"predictor": {"sklearn": {"storageUri": "gs://bank/models/loans/1"}}},
        "status": {
            "deploymentMode": "RawDeployment",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now}],
            "modelStatus": {"transitionStatus": "UpToDate"},
        },
    }
    answer = requests.post(made["url"], json=status, timeout=30)
    assert answer.ok, answer.text


def watched(assay: Assay, folder: Path, found: tuple[str, str]) -> None:
    """Prometheus measures the version, and its alert reaches us through Alertmanager."""
    made = assay.connect("alerts", "alertmanager", "alertmanager://test", "--scheme", "bearer")
    hook = {
        "url": made["url"],
        "send_resolved": True,
        "http_config": {"authorization": {"type": "Bearer", "credentials": made["secret"]}},
    }
    config = {
        "route": {"receiver": "assay", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"},
        "receivers": [{"name": "assay", "webhook_configs": [hook]}],
    }
    ports = service.free_port(), service.free_port()
    alerting = [
        ALERTMANAGER,
        f"--config.file={written(folder / 'alertmanager.yml', config)}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{ports[1]}",
        "--cluster.listen-address=",
    ]
    with (
        exporting({"model_drift_score": 0.34}, version="1") as exporter,
        running(*alerting, log=folder / "alertmanager.log"),
        running(*prometheus_command(folder, ports[0], exporter, ports[1]), log=folder / "prometheus.log"),
    ):
        assay.wait(*found, "downstream", ALERT)


def shown_in_the_portal(assay: Assay, namespace: str) -> None:
    """Somebody who is signed in sees the path on the graph's page, and each step with what is beside it on its own."""
    browser = signed_in(assay.service)

    def page(address: str, **query: str) -> str:
        answer = browser.get(f"{assay.url}{address}", params=query, timeout=60)
        assert answer.ok, answer.text
        return answer.text

    root = str(identity.asset(Family.DATASET, namespace, SOURCE_TABLE))
    asked = {"asset": root, "direction": "downstream", "depth": "10"}
    listed = page("/graph", form="list", **asked)
    steps = {name: address for address, name in re.findall(r'asset-row__name" href="([^"]+)" title="([^"]+)"', listed)}
    assert steps.keys() >= {SOURCE_TABLE, *KINDS}, steps
    drawn = page("/graph", **asked)
    for step, beside in (
        (SOURCE_TABLE, TABLE),
        (TABLE, "loans_training.train"),
        ("loans_training.train", "loans"),
        ("loans", "bank/loans"),
        ("loans", ALERT),
        (ALERT, "loans"),
    ):
        assert f'"name": "{step}"' in drawn
        about = page(steps[step])
        assert f">{step}</" in about, step
        assert f">{beside}</a>" in about, (step, beside)


def test_the_path_from_the_source_table_to_the_alert(assay: Assay, tmp_path: Path) -> None:
    dbt, airflow, mlflow = (Tool(name) for name in NEEDED)
    places = {name: tmp_path / name for name in ("dbt", "airflow", "mlflow", "prometheus")}
    for folder in places.values():
        folder.mkdir()
    source = told_by_dbt(assay, dbt, places["dbt"])
    with mlflow_server(mlflow, places["mlflow"]) as url:
        trained_by_airflow(assay, airflow, mlflow, places["airflow"], url, source)
        assay.connect("mlflow", "mlflow", "mlflow://test", "--address", url, "--poll-every", "10")
        assay.wait("mlflow://test", "loans", "upstream", TABLE, SOURCE_TABLE, "loans_training.train")
        # Airflow names what it writes; that it is a model, and its version, only MLflow knows.
        registered = f"assets/{identity.asset(Family.DATASET, 'mlflow://test', 'loans')}"
        service.until(lambda: assay.get(registered)["kind"] == "model", timeout_s=WAIT_S, what="MLflow was asked")
    served(assay)
    watched(assay, places["prometheus"], ("mlflow://test", "loans"))

    # From the source table down to the alert, and each step on the way.
    names = assay.around(source[0], SOURCE_TABLE, "downstream")
    assert names.items() >= KINDS.items(), names
    shown_in_the_portal(assay, source[0])
