"""What DVC's files say, as jobs and runs. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from integrations import openlineage, repositories
from integrations.notices import Claim
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import locations
from integrations.systems.base import Context, Message, Options
from integrations.systems.reading import Reader

HASHES = ("md5", "etag", "checksum", "hash")
# A stage's own code is no data: the commit says which it was.
CODE = (".py", ".ipynb", ".r", ".sh", ".sql", ".jl", ".scala", ".java")
VERSION_TAG = re.compile(r"(?P<name>[A-Za-z0-9][\w./-]{0,199})@(?P<version>v?\d[\w.+-]{0,99})", re.ASCII)
STAGE_TAG = re.compile(r"(?P<name>[A-Za-z0-9][\w./-]{0,199})#(?P<stage>[a-z][\w-]{0,99})(#\d+)?", re.ASCII)
SEEDS = ("seed", "random_state", "random_seed")
MOST_METRICS = 500


class DvcOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`repository`: its address, for files that come without the repository around them."""

    repository: str = ""


def repository(said: Reader, context: Context, message: Message) -> Iterator[Event]:
    """The stages of one commit, and files that are tracked or imported without a stage."""
    of = _Commit(said, context, message)
    for name, stage in said.entries("lock", "stages"):
        yield from of.stage(name, stage)
    # The first form of lock files had its stages at the top.
    for name, stage in said.entries("lock"):
        if name not in {"schema", "stages", "datasets"} and (stage.at("deps") or stage.at("outs")):
            yield from of.stage(name, stage)
    for path, tracked in said.entries("tracked"):
        yield from of.tracked(path, tracked)


class _Commit:
    """What holds of all stages of a commit."""

    def __init__(self, said: Reader, context: Context, message: Message) -> None:
        self.context, self.said = context, said
        self.url = said.text("repository") or context.options.repository
        self.sha = said.text("commit")
        self.at: datetime = said.time("committed_at") or message.received_at
        self.folder = said.text("folder").strip("/")
        self.metrics = {path: _numbers(one) for path, one in said.entries("metrics")}
        self.tags = [one.text() for one in said.items("tags")]
        self.models = {
            self.path(one.text("path")): name
            for name, one in said.entries("pipeline", "artifacts")
            if one.text("type") == "model" and one.text("path")
        }

    def path(self, path: str) -> str:
        """From the top of the repository. What lies outside, by its own address, stays as it is."""
        if "://" in path or path.startswith("/") or not self.folder:
            return path.removeprefix("./")
        return f"{self.folder}/{path.removeprefix('./')}"

    def job(self, name: str, code: str = "") -> Job:
        full = f"{self.folder}/{name}" if self.folder else name
        job = self.context.job(full).saying(
            jobType={"processingType": "BATCH", "integration": "DVC", "jobType": "STAGE"}
        )
        return job.built_from(self.url, self.sha, path=code)

    def dataset(self, one: Reader) -> Dataset:
        path, digest = self.path(one.text("path")), _hash(one)
        place = locations.dataset(path) if "://" in path else None
        return (place or Dataset(self.context.namespace, path)).at(digest)

    def stage(self, name: str, said: Reader) -> Iterator[Event]:
        code = [one.text("path") for one in said.items("deps") if one.text("path").lower().endswith(CODE)]
        inputs = [self.dataset(one) for one in said.items("deps") if _is_data(one)]
        outs = [one for one in said.items("outs") if one.text("path")]
        measured = {
            key: value for one in outs for key, value in self.metrics.get(self.path(one.text("path")), {}).items()
        }
        models = [self.model(self.path(one.text("path")), _hash(one)) for one in outs]
        outputs = [self.dataset(one) for one in outs if self.path(one.text("path")) not in self.metrics]
        for model in models:
            if model is not None:
                outputs.append(_measured(model, measured, self.at))
        facets: dict[str, Mapping[str, Any]] = {}
        parameters = {key: value for _, file in said.entries("params") for key, value in _flat(file.value).items()}
        if parameters:
            seed = next((value for key, value in parameters.items() if key.rpartition(".")[2] in SEEDS), None)
            facets["assay_trainingParameters"] = {"parameters": parameters} | ({"seed": seed} if seed else {})
        # The same stage with the same hashes in the same commit is the same run, whenever it is read.
        hashes = ",".join(_hash(one) for one in [*said.items("deps"), *said.items("outs")])
        run = openlineage.run_id(self.context.namespace, self.sha, self.folder, name, hashes)
        job = self.job(name, self.path(code[0]) if code else "")
        yield openlineage.of_run(
            Type.COMPLETE, at=self.at, run=run, job=job, inputs=inputs, outputs=outputs, facets=facets
        )

    def model(self, path: str, digest: str) -> Dataset | None:
        """The model that lies there. A Git tag of this commit is its version; without one its hash is."""
        name = self.models.get(path)
        if name is None:
            return None
        version = version_of(name, self.tags) or digest
        found = Dataset(self.context.options.registry or self.context.namespace, name).as_model(version)
        return found.saying(assay_modelFiles={"places": [{"namespace": self.context.namespace, "name": path}]})

    def tracked(self, file: str, said: Reader) -> Iterator[Event]:
        """A file that is tracked; if it was imported, where it came from."""
        folder = file.rpartition("/")[0]
        outs = [self._in(folder, one) for one in said.items("outs") if one.text("path")]
        sources = [found for one in said.items("deps") if (found := self._source(folder, one)) is not None]
        if not sources:
            for one in outs:
                yield openlineage.of_dataset(one, at=self.at)
            return
        run = openlineage.run_id(self.context.namespace, self.sha, file, *(_hash(one) for one in said.items("outs")))
        yield openlineage.of_run(
            Type.COMPLETE, at=self.at, run=run, job=self.job(file or "import"), inputs=sources, outputs=outs
        )

    def _in(self, folder: str, one: Reader) -> Dataset:
        path = f"{folder}/{one.text('path')}" if folder else one.text("path")
        return Dataset(self.context.namespace, self.path(path)).at(_hash(one))

    def _source(self, folder: str, one: Reader) -> Dataset | None:
        if url := one.text("repo", "url"):
            namespace = "dvc://" + repositories.canonical(url).partition("://")[2]
            return Dataset(namespace, one.text("path")).at(one.text("repo", "rev_lock"))
        if not one.text("path"):
            return None
        return locations.place(one.text("path")).at(_hash(one)) if "://" in one.text("path") else self._in(folder, one)


def version_of(name: str, tags: list[str]) -> str:
    for tag in tags:
        if (found := VERSION_TAG.fullmatch(tag)) and found["name"] == name:
            return found["version"]
    return ""


def claims(said: Reader, context: Context, message: Message) -> Iterator[Claim]:
    """Tags that say at which stage a version of this commit is. One that ends with `!` takes it away."""
    tags = [one.text() for one in said.items("tags")]
    for tag in tags:
        found = STAGE_TAG.fullmatch(tag)
        version = version_of(found["name"], tags) if found else ""
        if found and version:
            yield Claim(
                namespace=context.options.registry or context.namespace,
                model=found["name"],
                version=version,
                stage="production" if found["stage"] in {"prod", "production"} else found["stage"],
                at=said.time("committed_at") or message.received_at,
                how=f"has the Git tag {tag}",
            )


def experiments(said: Reader, context: Context, message: Message) -> Iterator[Event]:
    """`dvc exp show --json`: of each commit and experiment one run of all stages together. The workspace is none."""
    for one in said.items():
        yield from _experiment(one, context, message)
        for found in one.items("experiments"):
            for revision in found.items("revs"):
                yield from _experiment(revision, context, message)


def _experiment(one: Reader, context: Context, message: Message) -> Iterator[Event]:
    rev, data = one.text("rev"), one.at("data")
    at = data.time("timestamp")
    if not rev or rev == "workspace" or at is None:
        return
    of = _Commit(Reader({"commit": rev}), context, message)
    inputs = [
        Dataset(context.namespace, path).at(_hash(found))
        for path, found in data.entries("outs")
        if found.flag("is_data_source")
    ]
    outputs = [
        Dataset(context.namespace, path).at(_hash(found))
        for path, found in data.entries("outs")
        if not found.flag("is_data_source")
    ]
    measured = {key: value for _, file in data.entries("metrics") for key, value in _numbers(file.at("data")).items()}
    facets: dict[str, Mapping[str, Any]] = {}
    parameters = {
        key: value for _, file in data.entries("params") for key, value in _flat(file.at("data").value).items()
    }
    if parameters:
        facets["assay_trainingParameters"] = {"parameters": parameters}
    yield openlineage.of_run(
        Type.COMPLETE,
        at=at,
        run=openlineage.run_id(context.namespace, rev, "experiment"),
        job=of.job("experiment"),
        inputs=inputs,
        outputs=[_measured(found, measured, at) for found in outputs],
        facets=facets,
    )


def _is_data(one: Reader) -> bool:
    path = one.text("path")
    return bool(path) and not path.lower().endswith(CODE)


def _hash(one: Reader) -> str:
    """Of what DVC writes the first that is a hash. `hash: md5` only names the kind."""
    return next((text for key in HASHES if (text := one.text(key)) and text != "md5"), "")


def _measured(dataset: Dataset, measured: Mapping[str, float | None], at: datetime) -> Dataset:
    told = [{"name": name, "value": value, "measuredAt": at.isoformat()} for name, value in sorted(measured.items())]
    return dataset.saying(assay_modelMetrics={"metrics": told[:MOST_METRICS]}) if told else dataset


def _numbers(said: Reader) -> dict[str, float | None]:
    return {
        name: float(value)
        for name, value in _flat(said.value).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and len(name) <= 200
    }


def _flat(value: Any, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Names of nested values with dots, as DVC itself writes them."""
    if not isinstance(value, dict) or depth > 10:
        return {prefix: value} if prefix and isinstance(value, str | int | float | bool) else {}
    found: dict[str, Any] = {}
    for key, one in value.items():
        if isinstance(key, str):
            found |= _flat(one, f"{prefix}.{key}" if prefix else key, depth + 1)
    return found
