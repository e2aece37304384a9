"""Reports that people or pipelines send of a model version or of data: what the report itself does not say. Pure.

Most tools write reports without the model, the data and the time that they are of. So a report is sent within a
document that says so, or alone, through a connection whose options say it:

    {"model": {"name": "loans", "version": "7"}, "dataset": {"uri": "s3://bank/holdout", "version": "3"},
     "performed_at": "2026-03-01T10:00:00Z", "parent": "namespace/job/runId", "report": {…}}
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Job, Type
from integrations.systems import locations
from integrations.systems.base import Context, Message, Options, Refused
from integrations.systems.reading import Reader

MAX_FILE_BYTES = 100_000_000


class UploadOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What reports are of that do not say it. `dataset`: the URI of the data, `dataset_version` their version."""

    model: str = ""
    version: str = ""
    dataset: str = ""
    dataset_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A report with what it is of. `key` tells it from all others; `at` is None when neither side says when."""

    report: Reader
    model: Dataset | None
    dataset: Dataset | None
    at: datetime | None
    key: str
    facets: Mapping[str, Mapping[str, Any]]


def read(message: Message, context: Context) -> Upload:
    """Raises Refused when a document says only half of what it is of."""
    said = Reader(message.document)
    around = said if is_enclosed(said) else Reader({})
    report = said.at("report") if is_enclosed(said) else said
    text = json.dumps(message.document, sort_keys=True)
    return Upload(
        report=report,
        model=_model(around, context),
        dataset=_dataset(around, context),
        at=around.time("performed_at"),
        key=hashlib.sha256(text.encode()).hexdigest(),
        facets=parent(around.text("parent")),
    )


def is_enclosed(said: Reader) -> bool:
    return bool(said.at("report")) and isinstance(said.value, dict)


def body(message: Message) -> Reader:
    """The report itself."""
    said = Reader(message.document)
    return said.at("report") if is_enclosed(said) else said


def parent(text: str) -> dict[str, Mapping[str, Any]]:
    """The facet `parent` from `namespace/job/runId`, of which namespaces may hold slashes; nothing from other text."""
    path, _, run = text.rpartition("/")
    namespace, _, name = path.rpartition("/")
    if not (namespace and name and run):
        return {}
    return {"parent": openlineage.parent(Job(namespace, name), openlineage.run_id(namespace, run))}


def _model(around: Reader, context: Context) -> Dataset | None:
    told = around.at("model")
    if isinstance(told.value, str):
        name, version = told.text(), around.text("version")
    elif told:
        name, version = told.need("name"), told.text("version") or around.text("version")
    else:
        name, version = context.options.model, context.options.version
    if not name:
        return None
    if not version:
        raise Refused("model.version", "is missing: a report is of one version.")
    if namespace := told.text("namespace"):
        return Dataset(namespace, name).as_model(version)
    return context.model(name, version)


def _dataset(around: Reader, context: Context) -> Dataset | None:
    told = around.at("dataset")
    if isinstance(told.value, str) and told.text():
        return locations.place(told.text()).at(around.text("dataset_version"))
    if told:
        place = (
            locations.place(told.text("uri"))
            if told.text("uri")
            else Dataset(told.need("namespace"), told.need("name"))
        )
        return place.at(told.text("version"))
    if context.options.dataset:
        return locations.place(context.options.dataset).at(context.options.dataset_version)
    return None


def of(
    upload: Upload,
    job: Job,
    *,
    at: datetime,
    model: Dataset | None = None,
    dataset: Dataset | None = None,
    facets: Mapping[str, Mapping[str, Any]] | None = None,
) -> Event:
    """The run that made the report: it read the model and the data, and wrote nothing."""
    inputs = [one for one in (model or upload.model, dataset or upload.dataset) if one is not None]
    run = openlineage.run_id(job.namespace, job.name, upload.key)
    told = {**upload.facets, **(facets or {})}
    return openlineage.of_run(Type.COMPLETE, at=at, run=run, job=job, inputs=inputs, facets=told)


def json_files(path: Path, received_at: datetime) -> Iterator[tuple[Path, Any]]:
    """The JSON documents of a file, or of all files below a folder. Raises Refused."""
    for one in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        if one.stat().st_size > MAX_FILE_BYTES:
            raise Refused("", f"{one.name} is larger than 100 MB.")
        try:
            yield one, json.loads(one.read_bytes())
        except (ValueError, RecursionError) as error:
            raise Refused("", f"{one.name} is not JSON: {error}.") from None


def read_files(type_of: Callable[[Message], str]) -> Callable[[Path, datetime], Iterator[Message]]:
    """Reads a report, or all reports of a folder. What is none is left out of a folder, and refused alone."""

    def read(path: Path, received_at: datetime) -> Iterator[Message]:
        for one, document in json_files(path, received_at):
            message = Message(received_at=received_at, document=document, headers={"file": one.name})
            try:
                yield replace(message, type=type_of(message))
            except Refused:
                if path.is_file():
                    raise

    return read
