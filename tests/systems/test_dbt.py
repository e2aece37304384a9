"""dbt builds a project, sends OpenLineage itself, and leaves artifacts that say the same; skipped is not failed."""

from itertools import combinations
from pathlib import Path

from pytest_django.live_server_helper import LiveServer

from governance.models import Team, User
from governance.tokens import Scope
from lineage.identity import Family
from lineage.models import Run
from tests import factories
from tests.lineage import growing
from tests.systems import tools

pytestmark = tools.requires("dbt", serves=True)
FILES = {
    "dbt_project.yml": "name: loans\nversion: 1.0.0\nprofile: loans\nmodels: {loans: {+materialized: table}}\n",
    "profiles.yml": "loans: {target: dev, outputs: {dev: {type: duckdb, path: loans.duckdb}}}\n",
    "seeds/raw.csv": "id,amount\n1,10\n2,\n",
    "models/stg.sql": "select * from {{ ref('raw') }}\n",
    "models/features.sql": "select id, amount from {{ ref('stg') }}\n",
    "models/schema.yml": (
        "models:\n- name: stg\n  columns:\n  - {name: amount, data_tests: [not_null]}\n"
        "- name: features\n  columns:\n  - {name: id, data_tests: [unique]}\n"
    ),
}


def test_a_build_is_told_by_dbt_ol_and_by_its_artifacts(
    live_server: LiveServer, team: Team, member: User, tmp_path: Path
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    environment = {
        "OPENLINEAGE_URL": live_server.url,
        "OPENLINEAGE_API_KEY": factories.secret(member, Scope.LINEAGE_WRITE),
        "OPENLINEAGE_NAMESPACE": "dbt://loans",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    dbt = tools.Tool("dbt")
    dbt.run("dbt-ol", "build", "--profiles-dir", ".", cwd=tmp_path, environment=environment, fails=True)
    growing.project()

    warehouse = "duckdb://loans.duckdb"
    client = factories.client(member, Scope.READ)
    assert tools.asset(warehouse, "loans.main.stg").kind == "dataset"

    connection = tools.connect(team, "dbt_artifacts", "dbt://artifacts", {"warehouse": warehouse})
    assert "0 refused" in tools.take(connection, tmp_path / "target")
    assert tools.upstream(client, warehouse, "loans.main.stg") >= {"loans.main.raw", "model.loans.stg"}
    skipped = tools.asset("dbt://artifacts", "model.loans.features", Family.JOB)
    assert set(Run.objects.filter(job=skipped).values_list("state", flat=True)) == {"aborted"}

    # What makes the table has as many names as dbt has tools, of which people say whether they are one.
    dbt.run("dbt-ol", "run", "--profiles-dir", ".", cwd=tmp_path, environment=environment, fails=True)
    growing.project()
    proposed = client.get("/api/v1/names/proposed").json()["results"]
    pairs = {frozenset((one["asset"]["name"], one["other"]["name"])) for one in proposed}
    names = ("model.loans.stg", "loans.main.loans.stg.build.run", "loans.main.loans.stg")
    assert pairs >= {frozenset(pair) for pair in combinations(names, 2)}
