"""Pachyderm: jobs of pipelines, with the commits of repositories that they read and wrote.

`pachctl --raw` writes names with underscores, the JSON gateway in camel case; both are read.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Type
from integrations.systems.base import Client, Context, Fact, Group, Mechanism, Message, Page, Refused, System, Tested
from integrations.systems.reading import Reader

JOB, COMMIT, PIPELINE = "job", "commit", "pipeline"
ENDS = {
    "JOB_SUCCESS": Type.COMPLETE,
    "JOB_FAILURE": Type.FAIL,
    "JOB_KILLED": Type.ABORT,
    "JOB_UNRUNNABLE": Type.ABORT,
}
PAGE = 200
MAX_FILE_BYTES = 200_000_000
MAX_DEPTH = 50
# Commits of these repositories tell of pipelines and logs, not of data. An ALIAS repeats a commit.
DATA = "user"
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def type_of(message: Message) -> str:
    said = Reader(message.document)
    if said.at("job"):
        return JOB
    if said.at("commit"):
        return COMMIT
    if said.at("pipeline"):
        return PIPELINE
    raise Refused("job", "is missing, and so is commit.")


def translate(message: Message, context: Context) -> Iterator[Event]:
    said = Reader(_spelt(message.document))
    yield from _job(said, context) if message.type == JOB else _commit(said, context)


def _spelt(value: Any, depth: int = 0) -> Any:
    """The same with all names spelt with underscores."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {
            _CAMEL.sub(lambda found: "_" + found[1].lower(), key): _spelt(one, depth + 1)
            for key, one in value.items()
            if isinstance(key, str)
        }
    return [_spelt(one, depth + 1) for one in value] if isinstance(value, list) else value


def _job(said: Reader, context: Context) -> Iterator[Event]:
    told = said.at("job", "pipeline")
    name = "/".join(part for part in (told.text("project", "name"), told.need("name")) if part)
    job = context.job(name).saying(
        jobType={"processingType": "BATCH", "integration": "PACHYDERM", "jobType": "PIPELINE"}
    )
    # One id is shared by all jobs of one change.
    run = openlineage.run_id(context.namespace, name, said.need("job", "id"))
    facets: dict[str, Mapping[str, Any]] = {"assay_run": {"trigger": "event"}}
    if image := said.text("details", "transform", "image"):
        facets["assay_environment"] = {"image": image}
    inputs = list(_inputs(said.at("details", "input"), context))
    began = said.time("started") or said.need_time("created")
    yield openlineage.of_run(Type.START, at=began, run=run, job=job, inputs=inputs, facets=facets)
    end = ENDS.get(said.text("state"))
    if end is None:
        return
    outputs = [_dataset(said.at("output_commit"), context)] if said.at("output_commit") else []
    yield openlineage.of_run(
        end,
        at=said.time("finished") or began,
        run=run,
        job=job,
        inputs=inputs,
        outputs=outputs if end is Type.COMPLETE else [],
        facets=facets,
    )


def _inputs(said: Reader, context: Context, depth: int = 0) -> Iterator[Dataset]:
    """Inputs may be nested: crossed, joined, united or grouped."""
    pfs = said.at("pfs")
    if pfs.text("repo") and pfs.text("repo_type") in {"", DATA}:
        name = f"{pfs.text('repo')}@{pfs.text('branch') or 'master'}"
        project = pfs.text("project")
        yield Dataset(context.namespace, f"{project}/{name}" if project else name).at(pfs.text("commit"))
    if depth < MAX_DEPTH:
        for kind in ("cross", "join", "union", "group"):
            for one in said.items(kind):
                yield from _inputs(one, context, depth + 1)


def _dataset(commit: Reader, context: Context) -> Dataset:
    branch = commit.at("branch")
    repository = branch.at("repo") if branch.at("repo") else commit.at("repo")
    name = f"{repository.need('name')}@{branch.text('name') or 'master'}"
    project = repository.text("project", "name")
    return Dataset(context.namespace, f"{project}/{name}" if project else name).at(commit.need("id"))


def _commit(said: Reader, context: Context) -> Iterator[Event]:
    repository = said.at("commit", "branch", "repo") or said.at("commit", "repo")
    if repository.text("type") not in {"", DATA} or said.text("origin", "kind") == "ALIAS":
        return
    finished = said.time("finished") or said.time("finishing")
    if finished is not None:
        yield openlineage.of_dataset(_dataset(said.at("commit"), context), at=finished)


def read_files(path: Path, received_at: datetime) -> Iterator[Message]:
    """What `pachctl list job --raw` or `list commit --raw` prints: documents one after another. Raises Refused."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise Refused("", f"{path.name} is larger than 200 MB.")
    decoder, text = json.JSONDecoder(), path.read_text(encoding="utf-8", errors="replace")
    place = 0
    while rest := text[place:].lstrip() if place < len(text) else "":
        place = len(text) - len(rest)
        try:
            document, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise Refused("", f"{path.name} is not JSON: {error}.") from None
        for one in document if isinstance(document, list) else [document]:
            message = Message(received_at=received_at, document=one)
            yield Message(received_at=received_at, document=one, type=type_of(message))


def poll(client: Client, context: Context, cursor: Mapping[str, Any], now: datetime) -> Iterator[Page]:
    """Jobs and commits, which come with the newest first, up to the oldest that was not over at the last poll."""
    said = Reader(dict(cursor))
    asked: list[tuple[str, str, dict[str, Any]]] = [
        (JOB, "/api/pps_v2.API/ListJob", {"details": True}),
    ]
    for line in client.lines("/api/pfs_v2.API/ListRepo", {"type": DATA}):
        repository = Reader(line).at("repo")
        if isinstance(repository.value, dict):
            asked.append((COMMIT, "/api/pfs_v2.API/ListCommit", {"repo": repository.value}))
    since = {key: one.time() for key, one in said.entries("since")}
    for type, path, question in asked:
        key = f"{type} {json.dumps(question, sort_keys=True)}"
        yield from _listed(client, now, type, path, question, key, since)


def _listed(
    client: Client,
    now: datetime,
    type: str,
    path: str,
    question: Mapping[str, Any],
    key: str,
    since: dict[str, datetime | None],
) -> Iterator[Page]:
    stop = since.get(key)
    newest = oldest_open = None
    messages: list[Message] = []
    for line in client.lines(path, dict(question)):
        one = Reader(_spelt(Reader(line).at("result").value or line))
        began = one.time("created") or one.time("started")
        if began is not None and stop is not None and began < stop:
            break
        is_over = one.text("state") in ENDS if type == JOB else bool(one.time("finished"))
        if began is not None:
            newest = max(newest or began, began)
            if not is_over:
                oldest_open = min(oldest_open or began, began)
        messages.append(Message(received_at=now, document=one.value, type=type))
    since[key] = oldest_open or newest or stop
    for start in range(0, len(messages) or 1, PAGE):
        is_last = start + PAGE >= len(messages)
        told = since if is_last else {**since, key: stop}
        cursor = {"since": {name: time.isoformat() for name, time in told.items() if time}}
        yield Page(messages=messages[start : start + PAGE], cursor=cursor)


SYSTEM = System(
    slug="pachyderm",
    title="Pachyderm",
    group=Group.DATA,
    mechanisms=(Mechanism.POLL, Mechanism.IMPORT),
    tested=Tested.REPLAY,
    handled={
        JOB: "a run of a pipeline, with the commits that it read and wrote",
        COMMIT: "a version of a repository's branch; aliases are none",
    },
    ignored={PIPELINE: "what a pipeline is made from is told by its jobs"},
    brings=frozenset({Fact.JOB, Fact.RUN, Fact.DATASET}),
    setup=(
        "Have the JSON gateway polled: its address, and as outgoing secret a token of a robot user in the header "
        "`authn-token`. Or import what `pachctl list job --raw` and `pachctl list commit REPO --raw` print."
    ),
    type_of=type_of,
    translate=translate,
    read_files=read_files,
    poll=poll,
)
