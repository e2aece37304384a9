"""DVC carries out a pipeline, and its commit's stages, data and model are found in the graph."""

import json
from pathlib import Path

from governance.models import Team, User
from governance.tokens import Scope
from lineage.models import Observation
from tests import factories
from tests.systems import tools

pytestmark = tools.requires("dvc")
NAMESPACE = "dvc://git.example/acme/loans"
TRAIN = """
import json
rows = open("data.csv").read()
open("model.txt", "w").write(rows.upper())
json.dump({"auc": 0.91}, open("metrics.json", "w"))
"""
PIPELINE = """
stages:
  train:
    cmd: python train.py
    deps: [train.py, data.csv]
    params: [depth]
    outs: [model.txt]
    metrics: [{metrics.json: {cache: false}}]
artifacts:
  loans: {path: model.txt, type: model}
"""


def test_a_reproduced_pipeline_is_found_with_its_commit_and_model(team: Team, member: User, tmp_path: Path) -> None:
    dvc = tools.Tool("dvc")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text("depth: 6\n")
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    dvc.run("git", "init", "-q", "-b", "main", cwd=tmp_path)
    dvc.run("git", "remote", "add", "origin", "git@git.example:acme/loans.git", cwd=tmp_path)
    dvc.run("dvc", "init", "-q", cwd=tmp_path)
    dvc.run("dvc", "add", "-q", "data.csv", cwd=tmp_path)
    dvc.run("dvc", "repro", "-q", cwd=tmp_path)
    dvc.run("git", "add", ".", cwd=tmp_path)
    dvc.run(*git, "commit", "-q", "-m", "Train", cwd=tmp_path)
    dvc.run(*git, "tag", "-a", "loans@v1.0.0", "-m", "First", cwd=tmp_path)
    commit = dvc.run("git", "rev-parse", "HEAD", cwd=tmp_path).strip()
    experiments = tmp_path.parent / "experiments.json"
    experiments.write_text(dvc.run("dvc", "exp", "show", "--json", cwd=tmp_path))
    assert [one["rev"] for one in json.loads(experiments.read_text())] == ["workspace", commit]

    connection = tools.connect(team, "dvc", NAMESPACE)
    assert "0 refused" in tools.take(connection, tmp_path)

    client = factories.client(member, Scope.READ)
    above = tools.upstream(client, NAMESPACE, "loans")
    assert above >= {"train", "data.csv", "https://git.example/acme/loans"}
    assert tools.asset(NAMESPACE, "loans").kind == "model"
    [measured] = Observation.objects.select_related("version")
    assert (measured.metric, measured.value, measured.version.key) == ("auc", 0.91, "v1.0.0")
    # What is known is not told twice.
    assert " 0 new" in tools.take(connection, tmp_path)
