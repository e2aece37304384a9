"""Objects of Kubernetes, however they come: by a watch, Knative's ApiServerSource, or `kubectl get -o json`. Pure.

All ways end in "this is the object now". Its annotations (or labels) may say who its model is: `assay.model` and
`assay.version` win over where its files lie. `assay.environment` (dev, staging, production), `assay.repository` with
`assay.commit`, and `openlineage.parent` (`namespace/job/runId`) are read of every object, too.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from integrations import openlineage
from integrations.openlineage import Dataset, Job
from integrations.systems import locations, vocabulary
from integrations.systems.base import Client, Context, Message, Options, Page, Poll, Refused
from integrations.systems.reading import Reader

MODEL, VERSION = "assay.model", "assay.version"
# Objects in one answer of a list, and changes of a watch that are stored together.
PAGE_OBJECTS = 500
# How long one watch lasts. The server ends it, and the next poll goes on where it ended.
WATCH_SECONDS = 45
MAX_FILE_BYTES = 200_000_000
MAX_PARAMETERS = 200
GONE = 410
BOOKMARKS = {"BOOKMARK": "how far a watch has come, without a change"}


class KubernetesOptions(Options, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`environment`: of objects that do not say theirs. `namespaces`: those that are polled; empty: all.
    `admit_unknown`: whether the cluster may run what cannot be judged, because nobody knows which model version it is.
    """

    environment: Literal["", "dev", "staging", "production"] = ""
    namespaces: tuple[str, ...] = ()
    admit_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An object as it is now, or as it last was before it was deleted."""

    object: Reader
    is_gone: bool
    at: datetime

    @property
    def kind(self) -> str:
        return self.object.text("kind")

    @property
    def name(self) -> str:
        """Namespace and name. Raises Refused when it has no name."""
        return f"{space(self)}/{self.object.need('metadata', 'name')}"

    @property
    def uid(self) -> str:
        """What tells it from one that had its name before; written by hand, it has none but its name."""
        return self.object.text("metadata", "uid") or self.name

    def said(self, key: str) -> str:
        """An annotation, else a label."""
        return self.object.text("metadata", "annotations", key) or self.object.text("metadata", "labels", key)

    def condition(self, type: str) -> str:
        """`True`, `False`, `Unknown`, or empty when it has no such condition."""
        return next((one.text("status") for one in self.conditions() if one.text("type") == type), "")

    def conditions(self) -> Iterator[Reader]:
        return self.object.items("status", "conditions")


def changes(message: Message) -> Iterator[Change]:
    """The object of a message; of a list, every object in it."""
    verb, told = _unwrapped(message)
    if told.text("kind").endswith("List") and isinstance(told.at("items").value, list):
        kind = told.text("kind").removesuffix("List")
        for one in told.items("items"):
            # Lists of one kind leave it out of their items.
            object = Reader({"kind": kind, **one.value}, one.path) if isinstance(one.value, dict) else one
            yield Change(object=object, is_gone=False, at=_changed_at(object, message))
        return
    is_gone = verb in {"DELETED", "delete"}
    at = told.time("metadata", "deletionTimestamp") or message.received_at if is_gone else _changed_at(told, message)
    yield Change(object=told, is_gone=is_gone, at=at)


def type_of(message: Message) -> str:
    """The kind of the object; `BOOKMARK` or `ERROR` of a watch without one. Raises Refused."""
    verb, told = _unwrapped(message)
    return verb if verb in {"BOOKMARK", "ERROR"} else told.need("kind")


def key_of(message: Message) -> str:
    """One state of one object."""
    verb, told = _unwrapped(message)
    uid, version = told.text("metadata", "uid"), told.text("metadata", "resourceVersion")
    is_gone = verb in {"DELETED", "delete"}
    return " ".join([uid, version, *(["gone"] if is_gone else [])]) if uid and version else ""


def _unwrapped(message: Message) -> tuple[str, Reader]:
    """What happened, as a watch or Knative calls it, and to which object."""
    said = Reader(message.document)
    told_by = message.headers.get("ce-type", "")
    if told_by.startswith("dev.knative.apiserver."):
        return told_by.rpartition(".")[2], said
    if said.text("type").startswith("dev.knative.apiserver.") and said.at("data"):
        return said.text("type").rpartition(".")[2], said.at("data")
    if isinstance(said.at("object").value, dict) and not said.text("kind"):
        return said.text("type"), said.at("object")
    return "", said


def _changed_at(object: Reader, message: Message) -> datetime:
    """When it last changed. There is no field for it; who changed its fields, and conditions, tell the time."""
    told = [object.time("metadata", "creationTimestamp")]
    told += [one.time("time") for one in object.items("metadata", "managedFields")]
    for one in object.items("status", "conditions"):
        told += [one.time("lastTransitionTime"), one.time("lastUpdateTime")]
    told += [object.time("status", key) for key in ("startTime", "startedAt", "completionTime", "finishedAt")]
    return max((time for time in told if time is not None), default=message.received_at)


# What objects of all kinds may say.


def model(change: Change, uri: str, context: Context) -> Dataset | None:
    """The model version that the object is about: the one it names, else the one whose files lie at `uri`.

    When nobody knows whose files they are, the files themselves.
    """
    if name := change.said(MODEL):
        return context.model(name, change.said(VERSION))
    return context.artifact(uri) or locations.dataset(uri)


def environment(change: Change, context: Context) -> str:
    """Where it runs; empty when nobody says."""
    return vocabulary.environment(change.said("assay.environment")) or getattr(context.options, "environment", "")


def with_commit(job: Job, change: Change) -> Job:
    return job.built_from(change.said("assay.repository"), change.said("assay.commit"))


def parent(change: Change) -> dict[str, Mapping[str, Any]]:
    """The facet of the run that made the object, if its maker left that run's name on it."""
    before, _, run = change.said("openlineage.parent").rpartition("/")
    namespace, _, name = before.rpartition("/")
    if not (namespace and name and run):
        return {}
    return {"parent": openlineage.parent(Job(namespace, name), openlineage.run_id(run))}


def error(change: Change, reason: str) -> dict[str, Mapping[str, Any]]:
    """Why it failed, in the one word that Kubernetes has for it. Its message may quote what nobody should read here."""
    return {"errorMessage": {"message": reason, "programmingLanguage": "unknown"}} if reason else {}


def parameters(listed: Iterable[Reader]) -> dict[str, Mapping[str, Any]]:
    """The facet of what a run was started with, from a list of names and values."""
    found = {name: value for one in listed if (name := one.text("name")) and (value := one.text("value"))}
    return {"assay_trainingParameters": {"parameters": dict(list(found.items())[:MAX_PARAMETERS])}} if found else {}


def owner(change: Change, kind: str) -> Reader:
    """Who made the object, if one of this kind did."""
    owners = change.object.items("metadata", "ownerReferences")
    return next((one for one in owners if one.text("kind") == kind), Reader(None))


def base_name(change: Change) -> str:
    """What objects share that are made one after another from one template."""
    generated = change.object.text("metadata", "generateName").rstrip("-.")
    return generated or change.object.need("metadata", "name")


def space(change: Change) -> str:
    return change.object.text("metadata", "namespace") or "default"


# Files and polls.


def read_files(path: Path, at: datetime) -> Iterator[Message]:
    """The objects in a file of `kubectl get -o json|yaml`, in a manifest, or in a folder of such. Raises Refused."""
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in files:
        if file.suffix in {".json", ".yaml", ".yml"} and file.is_file():
            for document in _documents(file):
                yield from _objects(document, at)


def _documents(file: Path) -> list[Any]:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise Refused(file.name, f"is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    try:
        text = file.read_text(encoding="utf-8")
        return [json.loads(text)] if file.suffix == ".json" else list(yaml.safe_load_all(text))
    except (ValueError, RecursionError, yaml.YAMLError):
        raise Refused(file.name, "is neither JSON nor YAML in UTF-8.") from None


def _objects(document: Any, at: datetime) -> Iterator[Message]:
    if document is not None:
        for change in changes(Message(received_at=at, document=document)):
            yield Message(received_at=at, document=change.object.value, type=change.object.need("kind"))


def poll(*resources: str) -> Poll:
    """Reads all objects of the resources, such as `apis/tekton.dev/v1/taskruns`, once, and from then on changes.

    `resources` are read one after another, so that each watch lasts its share of the time.
    """

    def read(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
        versions = dict(_text_values(cursor.get("versions")))
        paths = _paths(resources, context.options)
        for path in paths:
            if path in versions:
                try:
                    for page, version in _watched(client, path, versions[path], now, WATCH_SECONDS // len(paths) or 1):
                        versions[path] = version
                        yield Page(messages=page, cursor={"versions": dict(versions)})
                    continue
                except _Expired:
                    versions.pop(path)
            for page, version in _listed(client, path, now):
                if version:
                    versions[path] = version
                yield Page(messages=page, cursor={"versions": dict(versions)})

    return read


class _Expired(Exception):
    """The server no longer knows the state from which a watch was to go on."""


def _paths(resources: Sequence[str], options: Any) -> list[str]:
    namespaces: Iterable[str] = getattr(options, "namespaces", ())
    if not namespaces:
        return [f"/{one}" for one in resources]
    parts = [one.rpartition("/") for one in resources]
    return [f"/{group}/namespaces/{namespace}/{kind}" for group, _, kind in parts for namespace in namespaces]


def _text_values(value: Any) -> Iterator[tuple[str, str]]:
    return ((key, one) for key, one in value.items() if isinstance(one, str)) if isinstance(value, dict) else iter(())


def _listed(client: Client, path: str, now: datetime) -> Iterator[tuple[list[Message], str]]:
    """Pages of all objects; the last with the version from which changes are to be watched."""
    following = ""
    while True:
        asked = {"limit": PAGE_OBJECTS, **({"continue": following} if following else {})}
        answer = Reader(client.get(path, asked))
        kind = answer.text("kind").removesuffix("List")
        following = answer.text("metadata", "continue")
        page = [
            Message(received_at=now, document=_without_managers({"kind": kind, **one.value}), type=kind)
            for one in answer.items("items")
            if isinstance(one.value, dict)
        ]
        yield page, "" if following else answer.need("metadata", "resourceVersion")
        if not following:
            return


def _watched(
    client: Client, path: str, version: str, now: datetime, seconds: int
) -> Iterator[tuple[list[Message], str]]:
    asked = f"watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={seconds}"
    page: list[Message] = []
    for line in _lines(client, f"{path}?{asked}"):
        said = Reader(line)
        if said.text("type") == "ERROR":
            if said.count("object", "code") == GONE:
                raise _Expired
            raise Refused("type", f"is ERROR: {said.text('object', 'reason') or 'the watch failed'}.")
        version = said.text("object", "metadata", "resourceVersion") or version
        if said.text("type") != "BOOKMARK":
            document = {"type": said.text("type"), "object": _without_managers(said.at("object").value)}
            page.append(Message(received_at=now, document=document, type=said.text("object", "kind")))
        if len(page) >= PAGE_OBJECTS or said.text("type") == "BOOKMARK":
            yield page, version
            page = []
    yield page, version


def _lines(client: Client, path: str) -> Iterator[Any]:
    """The lines of a watch. One that is refused at once is so because of where it was to begin, or the list is, too."""
    lines = client.lines(path, None)
    try:
        first = next(lines, None)
    except Refused:
        raise _Expired from None
    if first is not None:
        yield first
        yield from lines


def _without_managers(object: Any) -> Any:
    """The object without the list of who set each field, which is larger than the rest; its times are kept."""
    metadata = object.get("metadata") if isinstance(object, dict) else None
    managers = metadata.get("managedFields") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or managers is None:
        return object
    times = [{"time": one["time"]} for one in managers if isinstance(one, dict) and "time" in one]
    return {**object, "metadata": {**metadata, "managedFields": times}}


Translate = Callable[[Change, Context], Iterator[openlineage.Event]]


def translating(**kinds: Translate) -> Callable[[Message, Context], Iterator[openlineage.Event]]:
    """The translation of messages by the kind of their object. Of a list, other kinds are passed over."""

    def translate(message: Message, context: Context) -> Iterator[openlineage.Event]:
        for change in changes(message):
            kind = change.kind or message.type
            if kind in kinds:
                yield from kinds[kind](change, context)

    return translate
