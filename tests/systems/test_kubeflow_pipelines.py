"""Kubeflow Pipelines compiles a pipeline and runs it locally, and its tasks and model are found in the graph."""

from pathlib import Path

from governance.models import Team, User
from governance.tokens import Scope
from lineage.models import Observation
from tests import factories
from tests.systems import tools

pytestmark = tools.requires("kubeflow_pipelines")
NAMESPACE = "kfp://local"
RUN = """
from kfp import compiler, dsl, local
from kfp.dsl import Dataset, Input, Metrics, Model, Output

@dsl.component(install_kfp_package=False)
def prepare(rows: int, ds: Output[Dataset]):
    open(ds.path, "w").write("x" * rows)

@dsl.component(install_kfp_package=False)
def train(ds: Input[Dataset], model: Output[Model], metrics: Output[Metrics]):
    open(model.path, "w").write(open(ds.path).read())
    metrics.log_metric("auc", 0.93)

@dsl.pipeline(name="credit-training")
def pipeline(rows: int = 10):
    prepared = prepare(rows=rows)
    train(ds=prepared.outputs["ds"])

if __name__ == "__main__":
    compiler.Compiler().compile(pipeline, "out/pipeline.yaml")
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root="out", raise_on_error=True)
    pipeline()
"""


def test_a_local_run_is_found_with_what_its_tasks_handed_on(team: Team, member: User, tmp_path: Path) -> None:
    kfp = tools.Tool("kubeflow_pipelines")
    (tmp_path / "out").mkdir()
    (tmp_path / "run.py").write_text(RUN)
    kfp.run(kfp.python, "run.py", cwd=tmp_path)

    connection = tools.connect(team, "kubeflow_pipelines", NAMESPACE)
    assert "0 refused" in tools.take(connection, tmp_path / "out")

    client = factories.client(member, Scope.READ)
    above = tools.upstream(client, NAMESPACE, "credit-training/model")
    assert above >= {"credit-training.train", "credit-training.prepare"}
    assert set(Observation.objects.values_list("metric", "value")) == {("auc", 0.93)}
