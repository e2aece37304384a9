"""Feast tells of its features by OpenLineage when it applies and fills them; a dump of its registry says the same."""

from pathlib import Path

from pytest_django.live_server_helper import LiveServer

from governance.models import Team, User
from governance.tokens import Scope
from lineage import selectors
from lineage.identity import Family
from lineage.models import Run
from tests import factories
from tests.lineage import growing
from tests.systems import tools

pytestmark = tools.requires("feast", serves=True)
INSTANCE = "feast://features"
PROJECT = f"{INSTANCE}/loans"
STORE = """
project: loans
provider: local
registry: registry.db
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
"""
TELLS = f"""
openlineage:
  enabled: true
  transport_type: http
  transport_url: %s
  transport_endpoint: api/v1/lineage
  namespace: {INSTANCE}
  api_key: %s
"""
FEATURES = """
from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

account = Entity(name="account", join_keys=["account_id"], value_type=ValueType.INT64)
source = FileSource(name="accounts", path=%r, timestamp_field="at")
view = FeatureView(
    name="account_features",
    entities=[account],
    ttl=timedelta(days=3650),
    schema=[Field(name="account_id", dtype=Int64), Field(name="income", dtype=Float64)],
    source=source,
    tags={"team": "risk"},
)
service = FeatureService(name="loans_v1", features=[view])
"""
ROWS = """
import sys
import pandas

times = pandas.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
pandas.DataFrame({"account_id": [1, 2], "income": [10.0, 20.0], "at": times}).to_parquet(sys.argv[1])
"""


def written(folder: Path, *, tells: str = "") -> None:
    (folder / "feature_store.yaml").write_text(STORE + tells)
    (folder / "features.py").write_text(FEATURES % str(folder / "accounts.parquet"))


def columns(namespace: str, name: str) -> set[str]:
    said = {one.key: one.value for one in selectors.facets(tools.asset(namespace, name))}
    return {field["name"] for field in said["schema"]["fields"]}


def test_a_registry_is_told_by_feast_and_by_its_dump(
    live_server: LiveServer, team: Team, member: User, tmp_path: Path
) -> None:
    feast = tools.Tool("feast")
    client = factories.client(member, Scope.READ)
    written(tmp_path, tells=TELLS % (live_server.url, factories.secret(member, Scope.LINEAGE_WRITE)))
    feast.run(feast.python, "-c", ROWS, "accounts.parquet", cwd=tmp_path)

    feast.run("feast", "apply", cwd=tmp_path)
    feast.run("feast", "materialize", "2025-12-31T00:00:00", "2026-02-01T00:00:00", cwd=tmp_path)
    growing.project()

    assert tools.upstream(client, PROJECT, "loans_v1") >= {"feature_service_loans_v1", "account_features", "accounts"}
    assert tools.upstream(client, PROJECT, "online_store_account_features") >= {"materialize_loans", "accounts"}
    filled = tools.asset(PROJECT, "materialize_loans", Family.JOB)
    assert set(Run.objects.filter(job=filled).values_list("state", flat=True)) == {"completed"}

    assert columns(PROJECT, "account_features") == {"income"}

    # The same from the registry, under another name to be told apart, with the keys and the file of the source.
    dump = tmp_path / "dump.json"
    dump.write_text(feast.run("feast", "registry-dump", cwd=tmp_path))
    connection = tools.connect(team, "feast", "feast://dumped")
    assert "0 refused" in tools.take(connection, dump)
    dumped = "feast://dumped/loans"
    above = tools.upstream(client, dumped, "loans_v1")
    assert above >= {"feature_service_loans_v1", "account_features", "feature_view_account_features", "accounts"}
    assert columns(dumped, "account_features") == {"account_id", "income"}
    assert columns(dumped, "loans_v1") == {"income"}
    assert tools.asset("file", f"{tmp_path}/accounts.parquet").kind == "name"
