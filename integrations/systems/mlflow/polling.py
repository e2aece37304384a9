"""What a poll asks MLflow for: what changed in the registry, and the runs that began or ended since.

The registry gives its newest changes first, so a poll that finds nothing new ends with the first page. Aliases and tags
change without a trace in any time that MLflow keeps. So models are always read whole, which is little, and told when
they differ; versions are read whole once a day.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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

    def runs(question: str, order: str = "attributes.start_time ASC") -> Iterator[Page]:
        for page in _runs(client, experiments, question, order):
            ended = max(one.count("info", "end_time") or 0 for one in page)
            message = _of_runs(client, context, page, experiments, now)
            if order.startswith("attributes.end_time"):
                told.ended = max(told.ended, ended)
            yield Page(messages=[message], cursor=told.state)

    # At first all runs are told below, with the versions that they made.
    is_first = not told.ended
    yield from _models(client, told, now)
    for page in _version_pages(client, told, now, list(every)):
        made_by = dict.fromkeys(run for one in page.versions if (run := one.text("run_id")))
        for some in _some(() if is_first else made_by, IDS):
            yield from runs(f"attributes.run_id IN ({_quoted(some)})")
        yield Page(messages=page.messages, cursor=told.state)
    since = max(0, told.ended - int(OVERLAP.total_seconds() * 1_000))
    yield from runs(f"attributes.end_time >= {since}", "attributes.end_time ASC")
    yield from runs("attributes.status = 'RUNNING'")


class _Cursor:
    """Up to when runs ended and versions changed that were told, what models were told, and when all was last read.

    `token`, `newest`: where a reading of versions goes on that was broken off, and the newest change that it saw.
    """

    def __init__(self, cursor: Mapping[str, Any]) -> None:
        said = Reader(dict(cursor))
        self.ended = said.count("ended_ms") or 0
        self.updated = said.count("updated_ms") or 0
        self.models = {name: one.text() for name, one in said.entries("models")}
        self.whole = said.time("whole_at")
        self.token = said.text("token")
        self.newest = said.count("newest_ms") or self.updated

    @property
    def state(self) -> Mapping[str, Any]:
        return {
            "ended_ms": self.ended,
            "updated_ms": self.updated,
            "models": dict(self.models),
            "whole_at": self.whole.isoformat() if self.whole else None,
            "token": self.token,
            "newest_ms": self.newest,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versions:
    """One page: what is told of it, and those versions that changed since the last poll."""

    messages: list[Message]
    versions: list[Reader]


def _message(now: datetime, type: str, document: dict[str, Any]) -> Message:
    return Message(received_at=now, document=document, type=type)


def _experiments(client: Client) -> Iterator[tuple[str, str]]:
    asked = {"max_results": PAGE}
    for one in _listed(client, "experiments", "experiments/search", asked, by_post=True):
        if one.text("experiment_id"):
            yield one.text("experiment_id"), one.text("name")


def _models(client: Client, told: _Cursor, now: datetime) -> Iterator[Page]:
    """Models that are not as they were told."""
    for page, _ in _pages(client, "registered_models", "registered-models/search", {"max_results": PAGE}):
        digests = {one.text("name"): _digest(one.value) for one in page}
        changed = [one for one in page if told.models.get(one.text("name")) != digests[one.text("name")]]
        told.models |= digests
        if changed:
            document = {"registered_models": [_without_versions(one.value) for one in changed]}
            yield Page(messages=[_message(now, REGISTERED_MODELS, document)], cursor=told.state)


def _version_pages(client: Client, told: _Cursor, now: datetime, experiments: list[str]) -> Iterator[_Versions]:
    """Versions that changed, the newest first; once a day all of them."""
    is_whole = told.whole is None or now - told.whole >= WHOLE_AFTER
    since = 0 if is_whole else told.updated
    asked = {"max_results": PAGE, "order_by": "last_updated_timestamp DESC"}
    for page, following in _pages(client, "model_versions", "model-versions/search", asked, token=told.token):
        found = [one for one in page if _changed_at(one) >= since]
        changed = [one for one in page if _changed_at(one) >= told.updated]
        # Those of the last moment are found again each time; alone they are no news.
        if since and all(_changed_at(one) == since for one in found):
            break
        told.newest = max(told.newest, *(_changed_at(one) for one in found))
        messages = [_message(now, MODEL_VERSIONS, {"model_versions": [one.value for one in found]})]
        for logged in _logged_models(client, changed, experiments):
            messages.append(_message(now, LOGGED_MODELS, {"models": logged}))
        yield _Versions(messages=messages, versions=changed)
        told.token = following
        if len(found) < len(page):
            break
    told.updated, told.token = told.newest, ""
    if is_whole:
        told.whole = now.astimezone(UTC)
    yield _Versions(messages=[], versions=[])


def _changed_at(one: Reader) -> int:
    return one.count("last_updated_timestamp") or one.count("creation_timestamp") or 0


def _logged_models(client: Client, versions: Iterable[Reader], experiments: list[str]) -> Iterator[list[Any]]:
    """The logged models that versions were registered from. Servers before MLflow 3 have none, and name none."""
    sources = dict.fromkeys(one.text("source") for one in versions)
    ids = [source.removeprefix("models:/") for source in sources if source.startswith("models:/m-")]
    for some in _some(ids, IDS):
        asked = {"experiment_ids": experiments, "filter": f"model_id IN ({_quoted(some)})", "max_results": IDS}
        for page, _ in _pages(client, "models", "logged-models/search", asked, by_post=True):
            yield [one.value for one in page]


def _runs(client: Client, experiments: Mapping[str, str], question: str, order: str) -> Iterator[list[Reader]]:
    if not experiments:
        return
    asked = {
        "experiment_ids": list(experiments),
        "filter": question,
        "order_by": [order],
        "max_results": IDS,
    }
    for page, _ in _pages(client, "runs", "runs/search", asked, by_post=True):
        yield page


def _of_runs(
    client: Client, context: Context, page: list[Reader], experiments: Mapping[str, str], now: datetime
) -> Message:
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
    return _message(now, RUNS, {"runs": runs})


def _histories(client: Client, context: Context, run: Reader) -> Iterator[tuple[str, list[Any]]]:
    has = {one.text("key") for one in run.items("data", "metrics")}
    for name in [one for one in context.options.histories if one in has][:MOST_HISTORIES]:
        asked = {"run_id": run.text("info", "run_id"), "metric_key": name, "max_results": PAGE}
        yield name, [one.value for one in _listed(client, "metrics", "metrics/get-history", asked)]


def _listed(
    client: Client, key: str, path: str, asked: Mapping[str, Any], *, by_post: bool = False
) -> Iterator[Reader]:
    for page, _ in _pages(client, key, path, asked, by_post=by_post):
        yield from page


def _pages(
    client: Client, key: str, path: str, asked: Mapping[str, Any], *, by_post: bool = False, token: str = ""
) -> Iterator[tuple[list[Reader], str]]:
    """Each page with the token of the one that follows it, empty for the last."""
    while True:
        question = {**asked, **({"page_token": token} if token else {})}
        answer = Reader(client.post(f"{API}/{path}", question) if by_post else client.get(f"{API}/{path}", question))
        page = [one for one in answer.items(key) if isinstance(one.value, dict)]
        last, token = token, answer.text("next_page_token")
        if page:
            yield page, token
        if not token or token == last:
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
