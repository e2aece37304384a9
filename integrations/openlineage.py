"""OpenLineage events, made plainly. Pure: the same facts give the same bytes, so what is told twice is stored once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from integrations import repositories

Event = dict[str, Any]
PRODUCER = "urn:assay:integrations"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
# Never changed: the ids of runs that other systems name in their own way come from it.
_RUNS = UUID("f0b0c7de-4d4f-5d39-9a3e-7a6a3f2f1c55")


class Type(StrEnum):
    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"
    OTHER = "OTHER"


Facets = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset or model by its names, with what is said of it."""

    namespace: str
    name: str
    facets: Facets = field(default_factory=dict)

    def saying(self, **facets: Mapping[str, Any]) -> "Dataset":
        """The same with more facets."""
        return replace(self, facets={**self.facets, **facets})

    def at(self, version: str) -> "Dataset":
        """One version of it; all of it when the version is empty."""
        return self.saying(version={"datasetVersion": version}) if version else self

    def as_model(self, version: str = "") -> "Dataset":
        return self.saying(datasetType={"datasetType": "MODEL"}).at(version)

    def joined_from(self, said: "Dataset", rule: str) -> "Dataset":
        """That something else was said, which a rule takes for this: what holds if somebody says that it is not."""
        if (said.namespace, said.name) == (self.namespace, self.name):
            return self
        return self.saying(assay_joined={"rule": rule, "namespace": said.namespace, "name": said.name})

    def also_called(self, *others: "Dataset") -> "Dataset":
        """Other names of the same thing, because the sender says so."""
        named = [{"namespace": one.namespace, "name": one.name, "type": "TABLE"} for one in others]
        return self.saying(symlinks={"identifiers": named})


@dataclass(frozen=True, slots=True)
class Job:
    """A job by its names, with what is said of it."""

    namespace: str
    name: str
    facets: Facets = field(default_factory=dict)

    def saying(self, **facets: Mapping[str, Any]) -> "Job":
        return replace(self, facets={**self.facets, **facets})

    def as_service(self, integration: str) -> "Job":
        """A deployment: it serves until it is taken down."""
        kind = {"processingType": "SERVICE", "integration": integration.upper(), "jobType": "DEPLOYMENT"}
        return self.saying(jobType=kind)

    def built_from(self, repository: str, commit: str, *, branch: str = "", path: str = "") -> "Job":
        """The code it runs, in the repository's one spelling. Nothing is said unless both of them are known."""
        if not (repository and commit):
            return self
        repository = repositories.canonical(repository)
        where = {"type": "git", "url": repository, "repoUrl": repository, "version": commit}
        more = {"branch": branch, "path": path}
        return self.saying(sourceCodeLocation=where | {key: value for key, value in more.items() if value})


def run_id(*parts: object) -> str:
    """The id of a run that its system names otherwise: by its instance and its own id, say. A UUID stays what it is."""
    last = str(parts[-1])
    try:
        if len(last) == len(str(_RUNS)):
            return str(UUID(last))
    except ValueError:
        pass
    # Half a character, which JSON may hold, has no bytes of its own.
    told = "\0".join(map(str, parts)).encode("utf-8", "replace").decode()
    return str(uuid5(_RUNS, told))


def parent(job: Job, run: str) -> Mapping[str, Any]:
    """The facet `parent` of a run: which run started it."""
    return {"run": {"runId": run}, "job": {"namespace": job.namespace, "name": job.name}}


def of_run(
    type: Type,
    *,
    at: datetime,
    run: str,
    job: Job,
    inputs: Iterable[Dataset] = (),
    outputs: Iterable[Dataset] = (),
    facets: Facets | None = None,
) -> Event:
    """Something happened to a run."""
    return {
        "eventType": type.value,
        **_frame(at, "RunEvent"),
        "run": {"runId": run, "facets": _facets(facets or {})},
        "job": _named(job),
        "inputs": [_named(dataset) for dataset in inputs],
        "outputs": [_named(dataset) for dataset in outputs],
    }


def of_dataset(dataset: Dataset, *, at: datetime) -> Event:
    """Something is said of a dataset or model, or of one version of it, outside any run."""
    return {**_frame(at, "DatasetEvent"), "dataset": _named(dataset)}


def of_job(
    job: Job, *, at: datetime, inputs: Iterable[Dataset] | None = None, outputs: Iterable[Dataset] | None = None
) -> Event:
    """Something is said of a job outside any run: what it reads and writes, when that is given."""
    event = {**_frame(at, "JobEvent"), "job": _named(job)}
    if inputs is not None:
        event["inputs"] = [_named(dataset) for dataset in inputs]
    if outputs is not None:
        event["outputs"] = [_named(dataset) for dataset in outputs]
    return event


def _frame(at: datetime, kind: str) -> Event:
    return {"eventTime": at.astimezone(UTC).isoformat(), "producer": PRODUCER, "schemaURL": SCHEMA + kind}


def _named(one: Dataset | Job) -> Event:
    return {"namespace": one.namespace, "name": one.name, "facets": _facets(one.facets)}


def _facets(facets: Facets) -> Event:
    return {name: _facet(name, body) for name, body in sorted(facets.items())}


def _facet(name: str, body: Mapping[str, Any]) -> Event:
    own = name.removeprefix("assay_")
    return {"_producer": PRODUCER, "_schemaURL": f"urn:assay:facet:{own}:1", **body}
