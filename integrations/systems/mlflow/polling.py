"""What a poll asks MLflow for: what changed in the registry, and the runs that began or ended since.

The registry gives its newest changes first, so a poll that finds nothing new ends with the first page. Aliases and tags
change without a trace in any time that MLflow keeps. So models are always read whole, which is little, and told when
they differ; versions are read whole once a day.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from integrations.systems.base import Client, Context, Message, Page
from integrations.systems.reading import Reader

RUNS, LOGGED_MODELS = "runs", "logged_models"
REGISTERED_MODELS, MODEL_VERSIONS = "registered_models", "model_versions"
API = "/api/2.0/mlflow"
PAGE = 1_000
# Ids that are named in one question: it is part of the address, which servers cut at some 8,000 characters.
IDS = 100
# Who logs a run may set its end a little back.
OVERLAP = timedelta(minutes=1)
WHOLE_AFTER = timedelta(days=1)
MOST_HISTORIES = 50
One = TypeVar("One")


def poll(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
    told = _Cursor(cursor)
    every = dict(_experiments(client))
    chosen = context.options.experiments
    experiments = {key: name for key, name in every.items() if not chosen or name in chosen}
    wanted: dict[str, None] = {}
    for document, state in _registry(client, told, now, wanted, list(every)):
        yield Page(messages=[_message(now, *document)] if document else [], cursor=state)
    for run_page in _ended(client, context, experiments, told):
        for run in run_page:
            wanted.pop(run.text("info", "run_id"), None)
        yield Page(messages=_of_runs(client, context, run_page, experiments, now), cursor=told.state)
    if experiments:
        for some in _some(wanted, IDS):
            question = f"attributes.run_id IN ({_quoted(some)})"
            for run_page in _runs(client, experiments, question, "attributes.start_time ASC"):
                yield Page(messages=_of_runs(client, context, run_page, experiments, now), cursor=told.state)
        for run_page in _runs(client, experiments, "attributes.status = 'RUNNING'", "attributes.start_time ASC"):
            yield Page(messages=_of_runs(client, context, run_page, experiments, now), cursor=told.state)


class _Cursor:
    """Up to when runs ended and versions changed that were told, what models were told, and when all was last read."""

    def __init__(self, cursor: Mapping[str, Any]) -> None:
        said = Reader(dict(cursor))
        self.ended = said.count("ended_ms") or 0
        self.updated = said.count("updated_ms") or 0
        self.models = {name: one.text() for name, one in said.entries("models")}
        self.whole = said.time("whole_at")

    @property
    def state(self) -> Mapping[str, Any]:
        whole = self.whole.isoformat() if self.whole else None
        return {"ended_ms": self.ended, "updated_ms": self.updated, "models": dict(self.models), "whole_at": whole}


Document = tuple[str, dict[str, Any]]


def _message(now: datetime, type: str, document: dict[str, Any]) -> Message:
    return Message(received_at=now, document=document, type=type)


def _experiments(client: Client) -> Iterator[tuple[str, str]]:
    asked = {"max_results": PAGE}
    for one in _listed(client, "experiments", "experiments/search", asked, by_post=True):
        if one.text("experiment_id"):
            yield one.text("experiment_id"), one.text("name")


def _registry(
    client: Client, told: _Cursor, now: datetime, wanted: dict[str, None], experiments: list[str]
) -> Iterator[tuple[Document | None, Mapping[str, Any]]]:
    models = {}
    changed = []
    for one in _listed(client, "registered_models", "registered-models/search", {"max_results": PAGE}):
        models[one.text("name")] = digest = _digest(one.value)
        if told.models.get(one.text("name")) != digest:
            changed.append(_without_versions(one.value))
    for some in _some(changed, PAGE):
        yield (REGISTERED_MODELS, {"registered_models": list(some)}), told.state
    is_whole = told.whole is None or now - told.whole >= WHOLE_AFTER
    since, newest = told.updated, told.updated
    for page in _versions(client, since=0 if is_whole else since):
        newest = max(newest, *(one.count("last_updated_timestamp") or 0 for one in page))
        wanted |= {run: None for one in page if (run := one.text("run_id")) and _changed_at(one) >= since}
        yield (MODEL_VERSIONS, {"model_versions": [one.value for one in page]}), told.state
        for logged in _logged_models(client, [one for one in page if _changed_at(one) >= since], experiments):
            yield (LOGGED_MODELS, {"models": logged}), told.state
    told.models, told.updated = models, newest
    if is_whole:
        told.whole = now.astimezone(UTC)
    yield None, told.state


def _versions(client: Client, *, since: int) -> Iterator[list[Reader]]:
    """Pages of versions that changed at that time or after, the newest first."""
    asked = {"max_results": PAGE, "order_by": "last_updated_timestamp DESC"}
    for page in _pages(client, "model_versions", "model-versions/search", asked):
        found = [one for one in page if _changed_at(one) >= since]
        # Of those of the last moment, which are asked for again, nothing is new when there are no others.
        if since and all(_changed_at(one) == since for one in found):
            return
        if found:
            yield found
        if len(found) < len(page):
            return


def _changed_at(one: Reader) -> int:
    return one.count("last_updated_timestamp") or one.count("creation_timestamp") or 0


def _logged_models(client: Client, versions: Iterable[Reader], experiments: list[str]) -> Iterator[list[Any]]:
    """The logged models that versions were registered from. Servers before MLflow 3 have none, and name none."""
    sources = dict.fromkeys(one.text("source") for one in versions)
    ids = [source.removeprefix("models:/") for source in sources if source.startswith("models:/m-")]
    for some in _some(ids, IDS):
        asked = {"experiment_ids": experiments, "filter": f"model_id IN ({_quoted(some)})", "max_results": IDS}
        for page in _pages(client, "models", "logged-models/search", asked, by_post=True):
            yield [one.value for one in page]


def _ended(client: Client, context: Context, experiments: Mapping[str, str], told: _Cursor) -> Iterator[list[Reader]]:
    if not experiments:
        return
    since = max(0, told.ended - int(OVERLAP.total_seconds() * 1_000))
    question = f"attributes.end_time >= {since}"
    for page in _runs(client, experiments, question, "attributes.end_time ASC"):
        told.ended = max(told.ended, *(one.count("info", "end_time") or 0 for one in page))
        yield page


def _runs(client: Client, experiments: Mapping[str, str], question: str, order: str) -> Iterator[list[Reader]]:
    asked = {
        "experiment_ids": list(experiments),
        "filter": question,
        "order_by": [order],
        "max_results": IDS,
    }
    yield from _pages(client, "runs", "runs/search", asked, by_post=True)


def _of_runs(
    client: Client, context: Context, page: list[Reader], experiments: Mapping[str, str], now: datetime
) -> list[Message]:
    ids = [one.text("info", "run_id") for one in page]
    asked = {"filter": f"run_id IN ({_quoted(ids)})", "max_results": PAGE}
    versions: dict[str, list[Any]] = {}
    for one in _listed(client, "model_versions", "model-versions/search", asked):
        versions.setdefault(one.text("run_id"), []).append(
            {key: one.text(key) for key in ("name", "version", "source")}
        )
    runs = []
    for one in page:
        run = one.text("info", "run_id")
        document = {**one.value, "experiment": {"name": experiments.get(one.text("info", "experiment_id"), "")}}
        if run in versions:
            document["versions"] = versions[run]
            if histories := dict(_histories(client, context, one)):
                document["histories"] = histories
        runs.append(document)
    return [_message(now, RUNS, {"runs": runs})]


def _histories(client: Client, context: Context, run: Reader) -> Iterator[tuple[str, list[Any]]]:
    has = {one.text("key") for one in run.items("data", "metrics")}
    for name in [one for one in context.options.histories if one in has][:MOST_HISTORIES]:
        asked = {"run_id": run.text("info", "run_id"), "metric_key": name, "max_results": PAGE}
        yield name, [one.value for one in _listed(client, "metrics", "metrics/get-history", asked)]


def _listed(
    client: Client, key: str, path: str, asked: Mapping[str, Any], *, by_post: bool = False
) -> Iterator[Reader]:
    for page in _pages(client, key, path, asked, by_post=by_post):
        yield from page


def _pages(
    client: Client, key: str, path: str, asked: Mapping[str, Any], *, by_post: bool = False
) -> Iterator[list[Reader]]:
    following = ""
    while True:
        question = {**asked, **({"page_token": following} if following else {})}
        answer = Reader(client.post(f"{API}/{path}", question) if by_post else client.get(f"{API}/{path}", question))
        page = [one for one in answer.items(key) if isinstance(one.value, dict)]
        if page:
            yield page
        last, following = following, answer.text("next_page_token")
        if not following or following == last:
            return


def _without_versions(model: dict[str, Any]) -> dict[str, Any]:
    """`latest_versions` repeats what the versions say themselves."""
    return {key: value for key, value in model.items() if key != "latest_versions"}


def _digest(model: dict[str, Any]) -> str:
    text = json.dumps(_without_versions(model), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _quoted(ids: Iterable[str]) -> str:
    return ",".join("'" + one.replace("'", "") + "'" for one in ids)


def _some(several: Iterable[One], most: int) -> Iterator[list[One]]:
    found = list(several)
    for start in range(0, len(found), most):
        yield found[start : start + most]
