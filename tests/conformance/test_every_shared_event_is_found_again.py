"""What the real sample events say of fields, versions and column lineage is found again through the API.

Each folder is grown by itself and read as a client would. The events are walked here by a reader of their own, not by
the product's: from what was sent to what is answered, and nothing that was sent is left out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from governance.models import User
from governance.tokens import Scope
from lineage import events, identity
from tests import factories
from tests.conformance import shared_events
from tests.conformance.corpus import requires_corpus
from tests.lineage import growing

pytestmark = [pytest.mark.django_db, requires_corpus]
FOLDERS = shared_events.folders()
STATES = {"COMPLETE": "completed", "ABORT": "aborted", "FAIL": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one event says of one dataset."""

    where: str
    at: str
    run: str | None
    namespace: str
    name: str
    facets: dict[str, Any]
    is_output: bool

    @property
    def uuid(self) -> UUID:
        return identity.asset("dataset", self.namespace, self.name)

    @property
    def version(self) -> str | None:
        key = (self.facets.get("version") or {}).get("datasetVersion")
        return None if key is None else str(key)


@lru_cache
def said(folder: str) -> list[Said]:
    found = []
    for where, document in shared_events.documents(folder):
        listed = [(one, False) for one in document.get("inputs") or ()]
        listed += [(one, True) for one in document.get("outputs") or ()]
        listed += [(document["dataset"], False)] if "dataset" in document else []
        for one, is_output in listed:
            found.append(
                Said(
                    where=where,
                    at=document["eventTime"],
                    run=str(events.run_uuid(document["run"]["runId"])) if "run" in document else None,
                    namespace=one["namespace"],
                    name=one["name"],
                    facets=one.get("facets") or {},
                    is_output=is_output,
                )
            )
    return found


class Reader:
    """Asks the API, each question once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answers: dict[str, dict[str, Any]] = {}

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        key = json.dumps([path, query], default=str)
        if key not in self.answers:
            response = self.client.get(f"/api/v1/{path}", query)
            assert response.status_code == 200, (path, query, response.content)
            self.answers[key] = response.json()
        return self.answers[key]

    def fields(self, asset: UUID, **query: Any) -> list[dict[str, Any]]:
        answer = self.get(f"assets/{asset}/fields", limit=200, **query)
        found: list[dict[str, Any]] = list(answer["results"])
        while answer["next"]:
            answer = self.get(f"assets/{asset}/fields", limit=200, cursor=answer["next"], **query)
            found += answer["results"]
        return found


def schema(said: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, type and description of each field of a `schema` facet."""
    for one in said.get("fields") or ():
        yield prefix + one["name"], one.get("type") or "", one.get("description") or ""
        yield from schema(one, f"{prefix}{one['name']}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """That a field (none: every field) is made of another, or decided by it; and what was said of how."""

    target: str
    namespace: str
    name: str
    field: str
    relation: str
    transformations: frozenset[tuple[str, str, str, bool]]


def links(lineage: dict[str, Any]) -> Iterator[Link]:
    for target, told in (lineage.get("fields") or {}).items():
        older = told.get("transformationType"), told.get("transformationDescription")
        for one in told.get("inputFields") or ():
            yield from _links(one, target, "direct", older)
    for one in lineage.get("dataset") or ():
        yield from _links(one, "", "indirect", (None, None))


def _links(one: dict[str, Any], target: str, usual: str, older: tuple[str | None, str | None]) -> Iterator[Link]:
    how: dict[str, set[tuple[str, str, str, bool]]] = {}
    for told in one.get("transformations") or ():
        relation = "indirect" if told["type"] == "INDIRECT" else "direct"
        words = told["type"], told.get("subtype") or "", told.get("description") or "", bool(told.get("masking"))
        how.setdefault(relation, set()).add(words)
    if not how and any(older):
        word = older[0] or ""
        how["direct"] = {("DIRECT", word, older[1] or "", word == "MASKED")}
    for relation, said in (how or {usual: set()}).items():
        yield Link(
            target=target,
            namespace=one["namespace"],
            name=one["name"],
            field=one["field"],
            relation=relation,
            transformations=frozenset(said),
        )


def newest(told: list[tuple[str, str, dict[str, Any]]]) -> dict[str, list[Any]]:
    """Of facets as time, key and value: by key what may be found again, all that was said at the latest time."""
    found: dict[str, list[Any]] = {}
    for key in {key for _, key, _ in told}:
        latest = max(_moment(at) for at, other, _ in told if other == key)
        found[key] = [value for at, other, value in told if other == key and _moment(at) == latest]
    return found


def check_facets(reader: Reader, uuid: UUID, told: list[tuple[str, str, dict[str, Any]]]) -> None:
    answered = reader.get(f"assets/{uuid}")["facets"]
    for key, values in newest(told).items():
        assert answered[key]["value"] in values, (uuid, key)


def check_datasets_and_their_facets(folder: str, reader: Reader) -> None:
    told: dict[UUID, list[tuple[str, str, dict[str, Any]]]] = {}
    for one in said(folder):
        answer = reader.get(f"assets/{one.uuid}")
        assert (answer["namespace"], answer["name"]) == (one.namespace, one.name), one.where
        # A version changes with every run, and has a list of its own.
        told.setdefault(one.uuid, []).extend((one.at, key, v) for key, v in one.facets.items() if key != "version")
    for uuid, facets in told.items():
        check_facets(reader, uuid, facets)


def check_jobs_and_their_runs(folder: str, reader: Reader) -> None:
    told: dict[UUID, list[tuple[str, str, dict[str, Any]]]] = {}
    runs: dict[str, list[tuple[datetime, str, UUID]]] = {}
    for where, document in shared_events.documents(folder):
        if "job" not in document:
            continue
        job, at = document["job"], document["eventTime"]
        uuid = identity.asset("job", job["namespace"], job["name"])
        answer = reader.get(f"assets/{uuid}")
        assert (answer["namespace"], answer["name"]) == (job["namespace"], job["name"]), where
        told.setdefault(uuid, []).extend((at, key, value) for key, value in (job.get("facets") or {}).items())
        if "run" in document:
            run = str(events.run_uuid(document["run"]["runId"]))
            runs.setdefault(run, []).append((_moment(at), document.get("eventType") or "", uuid))
    for uuid, facets in told.items():
        check_facets(reader, uuid, facets)
    for run, heard in runs.items():
        job = max(heard)[2]
        found = {one["id"]: one for one in reader.get(f"assets/{job}/runs", limit=200)["results"]}[run]
        ends = sorted((at, STATES[kind]) for at, kind, _ in heard if kind in STATES)
        assert not ends or (_moment(found["ended_at"]), found["state"]) == ends[-1], run
        starts = [at for at, kind, _ in heard if kind == "START"]
        assert not starts or _moment(found["started_at"]) == min(starts), run


def check_fields_with_their_types(folder: str, reader: Reader) -> None:
    """The fields on the day of each event are those that it tells, and those that column lineage names beside them."""
    linked_of = named_in_lineage(folder)
    described = sorted((one for one in said(folder) if "schema" in one.facets), key=lambda one: _moment(one.at))
    # Senders repeat themselves: of the same schema the first and the last event are looked at.
    first = {(one.uuid, json.dumps(one.facets["schema"])): one for one in reversed(described)}
    last = {(one.uuid, json.dumps(one.facets["schema"])): one for one in described}
    for one in [*first.values(), *last.values()]:
        day = _with_offset(one.at)
        told = [other for other in described if other.uuid == one.uuid]
        facet = reader.get(f"assets/{one.uuid}", as_of=day)["facets"]["schema"]
        # Of a document that was seen before and after it is not known whether it was also seen last.
        may_be = [other for other in told if not facet["exact"] or _moment(other.at) == _moment(one.at)]
        linked = linked_of.get(one.uuid, set())
        found = {
            (field["name"], field["type"], field["description"])
            for field in reader.fields(one.uuid, as_of=day)
            if (field["type"] or field["description"] or field["name"] not in linked)
        }
        assert found in [
            {field for field in schema(other.facets["schema"]) if any(field[1:]) or field[0] not in linked}
            for other in may_be
        ], one.where


def named_in_lineage(folder: str) -> dict[UUID, set[str]]:
    """The fields of each dataset of which column lineage speaks, as a source or as what is made."""
    found: dict[UUID, set[str]] = {}
    for one in said(folder):
        for link in links(one.facets.get("columnLineage") or {}):
            found.setdefault(one.uuid, set()).add(link.target)
            found.setdefault(identity.asset("dataset", link.namespace, link.name), set()).add(link.field)
    return found


def check_versions(folder: str, reader: Reader) -> None:
    """Each version that a sender named, and one called after its run for each output without."""
    written: dict[tuple[UUID, str], set[str | None]] = {}
    pinned = {(one.uuid, one.run) for one in said(folder) if one.is_output and one.version}
    for one in said(folder):
        if one.version:
            writers = written.setdefault((one.uuid, one.version), set())
            writers |= {one.run} if one.is_output and one.run else set()
        elif one.is_output and one.run and (one.uuid, one.run) not in pinned:
            written.setdefault((one.uuid, f"run:{one.run}"), set()).add(one.run)
    for (uuid, key), writers in written.items():
        found = {version["key"]: version for version in reader.get(f"assets/{uuid}/versions", limit=200)["results"]}
        assert key in found, (uuid, key)
        assert found[key]["run"] in (writers or {None}), (uuid, key)
        assert found[key]["inferred"] == key.startswith("run:"), (uuid, key)


def check_column_lineage(folder: str, reader: Reader) -> None:
    told: dict[tuple[UUID, str, str, str, str, str], list[Link]] = {}
    for one in said(folder):
        for link in links(one.facets.get("columnLineage") or {}):
            place = one.uuid, link.target, link.namespace, link.name, link.field, link.relation
            told.setdefault(place, []).append(link)
    for place, sayings in told.items():
        uuid, target, namespace, name, field, relation = place
        query = {"asset": uuid, "level": "field", "direction": "upstream", "budget": 2000, "depth": 1}
        answer = reader.get("graph", **query, **({"field": target} if target else {}))
        nodes = {node["id"]: node for node in answer["nodes"]}
        edges = [
            edge
            for edge in answer["edges"]
            if (source := nodes[edge["source"]])
            and (source["namespace"], source["name"], source["field"]) == (namespace, name, field)
            and edge["relation"] == relation
            and (not target or nodes[edge["target"]]["field"] == target)
        ]
        assert edges, place
        answered = {
            (how["type"], how["subtype"], how["description"], how["masking"])
            for edge in edges
            for how in edge["transformations"]
        }
        assert frozenset().union(*(link.transformations for link in sayings)) <= answered, place
        is_masked = all(link.transformations and all(how[3] for how in link.transformations) for link in sayings)
        assert not target or {edge["masking"] for edge in edges} == {is_masked}, place
        listed = {
            (source["namespace"], source["name"], source["field"], "direct" if source["direct"] else "indirect")
            for one in reader.fields(uuid)
            if target in ("", one["name"])
            for source in one["sources"]
        }
        assert (namespace, name, field, relation) in listed, place


def check_names(folder: str, reader: Reader) -> None:
    for one in said(folder):
        for other in (one.facets.get("symlinks") or {}).get("identifiers") or ():
            if (other["namespace"], other["name"]) == (one.namespace, one.name):
                continue
            found = reader.get(f"assets/{one.uuid}/names")["results"]
            told = [(name["asset"]["namespace"], name["asset"]["name"], name["state"]) for name in found]
            assert (other["namespace"], other["name"], "told") in told, one.where


def check_tags(folder: str, reader: Reader) -> None:
    for one in said(folder):
        for tag in (one.facets.get("tags") or {}).get("tags") or ():
            answer = reader.get(f"assets/{one.uuid}/fields", limit=200)
            tags = answer["tags"]
            if tag.get("field"):
                tags = next(field["tags"] for field in answer["results"] if field["name"] == tag["field"])
            assert (tag["key"], tag["value"]) in [(found["key"], found["value"]) for found in tags], one.where


def check_each_run_with_its_own_inputs_and_outputs(folder: str, reader: Reader) -> None:
    """And each at the version that its sender named; of outputs without one that of the run, of inputs one inferred."""
    read: dict[str, set[tuple[UUID, str | None]]] = {}
    wrote: dict[str, set[tuple[UUID, str | None]]] = {}
    for _, document in shared_events.ran(folder):
        run = str(events.run_uuid(document["run"]["runId"]))
        read.setdefault(run, set())
        wrote.setdefault(run, set())
    for one in said(folder):
        if one.run is None:
            continue
        (wrote if one.is_output else read)[one.run].add((one.uuid, one.version))
        earlier = (one.facets.get("lifecycleStateChange") or {}).get("previousIdentifier")
        if earlier:
            read[one.run].add((identity.asset("dataset", earlier["namespace"], earlier["name"]), None))
    for run in read:
        answer = reader.get("graph", graph="evidence", run=run, depth=1, budget=2000)
        nodes = {node["id"]: node for node in answer["nodes"]}
        found_read = set()
        found_written = set()
        for edge in answer["edges"]:
            if edge["relation"] == "consumed" and edge["target"] == run:
                source = nodes[edge["source"]]
                found_read.add((UUID(source["asset"]), None if edge["inferred"] else source["version"]))
            if edge["relation"] == "produced" and edge["source"] == run:
                found_written.add((UUID(nodes[edge["target"]]["asset"]), nodes[edge["target"]]["version"]))
        assert found_read == named_once(read[run]), run
        assert found_written == {(uuid, key or f"run:{run}") for uuid, key in named_once(wrote[run])}, run


def named_once(listed: set[tuple[UUID, str | None]]) -> set[tuple[UUID, str | None]]:
    """What an event of the run names a version of is not also read or written without one."""
    named = {uuid for uuid, key in listed if key}
    return {(uuid, key) for uuid, key in listed if key or uuid not in named}


def _with_offset(at: str) -> str:
    """The API wants an offset; without one the product takes a time as UTC."""
    return at if at.endswith("Z") or "+" in at[10:] or "-" in at[10:] else f"{at}Z"


def _moment(at: str) -> datetime:
    return events.parse_time(_with_offset(at))


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_was_sent_is_found_again(folder: str, member: User) -> None:
    growing.append([document for _, document in shared_events.documents(folder)])
    growing.project()
    reader = Reader(factories.client(member, Scope.READ))

    check_datasets_and_their_facets(folder, reader)
    check_jobs_and_their_runs(folder, reader)
    check_fields_with_their_types(folder, reader)
    check_versions(folder, reader)
    check_column_lineage(folder, reader)
    check_tags(folder, reader)
    check_names(folder, reader)
    check_each_run_with_its_own_inputs_and_outputs(folder, reader)


def test_the_sample_holds_what_is_looked_for() -> None:
    """Otherwise the tests above would find nothing missing where nothing is."""
    every = [one for folder in FOLDERS for one in said(folder)]
    linked = [link for one in every for link in links(one.facets.get("columnLineage") or {})]

    assert sum("schema" in one.facets for one in every) > 200
    assert sum(one.version is not None for one in every) >= 3
    assert sum("symlinks" in one.facets for one in every) > 10
    assert {link.relation for link in linked} == {"direct", "indirect"}
    assert any(link.transformations for link in linked)
