"""Train one version of a model on real data and report every run with the ordinary OpenLineage client.

`python -m demo.train --version 1 --kind stump`. Where the events go is told by the client's own environment variables
(OPENLINEAGE_URL, OPENLINEAGE_API_KEY). The data set ships inside scikit-learn: 569 tissue samples with 30 measurements
each, labelled malignant or benign (UCI, Breast Cancer Wisconsin Diagnostic). Every reported figure is measured here.
"""

import argparse
import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attr
import numpy as np
from numpy.typing import NDArray
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    RunFacet,
    column_lineage_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    documentation_dataset,
    lifecycle_state_change_dataset,
    schema_dataset,
    source_code_location_job,
    tags_dataset,
)
from openlineage.client.uuid import generate_new_uuid
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

ROOT = Path(__file__).resolve().parent.parent
PRODUCER = "urn:assay:demo"
REGISTRY = "assay-demo://registry"
STORE = "file://demo-lab"
PIPELINE = "tumour-pipeline"
MODEL = "tumour-classifier"
SAMPLES, EARLIER_NAME = "samples", "samples_2025"
SEED = 20
MALIGNANT = 0

Table = NDArray[np.float64]
Labels = NDArray[np.int64]


@attr.define
class ModelMetrics(DatasetFacet):
    """KPIs of a model version, as Assay reads them."""

    metrics: list[dict[str, Any]] = attr.field()

    @staticmethod
    def _get_schema() -> str:
        return "urn:assay:facet:model-metrics:1"


@attr.define
class TrainingParameters(RunFacet):
    """What a training run was told."""

    parameters: dict[str, Any] = attr.field()
    seed: int = attr.field()

    @staticmethod
    def _get_schema() -> str:
        return "urn:assay:facet:training-parameters:1"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", required=True)
    parser.add_argument("--kind", choices=sorted(MODELS), required=True)
    options = parser.parse_args()
    client = OpenLineageClient()
    try:
        pipeline(client, options.version, options.kind)
    finally:
        client.close()


MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    # One question about one measurement: what a hand-written rule would do.
    "stump": (DecisionTreeClassifier, {"max_depth": 1}),
    "regression": (LogisticRegression, {"C": 1.0, "max_iter": 1000}),
}


def pipeline(client: OpenLineageClient, version: str, kind: str) -> None:
    """Prepare the data, train the model, evaluate it: three jobs, each with its run."""
    source = load_breast_cancer()
    features, labels = source.data, source.target
    parts = train_test_split(features, labels, test_size=0.3, random_state=SEED, stratify=labels)
    train_x, test_x, train_y, test_y = parts
    names = [*map(str, source.feature_names), "diagnosis"]
    raw = dataset(SAMPLES, digest(features, labels), names)
    raw[2]["tags"] = health_data("diagnosis")
    train = dataset("samples_train", digest(train_x, train_y), names)
    holdout = dataset("samples_holdout", digest(test_x, test_y), names)
    for part in (train, holdout):
        part[2]["columnLineage"] = copied(names)
    commit = current_commit()

    if version == "1":
        collect(client, raw, commit)
    report(client, "prepare", commit, inputs=[raw], outputs=[train, holdout])

    build, parameters = MODELS[kind]
    begun = now()
    model = make_pipeline(StandardScaler(), build(random_state=SEED, **parameters)).fit(train_x, train_y)
    told = TrainingParameters(parameters={"kind": kind, **parameters}, seed=SEED)
    facets = model_facets(version, kind)
    report(
        client,
        "train",
        commit,
        inputs=[train],
        outputs=[(REGISTRY, MODEL, facets)],
        begun=begun,
        run={"assay_trainingParameters": told},
    )

    begun = now()
    metrics = measure(model, test_x, test_y, holdout)
    report(
        client,
        "evaluate",
        commit,
        inputs=[holdout, (REGISTRY, MODEL, facets | {"assay_modelMetrics": ModelMetrics(metrics=metrics)})],
        begun=begun,
    )


def collect(client: OpenLineageClient, raw: "Reported", commit: str) -> None:
    """The samples came under an earlier name and were renamed."""
    namespace, name, facets = raw
    earlier = lifecycle_state_change_dataset.PreviousIdentifier(namespace=namespace, name=EARLIER_NAME)
    renamed = lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
        lifecycleStateChange=lifecycle_state_change_dataset.LifecycleStateChange.RENAME, previousIdentifier=earlier
    )
    report(client, "collect", commit, inputs=[], outputs=[(namespace, EARLIER_NAME, facets)])
    report(client, "rename", commit, inputs=[], outputs=[(namespace, name, facets | {"lifecycleStateChange": renamed})])


def health_data(column: str) -> tags_dataset.TagsDatasetFacet:
    """Health data is personal data of a special category (Regulation (EU) 2016/679, article 9)."""
    tag = tags_dataset.TagsDatasetFacetFields(key="personal-data", value="health", field=column, source="DEMO")
    return tags_dataset.TagsDatasetFacet(tags=[tag])


def copied(columns: list[str]) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """Each column is that of the samples; which rows there are is decided by the diagnosis, kept in balance."""
    direct = column_lineage_dataset.Transformation(type="DIRECT", subtype="IDENTITY", masking=False)
    indirect = column_lineage_dataset.Transformation(
        type="INDIRECT", subtype="FILTER", description="split by diagnosis", masking=False
    )

    def source(column: str, how: column_lineage_dataset.Transformation) -> column_lineage_dataset.InputField:
        return column_lineage_dataset.InputField(namespace=STORE, name=SAMPLES, field=column, transformations=[how])

    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={column: column_lineage_dataset.Fields(inputFields=[source(column, direct)]) for column in columns},
        dataset=[source("diagnosis", indirect)],
    )


def measure(model: Any, features: Table, labels: Labels, holdout: "Reported") -> list[dict[str, Any]]:
    """KPIs on the holdout, with malignant as the class to find."""
    malignant = labels == MALIGNANT
    score = model.predict_proba(features)[:, MALIGNANT]
    found = model.predict(features) == MALIGNANT
    values = {
        "auc": roc_auc_score(malignant, score),
        "accuracy": accuracy_score(malignant, found),
        "recall": recall_score(malignant, found),
    }
    where = {"namespace": holdout[0], "name": holdout[1], "version": holdout[2]["version"].datasetVersion}
    return [
        {"name": name, "value": float(value), "sampleSize": len(labels), "dataset": where}
        for name, value in values.items()
    ]


Reported = tuple[str, str, dict[str, Any]]


def dataset(name: str, version: str, columns: list[str]) -> Reported:
    fields = [
        schema_dataset.SchemaDatasetFacetFields(name=column, type="INT" if column == "diagnosis" else "DOUBLE")
        for column in columns
    ]
    return (
        STORE,
        name,
        {
            "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=version),
            "schema": schema_dataset.SchemaDatasetFacet(fields=fields),
        },
    )


def model_facets(version: str, kind: str) -> dict[str, Any]:
    return {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=version),
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(datasetType="MODEL"),
        "documentation": documentation_dataset.DocumentationDatasetFacet(
            description=f"Tells malignant from benign tissue samples ({kind}). For the demo; not for patients."
        ),
    }


def report(
    client: OpenLineageClient,
    job: str,
    commit: str,
    *,
    inputs: list[Reported],
    outputs: list[Reported] | None = None,
    begun: str | None = None,
    run: dict[str, RunFacet] | None = None,
) -> None:
    """The START and the COMPLETE of one run."""
    url = repository()
    location = source_code_location_job.SourceCodeLocationJobFacet(
        type="git", url=f"{url}/demo/train.py", repoUrl=url, path="demo/train.py", version=commit
    )
    described = Job(namespace=PIPELINE, name=f"{MODEL}.{job}", facets={"sourceCodeLocation": location})
    identity = Run(runId=str(generate_new_uuid()), facets=dict(run or {}))
    client.emit(
        RunEvent(
            eventType=RunState.START,
            eventTime=begun or now(),
            run=identity,
            job=described,
            producer=PRODUCER,
            inputs=[],
            outputs=[],
        )
    )
    client.emit(
        RunEvent(
            eventType=RunState.COMPLETE,
            eventTime=now(),
            run=identity,
            job=described,
            producer=PRODUCER,
            inputs=[InputDataset(namespace, name, facets=facets) for namespace, name, facets in inputs],
            outputs=[OutputDataset(namespace, name, facets=facets) for namespace, name, facets in outputs or []],
        )
    )


def digest(features: Table, labels: Labels) -> str:
    """The version of a table is the hash of its content."""
    content = hashlib.sha256(np.ascontiguousarray(features).tobytes())
    content.update(np.ascontiguousarray(labels).tobytes())
    return f"sha256:{content.hexdigest()[:16]}"


def repository() -> str:
    return ROOT.as_uri()


def current_commit() -> str:
    """The commit of this checkout; outside of git the hash of this file, said to be one."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return found.stdout.strip()
    return f"content-{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:40]}"


def now() -> str:
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    main()
