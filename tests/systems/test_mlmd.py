"""ML Metadata writes a store, and its tasks and model are found in the graph."""

import re
import subprocess
import sys
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from governance.models import Team, User
from governance.tokens import Scope
from lineage.models import AssetVersion, Observation
from tests import factories, project, service
from tests.systems import tools

pytestmark = tools.requires("mlmd")
NAMESPACE = "mlmd://tfx"
WRITE = """
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb
config = pb.ConnectionConfig()
%s
store = metadata_store.MetadataStore(config)
def kind(put, cls, name):
    one = cls()
    one.name = name
    return put(one)
kinds = {name: kind(store.put_artifact_type, pb.ArtifactType, name)
         for name in ("Examples", "Model", "ModelBlessing", "system.Metrics")}
trainer = kind(store.put_execution_type, pb.ExecutionType, "Trainer")
contexts = {name: kind(store.put_context_type, pb.ContextType, name) for name in ("pipeline", "pipeline_run")}
def event(type, key):
    one = pb.Event(type=type)
    one.path.steps.add().key = key
    return one
for number in range(3):
    pipeline = pb.Context(type_id=contexts["pipeline"], name="credit")
    run = pb.Context(type_id=contexts["pipeline_run"], name=f"run-{number}")
    execution = pb.Execution(type_id=trainer, last_known_state=pb.Execution.COMPLETE)
    execution.custom_properties["display_name"].string_value = "train"
    examples = pb.Artifact(type_id=kinds["Examples"], uri="s3://lake/credit", state=pb.Artifact.LIVE)
    model = pb.Artifact(type_id=kinds["Model"], uri=f"s3://models/credit/{number}", state=pb.Artifact.LIVE)
    metrics = pb.Artifact(type_id=kinds["system.Metrics"], uri="s3://x", state=pb.Artifact.LIVE)
    metrics.custom_properties["auc"].double_value = 0.9
    blessing = pb.Artifact(type_id=kinds["ModelBlessing"], uri="s3://y", state=pb.Artifact.LIVE)
    blessing.custom_properties["blessed"].int_value = 1
    store.put_execution(execution, [
        (examples, event(pb.Event.INPUT, "examples")), (model, event(pb.Event.OUTPUT, "model")),
        (metrics, event(pb.Event.OUTPUT, "metrics")), (blessing, event(pb.Event.OUTPUT, "blessing"))],
        [pipeline, run], reuse_context_if_already_exist=True)
"""
IN_SQLITE = """
config.sqlite.filename_uri = "store.sqlite"
config.sqlite.connection_mode = 3
"""
IN_POSTGRESQL = """
config.postgresql.host, config.postgresql.port = {host!r}, {port!r}
config.postgresql.user, config.postgresql.password, config.postgresql.dbname = {user!r}, {password!r}, {database!r}
"""


def test_a_store_is_read_from_its_file(team: Team, member: User, tmp_path: Path) -> None:
    tools.Tool("mlmd").script(WRITE % IN_SQLITE, cwd=tmp_path)

    found_in_the_graph(team, member, tmp_path / "store.sqlite")


def test_a_store_in_postgresql_is_read_from_its_copy(team: Team, member: User, tmp_path: Path) -> None:
    page = (project.ROOT / "docs" / "integrations" / "mlmd.md").read_text(encoding="utf-8")
    [copying] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    with service.database() as address:
        # The server may listen at a socket in a folder alone, which then stands for its host.
        parts = {name: str(value) for name, value in conninfo_to_dict(address).items()}
        where = IN_POSTGRESQL.format(
            host=parts["host"],
            port=parts.get("port", "5432"),
            user=parts["user"],
            password=parts.get("password", ""),
            database=parts["dbname"],
        )
        tools.Tool("mlmd").script(WRITE % where, cwd=tmp_path)
        subprocess.run([sys.executable, "-c", copying, address, "store.sqlite"], cwd=tmp_path, check=True)

    found_in_the_graph(team, member, tmp_path / "store.sqlite")


def found_in_the_graph(team: Team, member: User, store: Path) -> None:
    connection = tools.connect(team, "mlmd", NAMESPACE)
    assert "6 events, 6 new, 0 refused" in tools.take(connection, store)

    client = factories.client(member, Scope.READ)
    assert tools.upstream(client, NAMESPACE, "credit/model") >= {"credit.train", "credit"}
    assert AssetVersion.objects.filter(asset=tools.asset(NAMESPACE, "credit/model")).count() == 3
    assert set(Observation.objects.values_list("metric", "value")) == {("auc", 0.9)}
