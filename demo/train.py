"""Train one version of a model on real data and report every run with the ordinary OpenLineage client.

`python -m demo.train --version 1 --kind plain --out FOLDER`. Where the events go is told by the client's own
environment variables (OPENLINEAGE_URL, OPENLINEAGE_API_KEY). The data set ships inside scikit-learn (see patients.py);
every reported figure is measured here. The folder gets the evidence for the gate: the model's file, and for each
patient what the model takes, the score of a model that never saw that patient, the sex, and what came true.
"""

import argparse
import csv
import hashlib
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attr
import numpy as np
from lightgbm import LGBMClassifier
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
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from demo import patients
from demo.patients import FEATURES, Patients, Table

ROOT = Path(__file__).resolve().parent.parent
PRODUCER = "urn:assay:demo"
REGISTRY = "assay-demo://registry"
STORE = "file://demo-clinic"
PIPELINE = "diabetes-pipeline"
MODEL = "diabetes-progression"
TABLE, EARLIER_NAME = "measurements", "measurements_2025"
SEED = 20
FOLDS = 5
COLUMNS = {**dict.fromkeys(FEATURES, "DOUBLE"), "sex": "INT", "progressed": "INT"}
THRESHOLD = 0.5
PARAMETERS: dict[str, Any] = {"n_estimators": 30, "num_leaves": 7, "deterministic": True}
KINDS = {
    "plain": "learns from age, blood pressure and HDL",
    "mitigated": "the same, from features without their correlation with the sex (Fairlearn)",
}


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
    parser.add_argument("--kind", choices=sorted(KINDS), required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and the holdout")
    options = parser.parse_args()
    client = OpenLineageClient()
    try:
        pipeline(client, options.version, options.kind, options.out)
    finally:
        client.close()


def pipeline(client: OpenLineageClient, version: str, kind: str, out: Path) -> None:
    """Prepare the data, train the model, evaluate it: three jobs, each with its run."""
    rows = patients.load()
    content = digest(rows)
    raw, cohort = dataset(TABLE, content), dataset("cohort", content)
    raw[2]["tags"] = personal_data("sex")
    cohort[2]["columnLineage"] = copied()
    commit = current_commit()

    if version == "1":
        collect(client, raw, commit)
    report(client, "prepare", commit, inputs=[raw], outputs=[cohort])

    begun = now()
    told = TrainingParameters(parameters={"kind": kind, **PARAMETERS}, seed=SEED)
    facets = model_facets(version, kind)
    prepared = prepare(kind, rows)
    model = fit(prepared(rows), rows)
    report(
        client,
        "train",
        commit,
        inputs=[cohort],
        outputs=[(REGISTRY, MODEL, facets)],
        begun=begun,
        run={"assay_trainingParameters": told},
    )

    begun = now()
    score = cross_validated(kind, rows)
    metrics = measure(rows, score, cohort)
    report(
        client,
        "evaluate",
        commit,
        inputs=[cohort, (REGISTRY, MODEL, facets | {"assay_modelMetrics": ModelMetrics(metrics=metrics)})],
        begun=begun,
    )
    model.booster_.save_model(out / "model.txt")
    write_evaluation(out / "evaluation.csv", rows, prepared(rows), score)


def fit(features: Table, rows: Patients) -> LGBMClassifier:
    model = LGBMClassifier(**PARAMETERS, random_state=SEED, n_jobs=1, verbosity=-1)
    return model.fit(features, rows.progressed, feature_name=list(FEATURES))


def cross_validated(kind: str, rows: Patients) -> Table:
    """The score of each patient by a model, prepared and trained alike, that never saw that patient."""
    score = np.empty(len(rows))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for seen, unseen in folds.split(rows.features, rows.progressed):
        training, testing = rows.part(seen), rows.part(unseen)
        prepared = prepare(kind, training)
        score[unseen] = fit(prepared(training), training).booster_.predict(prepared(testing))
    return score


def collect(client: OpenLineageClient, raw: "Reported", commit: str) -> None:
    """The measurements came under an earlier name and were renamed."""
    namespace, name, facets = raw
    earlier = lifecycle_state_change_dataset.PreviousIdentifier(namespace=namespace, name=EARLIER_NAME)
    renamed = lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
        lifecycleStateChange=lifecycle_state_change_dataset.LifecycleStateChange.RENAME, previousIdentifier=earlier
    )
    report(client, "collect", commit, inputs=[], outputs=[(namespace, EARLIER_NAME, facets)])
    report(client, "rename", commit, inputs=[], outputs=[(namespace, name, facets | {"lifecycleStateChange": renamed})])


def personal_data(column: str) -> tags_dataset.TagsDatasetFacet:
    """The sex of a patient is personal data."""
    tag = tags_dataset.TagsDatasetFacetFields(key="personal-data", value="demographic", field=column, source="DEMO")
    return tags_dataset.TagsDatasetFacet(tags=[tag])


def copied() -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """Each column is that of the measurements, as it is."""
    direct = column_lineage_dataset.Transformation(type="DIRECT", subtype="IDENTITY", masking=False)

    def source(column: str) -> column_lineage_dataset.InputField:
        return column_lineage_dataset.InputField(namespace=STORE, name=TABLE, field=column, transformations=[direct])

    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={column: column_lineage_dataset.Fields(inputFields=[source(column)]) for column in COLUMNS}
    )


def prepare(kind: str, training: Patients) -> Callable[[Patients], Table]:
    """What turns patients into what the model takes, learnt from those of the training."""
    if kind == "plain":
        return lambda rows: rows.features
    # Takes a second to import, which the plain model need not wait for.
    from fairlearn.preprocessing import CorrelationRemover  # noqa: PLC0415

    def with_sex(rows: Patients) -> Table:
        return np.column_stack([rows.sex, rows.features])

    remover = CorrelationRemover(sensitive_feature_ids=[0]).fit(with_sex(training))
    return lambda rows: remover.transform(with_sex(rows))


def measure(rows: Patients, score: Table, cohort: "Reported") -> list[dict[str, Any]]:
    """KPIs on the cohort, against what came true."""
    found = score >= THRESHOLD
    values = {
        "auc": roc_auc_score(rows.progressed, score),
        "accuracy": accuracy_score(rows.progressed, found),
        "recall": recall_score(rows.progressed, found),
    }
    where = {"namespace": cohort[0], "name": cohort[1], "version": cohort[2]["version"].datasetVersion}
    return [
        {"name": name, "value": float(value), "sampleSize": len(rows), "dataset": where}
        for name, value in values.items()
    ]


def write_evaluation(path: Path, rows: Patients, features: Table, score: Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*FEATURES, "sex", "progressed", "score"])
        for row, sex, progressed, one in zip(features, rows.sex, rows.progressed, score, strict=True):
            writer.writerow([*row, sex, progressed, one])


Reported = tuple[str, str, dict[str, Any]]


def dataset(name: str, version: str) -> Reported:
    fields = [schema_dataset.SchemaDatasetFacetFields(name=column, type=kind) for column, kind in COLUMNS.items()]
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
            description=f"Tells whether diabetes will progress within a year; {KINDS[kind]}. For the demo alone."
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


def digest(rows: Patients) -> str:
    """The version of a table is the hash of its content."""
    content = hashlib.sha256()
    for column in (rows.features, rows.sex, rows.progressed):
        content.update(np.ascontiguousarray(column).tobytes())
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
