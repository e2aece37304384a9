"""A made-up company's lineage as OpenLineage events: repeated runs over months. Pure, seeded, streamed.

    python -m bench.generator --events 100000 --seed 7 > events.jsonl

The same seed gives the same bytes. A cycle is a day; jobs run daily or weekly; three runs in a hundred fail
and are tried again; an endpoint's run never ends and says daily that it lives. Some systems report starts,
some only ends. A run says what its inputs look like once, in its first event, and pins every input that has
versions.
"""

import argparse
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from bench import company, vocabulary
from bench.company import REMEMBERED, Company, Dataset, Job, Layer

SPECIFICATION = "https://openlineage.io/spec"
EVENT_SCHEMA = f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent"
START_OF_HISTORY = datetime(2025, 3, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RUNS_IN_FLIGHT = 16
PROCESSING: Mapping[Layer, tuple[str, str]] = {
    Layer.RAW: ("BATCH", "TASK"),
    Layer.STAGING: ("BATCH", "MODEL"),
    Layer.MARTS: ("BATCH", "MODEL"),
    Layer.FEATURES: ("BATCH", "APPLICATION"),
    Layer.TRAINING: ("BATCH", "APPLICATION"),
    Layer.MODELS: ("BATCH", "TASK"),
    Layer.DEPLOYMENTS: ("SERVICE", "ENDPOINT"),
}


@dataclass(frozen=True, slots=True)
class Run:
    job: Job
    cycle: int
    attempt: int
    run_id: str
    started_at: datetime
    ended_at: datetime
    end: str


class Reporter:
    """Tells what happens in a company as events, from `start` on."""

    def __init__(self, told_of: Company, *, start: datetime = START_OF_HISTORY) -> None:
        self.company = told_of
        self.start = start
        self._facets = lru_cache(REMEMBERED)(self._describe_facets)
        self._job_facets = lru_cache(REMEMBERED)(self._describe_job_facets)
        self._parent = lru_cache(REMEMBERED)(self._describe_parent)

    def runs(self) -> Iterator[Run]:
        """Every run, cycle after cycle without end, upstream layers first within a cycle."""
        cycle = 0
        while True:
            for job in self.company.jobs():
                if job.layer is Layer.DEPLOYMENTS:
                    yield self._service(job, cycle)
                elif (cycle - job.phase) % job.period == 0:
                    yield from self._attempts(job, cycle)
            cycle += 1

    def _attempts(self, job: Job, cycle: int) -> Iterator[Run]:
        draws = self.company.draws("run", job.layer, job.index, cycle)
        into_layer = timedelta(minutes=80) * job.index / self.company.width[job.layer]
        start = self.start + timedelta(days=cycle, hours=2 * job.layer) + into_layer
        ends = ["FAIL" if draws[0] % 3 else "ABORT", "COMPLETE"] if draws[1] % 100 < 3 else ["COMPLETE"]
        for attempt, end in enumerate(ends):
            start += timedelta(milliseconds=attempt * 1000 + draws[2 + attempt] % 1000)
            ended = start + timedelta(milliseconds=10_000 + draws[4 + attempt] % 890_000)
            yield Run(job, cycle, attempt, _uuid7(start, draws[6 + attempt], draws[8 + attempt]), start, ended, end)
            start = ended

    def _service(self, job: Job, cycle: int) -> Run:
        """An endpoint's run begins anew with each version of its model, and says daily that it lives."""
        (model,) = job.inputs
        training = self.company.job(model.layer, model.index)
        since = max(0, cycle - (cycle - training.phase) % training.period)
        draws = self.company.draws("run", job.layer, job.index, since)
        begun = self.start + timedelta(days=since, hours=2 * job.layer, milliseconds=draws[2] % 3_600_000)
        now = begun + timedelta(days=cycle - since)
        return Run(
            job,
            cycle,
            0,
            _uuid7(begun, draws[6], draws[8]),
            now,
            now,
            "START" if cycle == since else "RUNNING",
        )

    def events(self) -> Iterator[dict[str, Any]]:
        """The events of all runs without end. Some runs are under way at once, so starts and ends mix."""
        runs = self.runs()
        while True:
            in_flight = list(islice(runs, RUNS_IN_FLIGHT))
            for run in in_flight:
                if run.job.layer is Layer.DEPLOYMENTS:
                    yield self._event(run, run.end, run.started_at)
                elif run.job.reports_start:
                    yield self._event(run, "START", run.started_at)
            for run in in_flight:
                if run.job.layer is not Layer.DEPLOYMENTS:
                    yield self._event(run, run.end, run.ended_at)

    def _event(self, run: Run, event_type: str, at: datetime) -> dict[str, Any]:
        job = run.job
        producer = _producer(job.layer)
        namespace, name = self.company.job_name(job)
        outputs = job.outputs if event_type == "COMPLETE" else ()
        is_first = event_type == "START" or not job.reports_start
        job_facets = self._job_facets(job.layer, job.index, run.cycle // 7)
        if not is_first:
            job_facets = {"sourceCodeLocation": job_facets["sourceCodeLocation"]}
        return {
            "eventTime": _timestamp(at),
            "eventType": event_type,
            "producer": producer,
            "schemaURL": EVENT_SCHEMA,
            "run": {"runId": run.run_id, "facets": self._run_facets(run, event_type, is_first=is_first)},
            "job": {"namespace": namespace, "name": name, "facets": job_facets},
            "inputs": [self._input(run, read, described=is_first) for read in job.inputs],
            "outputs": [self._output(run, made) for made in outputs],
        }

    def _run_facets(self, run: Run, event_type: str, *, is_first: bool) -> dict[str, Any]:
        job = run.job
        producer = _producer(job.layer)
        facets: dict[str, Any] = {
            "parent": self._parent(job.layer, self.company.team_of(job.layer, job.index), run.cycle)
        }
        if is_first:
            facets["processing_engine"] = _engine(job.layer)
        if job.layer is Layer.MODELS and is_first:
            draws = self.company.draws("parameters", job.layer, job.index, run.cycle)
            facets["assay_trainingParameters"] = {
                "_producer": producer,
                "_schemaURL": "urn:assay:facet:training-parameters:1",
                "parameters": {
                    "max_depth": 3 + draws[0] % 8,
                    "learning_rate": (1 + draws[1] % 300) / 1000,
                    "n_estimators": 100 + draws[2] % 900,
                },
                "seed": draws[3] % 100_000,
            }
        if event_type == "FAIL":
            facets["errorMessage"] = _facet(producer, "1-0-1/ErrorMessageRunFacet") | {
                "message": "Upstream storage did not answer in time.",
                "programmingLanguage": "python",
            }
        return facets

    def _describe_parent(self, layer: Layer, team: str, cycle: int) -> msgspec.Raw:
        """The team's daily workflow, which started this run."""
        high, low = self.company.draws("parent", 0, vocabulary.TEAMS.index(team), cycle)[:2]
        parent = {
            "run": {"runId": _uuid7(self.start + timedelta(days=cycle), high, low)},
            "job": {"namespace": f"{team}-airflow", "name": f"{team}.daily"},
        }
        facet = _facet(_producer(layer), "1-1-0/ParentRunFacet") | parent | {"root": parent}
        return msgspec.Raw(msgspec.json.encode(facet))

    def _input(self, run: Run, dataset: Dataset, *, described: bool) -> dict[str, Any]:
        """A read data set with its version; what it looks like is said once a run, in the first event."""
        facets: dict[str, Any] = {}
        if described:
            facets |= self._facets(dataset)
            facets.pop("dataSource")
        if dataset.layer is Layer.MODELS:
            facets["datasetType"] = self._facets(dataset)["datasetType"]
        if (version := self.company.version_of(dataset, run.cycle)) is not None:
            facets["version"] = _version(run.job.layer, version)
        return self._dataset(dataset, facets)

    def _output(self, run: Run, dataset: Dataset) -> dict[str, Any]:
        version = self.company.version_of(dataset, run.cycle)
        assert version is not None, "a source is nobody's output"
        facets: dict[str, Any] = {**self._facets(dataset), "version": _version(run.job.layer, version)}
        if dataset.layer is Layer.MODELS:
            draws = self.company.draws("metrics", dataset.layer, dataset.index, run.cycle)
            facets["assay_modelMetrics"] = {
                "_producer": _producer(run.job.layer),
                "_schemaURL": "urn:assay:facet:model-metrics:1",
                "metrics": [
                    {"name": "auc", "value": (7000 + draws[0] % 2500) / 10_000, "sampleSize": 20_000},
                    {"name": "accuracy", "value": (7500 + draws[1] % 2000) / 10_000, "sampleSize": 20_000},
                    {"name": "log_loss", "value": (1000 + draws[2] % 4000) / 10_000, "sampleSize": 20_000},
                ],
            }
        return self._dataset(dataset, facets)

    def _dataset(self, dataset: Dataset, facets: Mapping[str, Any]) -> dict[str, Any]:
        namespace, name = self.company.identity(dataset)
        return {"namespace": namespace, "name": name, "facets": facets}

    def _describe_facets(self, dataset: Dataset) -> Mapping[str, msgspec.Raw]:
        """What is said of a data set each time, as bytes: schema, source, and for a model that it is one."""
        namespace, _ = self.company.identity(dataset)
        producer = _producer(Layer.RAW if dataset.layer is Layer.SOURCES else dataset.layer)
        facets: dict[str, dict[str, Any]] = {
            "dataSource": _facet(producer, "1-0-1/DatasourceDatasetFacet")
            | {
                "name": namespace,
                "uri": f"{namespace}/?team={self.company.team_of(dataset.layer, dataset.index)}",
            },
        }
        if dataset.layer is Layer.MODELS:
            facets["datasetType"] = _facet(producer, "1-0-1/DatasetTypeDatasetFacet") | {"datasetType": "MODEL"}
        else:
            columns = [{"name": name, "type": type_} for name, type_ in self.company.columns(dataset)]
            facets["schema"] = _facet(producer, "1-2-0/SchemaDatasetFacet") | {"fields": columns}
        return {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in facets.items()}

    def _describe_job_facets(self, layer: Layer, index: int, release: int) -> Mapping[str, msgspec.Raw]:
        """What is said of a job each time. `release` counts the weeks: the code changes once in each."""
        integration = company.INTEGRATIONS[layer]
        processing, kind = PROCESSING[layer]
        producer = _producer(layer)
        team = self.company.team_of(layer, index)
        repository = f"https://git.acme.example/{team}/{integration}-{layer.name.lower()}"
        team_index = vocabulary.TEAMS.index(team)
        commit = "".join(f"{draw:08x}" for draw in self.company.draws("commit", layer, team_index, release)[:5])
        facets = {
            "jobType": _facet(producer, "2-0-3/JobTypeJobFacet")
            | {"processingType": processing, "integration": integration.upper(), "jobType": kind},
            "sourceCodeLocation": _facet(producer, "1-0-1/SourceCodeLocationJobFacet")
            | {
                "type": "git",
                "url": f"{repository}/blob/{commit}/jobs/{index:05d}.py",
                "repoUrl": f"{repository}.git",
                "version": commit,
            },
        }
        return {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in facets.items()}


@lru_cache
def _producer(layer: Layer) -> str:
    return f"https://github.com/OpenLineage/OpenLineage/tree/1.41.0/integration/{company.INTEGRATIONS[layer]}"


def _facet(producer: str, schema: str) -> dict[str, Any]:
    name = schema.split("/")[1]
    return {"_producer": producer, "_schemaURL": f"{SPECIFICATION}/facets/{schema}.json#/$defs/{name}"}


@lru_cache(REMEMBERED)
def _version(layer: Layer, version: str) -> msgspec.Raw:
    facet = _facet(_producer(layer), "1-0-1/DatasetVersionDatasetFacet") | {"datasetVersion": version}
    return msgspec.Raw(msgspec.json.encode(facet))


@lru_cache
def _engine(layer: Layer) -> msgspec.Raw:
    facet = _facet(_producer(layer), "1-1-1/ProcessingEngineRunFacet")
    return msgspec.Raw(msgspec.json.encode(facet | {"name": company.INTEGRATIONS[layer], "version": "3.5.1"}))


def _timestamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uuid7(at: datetime, high: int, low: int) -> str:
    """A version 7 UUID: milliseconds first, then drawn bits."""
    milliseconds = (at - EPOCH) // timedelta(milliseconds=1)
    bits = milliseconds << 80 | 0x7 << 76 | (high & 0xFFF) << 64 | 0b10 << 62 | high >> 12 << 32 | low
    return str(uuid.UUID(int=bits))


def assets_for(events: int) -> int:
    """A company whose jobs run daily for about two months in this many events."""
    return max(40, events // 90)


def lines(*, events: int, seed: int, assets: int | None = None) -> Iterator[bytes]:
    """`events` events as JSON, one line each without the line end. The same arguments give the same bytes."""
    reporter = Reporter(Company(seed=seed, assets=assets_for(events) if assets is None else assets))
    encoder = msgspec.json.Encoder()
    for event in islice(reporter.events(), events):
        yield encoder.encode(event)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.generator", description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, required=True, help="how many events to print")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes (default 1)")
    parser.add_argument("--assets", type=int, help="data sets, models and deployments (default: by the events)")
    arguments = parser.parse_args()
    if arguments.events < 0:
        parser.error("--events: cannot be negative.")
    if arguments.assets is not None and arguments.assets < company.MINIMUM_ASSETS:
        parser.error(f"--assets: at least {company.MINIMUM_ASSETS} are needed for every layer to have one.")
    out = sys.stdout.buffer
    for line in lines(events=arguments.events, seed=arguments.seed, assets=arguments.assets):
        out.write(line + b"\n")


if __name__ == "__main__":
    main()
