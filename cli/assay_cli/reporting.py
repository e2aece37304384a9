"""Telling an Assay server of a run from beside the job: what it read and wrote, its figures, files of evidence.

For those whose tools do not speak OpenLineage. Nothing here needs more than `requests`: rows and attributions are
written as CSV. Every function may be called again with the same arguments: what is told twice is stored once.

    from assay_cli.reporting import Dataset, Reporter

    reporter = Reporter()  # ASSAY_URL and ASSAY_TOKEN, with the scopes lineage:write and promotions:write
    reporter.training_run(
        job="credit-risk/train", run="2026-11-21T10:00", model="credit-risk", version="7",
        inputs=[Dataset("s3://lake", "applications", "2026-11-20")], parameters={"depth": 4}, seed=7,
        repository="https://git.example/credit.git", commit="4f2c…", metrics={"auc": 0.91},
    )
"""

import csv
import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay_cli.server import Document, Server

PRODUCER = "urn:assay:cli"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
# Never changed: the ids of runs that are named otherwise come from it.
RUNS = uuid.UUID("7c0f7a0e-7d3b-5e0a-9f5b-0a0f7f6c2b33")
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset by its names, at a version if that is known."""

    namespace: str
    name: str
    version: str = ""


class Reporter:
    """Tells one server. `registry`: the namespace of the models; `namespace`: of the jobs."""

    def __init__(
        self, url: str = "", token: str = "", *, registry: str = "registry://models", namespace: str = "jobs"
    ) -> None:
        """Address and token are taken from ASSAY_URL and ASSAY_TOKEN when absent. Raises ValueError without them."""
        self.url = url or os.environ.get("ASSAY_URL", "")
        self.token = token or os.environ.get("ASSAY_TOKEN", "")
        if not self.url or not self.token:
            raise ValueError("Give the server's address and a token, or set ASSAY_URL and ASSAY_TOKEN.")
        self.registry = registry
        self.namespace = namespace

    def training_run(
        self,
        *,
        job: str,
        run: str,
        model: str,
        version: str,
        inputs: Sequence[Dataset] = (),
        parameters: Mapping[str, Any] | None = None,
        seed: int | str | None = None,
        repository: str = "",
        commit: str = "",
        metrics: Mapping[str, float] | None = None,
        packages: Mapping[str, str] | None = None,
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
        failed: bool = False,
    ) -> str:
        """A run that trained a model version, or failed to; gives the run's UUID.

        `run`: what tells it apart from the job's other runs. Times carry a time zone; without them the end is now.
        Raises Refused, OutOfReach.
        """
        ended = _moment(ended_at)
        facets: Document = {}
        if parameters or seed is not None:
            said = {"parameters": dict(parameters or {})} | ({} if seed is None else {"seed": seed})
            facets["assay_trainingParameters"] = _facet("training-parameters", said)
        if packages:
            facets["assay_environment"] = _facet("environment", {"packages": dict(packages)})
        code = {}
        if repository and commit:
            where = {"type": "git", "url": repository, "repoUrl": repository, "version": commit}
            code["sourceCodeLocation"] = _facet("source-code-location", where)
        written = [] if failed else [self._model(model, version, metrics=metrics, measured_at=ended)]
        return self._run(
            job,
            run,
            ended,
            inputs=[_dataset(one) for one in inputs],
            outputs=written,
            facets=facets,
            job_facets=code,
            started_at=started_at,
            end="FAIL" if failed else "COMPLETE",
        )

    def kpis(
        self,
        *,
        model: str,
        version: str,
        metrics: Mapping[str, float],
        segment: str = "",
        sample_size: int | None = None,
        dataset: Dataset | None = None,
        measured_at: datetime | None = None,
    ) -> None:
        """Figures of a model version, measured on a dataset or in service. Raises Refused, OutOfReach."""
        at = _moment(measured_at)
        told = self._model(
            model, version, metrics=metrics, measured_at=at, segment=segment, sample_size=sample_size, dataset=dataset
        )
        self._send({**_frame(at, "DatasetEvent"), "dataset": told})

    def decisions(
        self, *, model: str, version: str, deployment: str, count: int, environment: str = "production"
    ) -> str:
        """That a deployment answers with a model version, and that `count` of its decisions are kept.

        Call it once a day or so; the deployment counts as live until `stopped` is told. Gives the run's UUID.
        """
        facets = {
            "assay_deployment": _facet("deployment", {"kind": "online", "stage": "full", "environment": environment}),
            "assay_decisionSamples": _facet("decision-samples", {"count": count}),
        }
        return self._service(deployment, model, version, "RUNNING", facets)

    def stopped(self, *, model: str, version: str, deployment: str) -> str:
        """That a deployment does not answer with a model version any more. Gives the run's UUID."""
        return self._service(deployment, model, version, "COMPLETE", {})

    def evidence(self, path: str | Path) -> str:
        """Have the server keep a file (a table, a model, attributions); gives its SHA-256, by which a gate is asked."""
        file = Path(path)
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        self._server().send_file(digest, file)
        return digest

    def evaluation(self, path: str | Path, rows: Iterable[Mapping[str, Any]]) -> str:
        """Write rows of an evaluation (label, prediction, sensitive columns) as CSV and have the server keep it.

        All rows have the columns of the first. Gives the SHA-256. Raises ValueError without rows.
        """
        return self._table(Path(path), rows)

    def attributions(
        self, path: str | Path, rows: Iterable[Mapping[str, Any]], *, base_value: float | None = None
    ) -> str:
        """Write attributions, a row for each answer and a column for each feature, as CSV, and have the server keep it.

        With `base_value` a column `base_value` is added. Gives the SHA-256. Raises ValueError without rows.
        """
        more = {} if base_value is None else {"base_value": base_value}
        return self._table(Path(path), ({**row, **more} for row in rows))

    def _table(self, path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
        every = iter(rows)
        first = next(every, None)
        if first is None:
            raise ValueError("There are no rows.")
        with path.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, fieldnames=list(first), lineterminator="\n")
            writer.writeheader()
            writer.writerow(first)
            writer.writerows(every)
        return self.evidence(path)

    def _service(self, deployment: str, model: str, version: str, event: str, facets: Document) -> str:
        kind = {"processingType": "SERVICE", "integration": "ASSAY", "jobType": "DEPLOYMENT"}
        return self._run(
            deployment,
            f"{model} {version}",
            _moment(None),
            inputs=[self._model(model, version)],
            facets=facets,
            job_facets={"jobType": _facet("job-type", kind)},
            end=event,
        )

    def _run(
        self,
        job: str,
        run: str,
        at: datetime,
        *,
        inputs: Sequence[Document],
        outputs: Sequence[Document] = (),
        facets: Document,
        job_facets: Document,
        started_at: datetime | None = None,
        end: str,
    ) -> str:
        run_id = str(uuid.uuid5(RUNS, "\0".join((self.namespace, job, run))))
        told = {
            "run": {"runId": run_id, "facets": facets},
            "job": {"namespace": self.namespace, "name": job, "facets": job_facets},
            "inputs": list(inputs),
        }
        if started_at is not None:
            self._send({"eventType": "START", **_frame(_moment(started_at), "RunEvent"), **told, "outputs": []})
        self._send({"eventType": end, **_frame(at, "RunEvent"), **told, "outputs": list(outputs)})
        return run_id

    def _model(
        self,
        name: str,
        version: str,
        *,
        metrics: Mapping[str, float] | None = None,
        measured_at: datetime | None = None,
        segment: str = "",
        sample_size: int | None = None,
        dataset: Dataset | None = None,
    ) -> Document:
        facets: Document = {
            "datasetType": _facet("dataset-type", {"datasetType": "MODEL"}),
            "version": _facet("version", {"datasetVersion": version}),
        }
        if metrics:
            shared: Document = {"segment": segment} if segment else {}
            if measured_at is not None:
                shared["measuredAt"] = measured_at.isoformat()
            if sample_size is not None:
                shared["sampleSize"] = sample_size
            if dataset is not None and dataset.version:
                named = {"namespace": dataset.namespace, "name": dataset.name, "version": dataset.version}
                shared["dataset"] = named
            listed = [{"name": key, "value": value, **shared} for key, value in sorted(metrics.items())]
            facets["assay_modelMetrics"] = _facet("model-metrics", {"metrics": listed})
        return {"namespace": self.registry, "name": name, "facets": facets}

    def _send(self, event: Document) -> None:
        # An event is stored once however often it is sent, so it needs no key of its own.
        self._server().ask("lineage", event)

    def _server(self) -> Server:
        return Server(self.url, self.token, deadline=time.monotonic() + TIMEOUT_S)


def _dataset(one: Dataset) -> Document:
    facets = {"version": _facet("version", {"datasetVersion": one.version})} if one.version else {}
    return {"namespace": one.namespace, "name": one.name, "facets": facets}


def _frame(at: datetime, kind: str) -> Document:
    return {"eventTime": at.isoformat(), "producer": PRODUCER, "schemaURL": SCHEMA + kind}


def _facet(name: str, body: Mapping[str, Any]) -> Document:
    return {"_producer": PRODUCER, "_schemaURL": f"urn:assay:facet:{name}:1", **body}


def _moment(at: datetime | None) -> datetime:
    """Raises ValueError for a time without a zone: nobody could tell when that was."""
    if at is None:
        return datetime.now(UTC)
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone.")
    return at
