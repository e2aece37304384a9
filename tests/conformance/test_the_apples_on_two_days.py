"""Marquez' apples: the pie of September and the pie of October are made of different things.

Eight runs. The jobs stay the same, their inputs change: in October the apples are crab apples and the filling has
sugar. What is answered must not depend on the order in which the events arrive.
"""

import json
import random
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from governance.models import User
from governance.tokens import Scope
from lineage import identity
from tests import factories
from tests.conformance.corpus import CORPUS, requires_corpus
from tests.lineage import growing

pytestmark = [pytest.mark.django_db, requires_corpus]
APPLES = CORPUS / "openlineage" / "events" / "marquez" / "apples"
SEPTEMBER, OCTOBER = "2020-09-03T23:59:59Z", "2020-10-16T23:59:59Z"
PIE_OF_SEPTEMBER = {
    "apple.pie",
    "prepare_apple_pie",
    "apple.filling",
    "prepare_apple_filling",
    "cinnamon",
    "apples",
} | {
    "gather_apples",
    "red.delicious",
}
ORDERS = ["as they happened", "backwards", 1, 2, 3]


def events() -> list[dict[str, Any]]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(APPLES.glob("*.json"))]
    assert len(found) == 8
    return sorted(found, key=lambda event: str(event["eventTime"]))


@pytest.fixture(params=ORDERS)
def reader(request: pytest.FixtureRequest, member: User) -> Client:
    """Reads the graph of all events, which arrived in one order or another, one at a time."""
    sent = events()
    if request.param == "backwards":
        sent.reverse()
    elif isinstance(request.param, int):
        random.Random(request.param).shuffle(sent)
    for event in sent:
        growing.append([event])
        growing.project()
    return factories.client(member, Scope.READ)


def dataset(name: str) -> UUID:
    [namespace] = {
        listed["namespace"]
        for event in events()
        for listed in (*event.get("inputs", ()), *event.get("outputs", ()))
        if listed["name"] == name
    }
    return identity.asset("dataset", namespace, name)


def names(reader: Client, asset: UUID, **query: Any) -> set[str]:
    asked: dict[str, Any] = {"asset": asset, "depth": 20} | query
    response = reader.get("/api/v1/graph", asked)
    assert response.status_code == 200, response.content
    assert not response.json()["truncated"]
    return {node["name"] for node in response.json()["nodes"]}


def test_upstream_of_the_pie_on_the_map(reader: Client) -> None:
    pie = dataset("apple.pie")

    assert names(reader, pie, direction="upstream", as_of=SEPTEMBER) == PIE_OF_SEPTEMBER
    assert names(reader, pie, direction="upstream", as_of=OCTOBER) == PIE_OF_SEPTEMBER | {"sugar", "crab.apples"}


def test_downstream_of_the_apples_on_the_map(reader: Client) -> None:
    apples = dataset("apples")
    pie = {"apples", "prepare_apple_filling", "apple.filling", "prepare_apple_pie", "apple.pie"}
    cider = {"prepare_apple_cider", "apple.cider"}

    assert names(reader, apples, direction="downstream", as_of=SEPTEMBER) == pie
    assert names(reader, apples, direction="downstream", as_of=OCTOBER) == pie | cider
    assert names(reader, apples, direction="downstream") == pie | cider | {"prepare_vinegar", "apple.vinegar"}


def test_versions_of_the_apples(reader: Client) -> None:
    def gathered(**query: str) -> list[str]:
        answer = reader.get(f"/api/v1/assets/{dataset('apples')}", query).json()
        return [version["run"] for version in answer["versions"]]

    red, crab = "fc57cd10-90ce-49aa-ac91-29d222d66fdf", "155dbf08-c4c5-43e6-bb3a-8095c4ba59b8"
    assert gathered(as_of=SEPTEMBER) == [red]
    assert gathered(as_of=OCTOBER) == [crab, red]


def evidence(reader: Client, name: str, **query: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"graph": "evidence", "asset": dataset(name), "depth": 20} | query
    response = reader.get("/api/v1/graph", asked)
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def test_each_pie_is_traced_to_its_own_apples(reader: Client) -> None:
    september = evidence(reader, "apple.pie", direction="upstream", as_of=SEPTEMBER)
    october = evidence(reader, "apple.pie", direction="upstream", as_of=OCTOBER)
    now = evidence(reader, "apple.pie", direction="upstream")

    assert {node["name"] for node in september["nodes"]} == PIE_OF_SEPTEMBER
    assert {node["name"] for node in october["nodes"]} == (PIE_OF_SEPTEMBER - {"red.delicious"}) | {
        "sugar",
        "crab.apples",
    }
    assert october["nodes"] == now["nodes"]
    assert all(edge["inferred"] == (edge["relation"] == "consumed") for edge in october["edges"])


def test_the_crab_apples_went_into_one_pie_and_the_red_ones_into_pie_and_vinegar(reader: Client) -> None:
    crab = evidence(reader, "apples", direction="downstream")
    red = evidence(reader, "apples", direction="downstream", as_of=SEPTEMBER)
    red_until_today = evidence(reader, "apples", direction="downstream", version=red["nodes"][0]["version"])

    def runs(answer: dict[str, Any]) -> list[tuple[str, str]]:
        return sorted((node["name"], node["at"][:10]) for node in answer["nodes"] if node["type"] == "run")

    assert runs(crab) == [("prepare_apple_filling", "2020-10-15"), ("prepare_apple_pie", "2020-10-16")]
    assert runs(red) == [("prepare_apple_filling", "2020-09-02"), ("prepare_apple_pie", "2020-09-03")]
    assert runs(red_until_today) == [
        ("prepare_apple_cider", "2020-09-29"),
        ("prepare_apple_filling", "2020-09-02"),
        ("prepare_apple_pie", "2020-09-03"),
        ("prepare_vinegar", "2020-10-28"),
    ]
