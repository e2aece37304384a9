"""What the real sample events say of fields, versions and column lineage is found again through the API.

Each folder is grown by itself, since senders' examples share names and run ids, and read as a client would. The events
are walked here by a reader of their own, not by the product's.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from governance.models import User
from governance.tokens import Scope
from lineage import events, identity
from tests import factories
from tests.conformance.corpus import CORPUS, requires_corpus
from tests.lineage import growing

pytestmark = [pytest.mark.django_db, requires_corpus]
EVENTS = CORPUS / "openlineage" / "events"
FOLDERS = sorted(
    {path.parent.relative_to(EVENTS).as_posix() for path in EVENTS.rglob("*.json*") if "invalid" not in path.parts}
)
# What the placeholders of one file stand for: a run begins at noon and lasts as many minutes as it says.
PLACEHOLDERS = {
    "{{RUN_START_TIME}}": "2026-03-01T12:00:00Z",
    # The password of an address, which the product never keeps.
    "food_delivery:food_delivery@": "food_delivery:***@",
} | {f"{{{{RUN_END_TIME_AFTER_{n}_MINUTES}}}}": f"2026-03-01T12:{n:02}:00Z" for n in range(60)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one event says of one dataset."""

    where: str
    at: str
    namespace: str
    name: str
    facets: dict[str, Any]
    is_run: bool
    is_output: bool

    @property
    def uuid(self) -> UUID:
        return identity.asset("dataset", self.namespace, self.name)


def documents(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((EVENTS / folder).glob("*.json*")):
        text = path.read_text(encoding="utf-8")
        for placeholder, time in PLACEHOLDERS.items():
            text = text.replace(placeholder, time)
        parts = [json.loads(line) for line in text.splitlines() if line.strip()] if path.suffix == ".jsonl" else None
        whole = parts if parts is not None else json.loads(text)
        for number, document in enumerate(whole if isinstance(whole, list) else [whole]):
            yield f"{Path(path).name} {number}", document


def said(folder: str) -> list[Said]:
    found = []
    for where, document in documents(folder):
        listed = [(one, False) for one in document.get("inputs") or ()]
        listed += [(one, True) for one in document.get("outputs") or ()]
        listed += [(document["dataset"], False)] if "dataset" in document else []
        for one, is_output in listed:
            found.append(
                Said(
                    where=where,
                    at=document["eventTime"],
                    namespace=one["namespace"],
                    name=one["name"],
                    facets=one.get("facets") or {},
                    is_run="run" in document,
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


def paths(fields: list[dict[str, Any]], prefix: str = "") -> Iterator[tuple[str, str]]:
    for one in fields:
        yield prefix + one["name"], one.get("type") or ""
        yield from paths(one.get("fields") or [], f"{prefix}{one['name']}.")


def sources(lineage: dict[str, Any]) -> Iterator[tuple[str, str, str, str, set[tuple[str, str, str, bool]]]]:
    """Target field ("" for all), and of each input field its dataset, name and transformations."""
    for target, told in (lineage.get("fields") or {}).items():
        for one in told.get("inputFields") or ():
            how = {
                (t["type"], t.get("subtype") or "", t.get("description") or "", bool(t.get("masking")))
                for t in one.get("transformations") or ()
            }
            yield target, one["namespace"], one["name"], one["field"], how
    for one in lineage.get("dataset") or ():
        how = {
            (t["type"], t.get("subtype") or "", t.get("description") or "", bool(t.get("masking")))
            for t in one.get("transformations") or ()
        }
        yield "", one["namespace"], one["name"], one["field"], how


def check_datasets_and_their_facets(folder: str, reader: Reader) -> None:
    newest: dict[tuple[UUID, str], tuple[str, Any]] = {}
    for one in said(folder):
        answer = reader.get(f"assets/{one.uuid}")
        assert (answer["namespace"], answer["name"]) == (one.namespace, one.name), one.where
        for key, value in one.facets.items():
            if key != "version":
                newest[one.uuid, key] = max(
                    newest.get((one.uuid, key), ("", None)), (one.at, value), key=lambda s: s[0]
                )
    for (uuid, key), (at, value) in newest.items():
        others = [one for one in said(folder) if one.uuid == uuid and one.at == at and key in one.facets]
        assert reader.get(f"assets/{uuid}")["facets"][key]["value"] in [one.facets[key] for one in others], (key, value)


def check_fields_with_their_types(folder: str, reader: Reader) -> None:
    for one in said(folder):
        schema = one.facets.get("schema") or {}
        if not schema.get("fields"):
            continue
        then = {field["name"]: field["type"] for field in reader.fields(one.uuid, as_of=_with_offset(one.at))}
        alike = [other for other in said(folder) if other.uuid == one.uuid and "schema" in other.facets]
        if all(other.facets["schema"].get("fields") == schema["fields"] for other in alike):
            expected = dict(paths(schema["fields"]))
            assert {name: then.get(name) for name in expected} == expected, one.where


def check_versions(folder: str, reader: Reader) -> None:
    for one in said(folder):
        key = (one.facets.get("version") or {}).get("datasetVersion")
        if key is not None:
            found = {version["key"] for version in reader.get(f"assets/{one.uuid}/versions", limit=200)["results"]}
            assert str(key) in found, one.where


def check_column_lineage(folder: str, reader: Reader) -> None:
    for one in said(folder):
        for target, namespace, name, field, how in sources(one.facets.get("columnLineage") or {}):
            query = {"asset": one.uuid, "level": "field", "direction": "upstream", "budget": 2000, "depth": 1}
            answer = reader.get("graph", **query, **({"field": target} if target else {}))
            nodes = {node["id"]: node for node in answer["nodes"]}
            edges = [
                edge
                for edge in answer["edges"]
                if (source := nodes[edge["source"]])
                and (source["namespace"], source["name"], source["field"]) == (namespace, name, field)
                and (not target or nodes[edge["target"]]["field"] == target)
            ]
            assert edges, (one.where, target, name, field)
            told = {
                (t["type"], t["subtype"], t["description"], t["masking"])
                for edge in edges
                for t in edge["transformations"]
            }
            assert how <= told, (one.where, target, name, field)


def check_tags(folder: str, reader: Reader) -> None:
    for one in said(folder):
        for tag in (one.facets.get("tags") or {}).get("tags") or ():
            answer = reader.get(f"assets/{one.uuid}/fields", limit=200)
            tags = answer["tags"]
            if tag.get("field"):
                tags = next(field["tags"] for field in answer["results"] if field["name"] == tag["field"])
            assert (tag["key"], tag["value"]) in [(found["key"], found["value"]) for found in tags], one.where


def check_each_run_with_its_own_inputs_and_outputs(folder: str, reader: Reader) -> None:
    expected: dict[str, dict[str, set[UUID]]] = {}
    for _, document in documents(folder):
        if "run" not in document:
            continue
        run = str(events.run_uuid(document["run"]["runId"]))
        listed = expected.setdefault(run, {"consumed": set(), "produced": set()})
        for direction, relation in (("inputs", "consumed"), ("outputs", "produced")):
            for one in document.get(direction) or ():
                listed[relation].add(identity.asset("dataset", one["namespace"], one["name"]))
    for run, listed in expected.items():
        answer = reader.get("graph", graph="evidence", run=run, depth=1, budget=2000)
        assets = {node["id"]: UUID(node["asset"]) for node in answer["nodes"]}
        found: dict[str, set[UUID]] = {"consumed": set(), "produced": set()}
        for edge in answer["edges"]:
            if edge["relation"] == "consumed" and edge["target"] == run:
                found["consumed"].add(assets[edge["source"]])
            if edge["relation"] == "produced" and edge["source"] == run:
                found["produced"].add(assets[edge["target"]])
        assert found == listed, run


def _with_offset(at: str) -> str:
    """The API wants an offset; without one the product takes a time as UTC."""
    return at if at.endswith("Z") or "+" in at[10:] or "-" in at[10:] else f"{at}Z"


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_was_sent_is_found_again(folder: str, member: User) -> None:
    growing.append([document for _, document in documents(folder)])
    growing.project()
    reader = Reader(factories.client(member, Scope.READ))

    check_datasets_and_their_facets(folder, reader)
    check_fields_with_their_types(folder, reader)
    check_versions(folder, reader)
    check_column_lineage(folder, reader)
    check_tags(folder, reader)
    check_each_run_with_its_own_inputs_and_outputs(folder, reader)


def test_the_sample_holds_what_is_looked_for() -> None:
    """Otherwise the tests above would find nothing missing where nothing is."""
    every = [one for folder in FOLDERS for one in said(folder)]

    assert sum("columnLineage" in one.facets for one in every) > 5
    assert sum("schema" in one.facets for one in every) > 30
