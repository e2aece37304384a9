"""A real MLflow: a webhook tells of the registry at once, and a poll of the run that made the version."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from governance.models import Team, User
from governance.tokens import Scope
from integrations import doors, polling
from integrations.models import Connection, Delivery
from integrations.systems.base import Scheme
from lineage.models import Observation
from tests import factories, service
from tests.integrations import connecting
from tests.integrations.polled import Http
from tests.lineage import growing
from tests.systems import tools

pytestmark = tools.requires("mlflow", serves=True)
NAMESPACE = "mlflow://ml.example"
WAIT_S = 600.0
# A key of Fernet's form, for this test alone.
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TRAIN = """
import os, mlflow
from mlflow import MlflowClient
client = MlflowClient()
client.create_webhook("assay", os.environ["HOOK"], secret=os.environ["SECRET"], events=[
    "registered_model.created", "model_version.created", "model_version_alias.created"])
mlflow.set_experiment("credit-training")
with mlflow.start_run() as run:
    mlflow.set_tag("mlflow.source.git.commit", "ab" * 20)
    mlflow.set_tag("mlflow.source.git.repoURL", "https://git.example/acme/credit")
    mlflow.log_params({"depth": 6, "random_state": 11})
    mlflow.log_metric("auc", 0.91)
client.create_registered_model("credit-risk", tags={"owner": "risk"})
client.create_model_version("credit-risk", "s3://models/credit-risk/1", run_id=run.info.run_id)
client.set_registered_model_alias("credit-risk", "champion", "1")
"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    mlflow, port = tools.Tool("mlflow"), service.free_port()
    command = [mlflow.python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", str(folder / "artifacts")]
    environment = {
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": KEY,
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    }
    url = f"http://127.0.0.1:{port}"
    with mlflow.serving(*command, health=f"{url}/health", cwd=folder, environment=environment):
        yield url


def test_registry_and_run_of_a_real_server_become_one_model(
    live_server: LiveServer, team: Team, member: User, tmp_path: Path
) -> None:
    hook = connecting.connection(
        team, slug="mlflow", system="mlflow", scheme=Scheme.MLFLOW, namespace=NAMESPACE, poll_interval_s=60
    )
    doors.forget()
    with serving(tmp_path) as url:
        environment = {
            "MLFLOW_TRACKING_URI": url,
            "HOOK": f"{live_server.url}/api/v1/hooks/mlflow",
            "SECRET": connecting.SECRET,
        }
        tools.Tool("mlflow").script(TRAIN, cwd=tmp_path, environment=environment)
        ends = time.monotonic() + WAIT_S
        while Delivery.objects.filter(connection=hook).count() < 3:
            assert time.monotonic() < ends, "No webhook came."
            time.sleep(0.25)
        tools.translate()
        types = set(Delivery.objects.values_list("type", flat=True))
        assert types == {"registered_model.created", "model_version.created", "model_version_alias.created"}
        assert tools.asset(NAMESPACE, "credit-risk").kind == "model"
        assert not Observation.objects.exists()

        read(hook, url)
        client = factories.client(member, Scope.READ)
        above = tools.upstream(client, NAMESPACE, "credit-risk")
        assert above >= {"credit-training", "https://git.example/acme/credit"}
        [measured] = Observation.objects.filter(version__asset=tools.asset(NAMESPACE, "credit-risk"))
        assert (measured.metric, measured.value) == ("auc", 0.91)
        # What a second poll finds is known.
        assert read(hook, url) == 0


def read(connection: Connection, url: str) -> int:
    """Poll now; gives how many events were new."""
    Connection.objects.filter(pk=connection.pk).update(poll_at=timezone.now() - timedelta(seconds=1))
    reading = polling.poll(connection.pk, client=Http(url))
    assert reading is not None
    assert (reading.error, reading.errors) == ("", [])
    growing.project()
    return reading.new
