"""The structure of a made-up company's data: what exists, who reads what, in which team, under which name.

Nothing is held in memory: what a job reads, what its data look like and when it runs are functions of the
seed and of the job's place, so a million data sets cost as much memory as ten. Only integer arithmetic and
BLAKE2 decide, so the same seed means the same company on every machine and Python.

The layers: sources, raw, staging, marts, features, training, models, deployments. A job reads mostly from
the layer below, sometimes from its own or from two below. What it reads follows a power law: the n-th data
set of a layer is read about n^(-2/3) as often as the first, so each layer has a few hubs.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b

from bench import vocabulary

SIXTEEN = struct.Struct(">16I")
MINIMUM_ASSETS = 20
REMEMBERED = 8192
"""Descriptions kept for reuse: enough for the hubs, and a bound on memory."""


class Layer(IntEnum):
    SOURCES = 0
    RAW = 1
    STAGING = 2
    MARTS = 3
    FEATURES = 4
    TRAINING = 5
    MODELS = 6
    DEPLOYMENTS = 7


SHARES: Mapping[Layer, int] = {
    Layer.SOURCES: 14,
    Layer.RAW: 16,
    Layer.STAGING: 20,
    Layer.MARTS: 22,
    Layer.FEATURES: 14,
    Layer.TRAINING: 5,
    Layer.MODELS: 5,
    Layer.DEPLOYMENTS: 4,
}
"""How many of a hundred assets stand in each layer."""

INTEGRATIONS: Mapping[Layer, str] = {
    Layer.RAW: "airflow",
    Layer.STAGING: "dbt",
    Layer.MARTS: "dbt",
    Layer.FEATURES: "spark",
    Layer.TRAINING: "spark",
    Layer.MODELS: "airflow",
    Layer.DEPLOYMENTS: "kserve",
}
"""What runs the jobs of each layer and reports them."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Where a data set stands. A reject table is the second output of the job that makes its sibling."""

    layer: Layer
    index: int
    is_reject: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One job: the place of its main output is its own place."""

    layer: Layer
    index: int
    inputs: tuple[Dataset, ...]
    outputs: tuple[Dataset, ...]
    period: int
    """Cycles from run to run."""
    phase: int
    reports_start: bool
    """Some systems, like dbt, tell of a run only when it has ended."""


class Company:
    """The data of one made-up company: about `assets` data sets, models and deployments."""

    def __init__(self, *, seed: int, assets: int) -> None:
        if assets < MINIMUM_ASSETS:
            raise ValueError(f"assets: at least {MINIMUM_ASSETS} are needed for every layer to have one.")
        self.width = {layer: max(1, assets * share // 100) for layer, share in SHARES.items()}
        self._key = seed.to_bytes(16, "big", signed=True)
        self.job = lru_cache(REMEMBERED)(self._job)
        self.identity = lru_cache(REMEMBERED)(self._identity)
        self.job_name = lru_cache(REMEMBERED)(self._job_name)
        self.team_of = lru_cache(REMEMBERED)(self._team_of)
        self._version = lru_cache(REMEMBERED)(self._describe_version)

    def jobs(self) -> Iterator[Job]:
        """Every job, upstream layers first."""
        for layer in list(Layer)[1:]:
            for index in range(self.width[layer]):
                yield self.job(layer, index)

    def edges(self) -> Iterator[tuple[Dataset, Dataset]]:
        """Every pair of a read data set and what was made from it. Deployments make none."""
        for job in self.jobs():
            for output in job.outputs:
                for read in job.inputs:
                    yield read, output

    def draws(self, what: str, layer: int, index: int, cycle: int = 0) -> tuple[int, ...]:
        """Sixteen numbers from 0 to 2**32 - 1 that belong to this thing."""
        return SIXTEEN.unpack(blake2b(f"{what}:{layer:d}:{index}:{cycle}".encode(), key=self._key).digest())

    def _job(self, layer: Layer, index: int) -> Job:
        draws = self.draws("job", layer, index)
        period = 7 if layer in (Layer.TRAINING, Layer.MODELS) or draws[0] % 10 == 0 else 1
        if layer is Layer.DEPLOYMENTS:
            served = Dataset(Layer.MODELS, index % self.width[Layer.MODELS])
            return Job(layer, index, (served,), (), 1, 0, reports_start=True)
        outputs = [Dataset(layer, index)]
        if layer in (Layer.RAW, Layer.STAGING) and draws[1] % 8 == 0:
            outputs.append(Dataset(layer, index, is_reject=True))
        return Job(
            layer=layer,
            index=index,
            inputs=tuple(self._inputs(layer, index, _fan_in(draws[2]))),
            outputs=tuple(outputs),
            period=period,
            phase=draws[3] % period,
            reports_start=draws[4] % 100 >= 15,
        )

    def _inputs(self, layer: Layer, index: int, count: int) -> Iterator[Dataset]:
        """Up to `count` different data sets, hubs more likely. Never one that stands after this job."""
        seen: set[Dataset] = set()
        for nth in range(count):
            pick, where = self.draws("input", layer, index, nth)[:2]
            below = Layer(layer - 1)
            if where % 100 < 10 and layer >= Layer.STAGING:
                below = Layer(layer - 2)
            elif where % 100 < 20 and index > 0 and layer in (Layer.STAGING, Layer.MARTS, Layer.FEATURES):
                below = layer
            choices = index if below is layer else self.width[below]
            # The cube of an even draw: integer arithmetic, so that no machine rounds differently.
            chosen = Dataset(below, (choices * pick**3) >> 96)
            if chosen not in seen:
                seen.add(chosen)
                yield chosen

    def version_of(self, dataset: Dataset, cycle: int) -> str | None:
        """The version that was current at the end of `cycle`; none of a source, which nobody versions."""
        if dataset.layer is Layer.SOURCES:
            return None
        job = self.job(dataset.layer, dataset.index)
        return self._version(dataset.layer, dataset.index, cycle - (cycle - job.phase) % job.period)

    def _describe_version(self, layer: Layer, index: int, made_in: int) -> str:
        if layer is Layer.MODELS:
            return str(made_in // 7 + 2)
        high, low = self.draws("version", layer, index, made_in)[:2]
        return str((high << 32 | low) >> 1)

    def _team_of(self, layer: Layer, index: int) -> str:
        return vocabulary.TEAMS[self.draws("team", layer, index)[0] % len(vocabulary.TEAMS)]

    def _identity(self, dataset: Dataset) -> tuple[str, str]:
        """Namespace and name of a data set, as OpenLineage has them."""
        team = self.team_of(dataset.layer, dataset.index)
        draws = self.draws("name", dataset.layer, dataset.index)
        noun = vocabulary.NOUNS[draws[0] % len(vocabulary.NOUNS)]
        name = f"{noun}_{dataset.index:05d}" + ("_rejects" if dataset.is_reject else "")
        match dataset.layer:
            case Layer.SOURCES:
                host = vocabulary.SOURCES[draws[1] % len(vocabulary.SOURCES)]
                return host.format(team=team), f"{team}.public.{name}"
            case Layer.RAW | Layer.STAGING | Layer.MARTS:
                return "snowflake://acme-eu1", f"{dataset.layer.name}.{team}.{name}".upper()
            case Layer.FEATURES:
                return "s3://acme-features", f"{team}/{name}"
            case Layer.TRAINING:
                return "s3://acme-training", f"{team}/sets/{name}"
            case Layer.MODELS:
                return "mlflow://models.acme.example", f"{team}-{noun.replace('_', '-')}-{dataset.index:05d}"
            case Layer.DEPLOYMENTS:
                raise ValueError("A deployment is a job, not a data set.")

    def columns(self, dataset: Dataset) -> list[tuple[str, str]]:
        """Names and types of its columns."""
        draws = self.draws("columns", dataset.layer, dataset.index)
        first, step = draws[0] % len(vocabulary.COLUMNS), 1 + draws[1] % 5
        chosen = [vocabulary.COLUMNS[(first + nth * step) % len(vocabulary.COLUMNS)] for nth in range(3 + draws[2] % 4)]
        return list(dict.fromkeys(chosen))

    def _job_name(self, job: Job) -> tuple[str, str]:
        """Namespace and name of a job, as OpenLineage has them."""
        team = self.team_of(job.layer, job.index)
        integration = INTEGRATIONS[job.layer]
        if job.layer is Layer.DEPLOYMENTS:
            return f"{team}-serving", f"{team}-endpoint-{job.index:05d}"
        noun = self.identity(job.outputs[0])[1].rsplit(".", 1)[-1].rsplit("/", 1)[-1].lower()
        return f"{team}-{integration}", f"{vocabulary.VERBS[job.layer.name.lower()]}.{noun}"


def _fan_in(draw: int) -> int:
    """How many data sets a job reads: mostly one to three, with a long tail to about forty."""
    share, tail = draw % 100, draw // 100 % 256 + 1
    if share < 50:
        return 1
    if share < 80:
        return 2
    if share < 93:
        return 3
    return 4 + 256 // tail // 7
