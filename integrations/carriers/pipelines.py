"""Runs that retrain: of an Airflow DAG, of a Kubeflow pipeline."""

from collections.abc import Iterator

from integrations.carriers.base import Carrier, Setting, segment
from integrations.notices import Kind, Notice, Request


class AirflowSetting(Setting, frozen=True, kw_only=True):
    """`dags`: model -> DAG that retrains it; `*` for all others."""

    dags: dict[str, str] = {}


class KubeflowSetting(Setting, frozen=True, kw_only=True):
    """`pipelines`: model -> id of the pipeline that retrains it; `*` for all others. `experiment`: id, or empty."""

    pipelines: dict[str, str] = {}
    experiment: str = ""


def airflow(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    """The id of the run comes from the incident, so that asking twice starts one run (Airflow answers 409)."""
    if not isinstance(setting, AirflowSetting):
        return
    dag = setting.dags.get(notice.subject.model) or setting.dags.get("*")
    if dag:
        yield Request(
            method="POST",
            path=f"api/v2/dags/{segment(dag)}/dagRuns",
            document={"dag_run_id": f"assay__{notice.id}", "logical_date": None, "conf": {"assay": notice.document()}},
            accepts=((409, ""),),
        )


def kubeflow(notice: Notice, setting: Setting, namespace: str) -> Iterator[Request]:
    if not isinstance(setting, KubeflowSetting):
        return
    pipeline = setting.pipelines.get(notice.subject.model) or setting.pipelines.get("*")
    if pipeline:
        document = {
            "display_name": f"assay {notice.subject.words} {notice.id}",
            "pipeline_version_reference": {"pipeline_id": pipeline},
            "runtime_config": {"parameters": {"assay_model": notice.subject.model, "assay_incident": notice.id}},
        }
        if setting.experiment:
            document["experiment_id"] = setting.experiment
        yield Request(method="POST", path="apis/v2beta1/runs", document=document)


AIRFLOW = Carrier(
    slug="airflow",
    title="Apache Airflow",
    kinds=frozenset({Kind.RETRAIN}),
    carry=airflow,
    setting=AirflowSetting,
    setup="The outgoing secret is a token of Airflow's API whose user may trigger the DAGs.",
)
KUBEFLOW = Carrier(
    slug="kubeflow_pipelines",
    title="Kubeflow Pipelines",
    kinds=frozenset({Kind.RETRAIN}),
    carry=kubeflow,
    setting=KubeflowSetting,
    setup=(
        "The outgoing secret is a service account token that may create runs. The pipeline takes the parameters "
        "`assay_model` and `assay_incident`."
    ),
)
