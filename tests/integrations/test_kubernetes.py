"""Objects are listed once, then watched, and listed again when the server has forgotten where the watch was."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from integrations.systems import kserve, kubernetes
from integrations.systems.base import NOTHING, Context, Message, Refused
from tests.integrations import replaying

PATH = "/apis/serving.kserve.io/v1beta1/inferenceservices"
CONTEXT = Context(namespace="kserve://cluster", options=kubernetes.KubernetesOptions())


class ApiServer:
    """Answers as the API server does, from what it is given, and remembers what it was asked."""

    def __init__(self, lists: list[Any], watch: list[Any] | None = None) -> None:
        self.lists, self.watch, self.asked = lists, watch or [], list[tuple[str, Any]]()

    def get(self, path: str, params: Mapping[str, Any] = NOTHING) -> Any:
        self.asked.append((path, dict(params)))
        return self.lists.pop(0)

    def post(self, path: str, document: Any) -> Any:
        raise AssertionError("Nothing is written.")

    def lines(self, path: str, document: Any) -> Iterator[Any]:
        self.asked.append((path, document))
        yield from self.watch


def item(name: str, version: str) -> dict[str, Any]:
    managers = [{"manager": "kubectl", "time": "2026-03-02T09:00:00Z", "fieldsV1": {"f:spec": {}}}]
    return {"metadata": {"name": name, "resourceVersion": version, "managedFields": managers}}


def listed(*items: Any, version: str = "100", following: str = "") -> dict[str, Any]:
    return {
        "kind": "InferenceServiceList",
        "metadata": {"resourceVersion": version, "continue": following},
        "items": list(items),
    }


def polled(server: ApiServer, cursor: Mapping[str, Any]) -> tuple[list[Message], Mapping[str, Any]]:
    assert kserve.SYSTEM.poll is not None
    pages = list(kserve.SYSTEM.poll(server, CONTEXT, cursor, replaying.RECEIVED_AT))
    return [message for page in pages for message in page.messages], pages[-1].cursor


def test_the_first_poll_lists_every_page() -> None:
    server = ApiServer([listed(item("a", "1"), following="more"), listed(item("b", "2"))])

    messages, cursor = polled(server, {})

    assert [one.type for one in messages] == ["InferenceService", "InferenceService"]
    assert [one.document["metadata"]["managedFields"] for one in messages] == [[{"time": "2026-03-02T09:00:00Z"}]] * 2
    assert cursor == {"versions": {PATH: "100"}}
    assert [one[1].get("continue") for one in server.asked] == [None, "more"]


def test_later_polls_watch_from_where_the_one_before_ended() -> None:
    changed = {"type": "MODIFIED", "object": item("a", "101") | {"kind": "InferenceService"}}
    bookmark = {"type": "BOOKMARK", "object": {"kind": "InferenceService", "metadata": {"resourceVersion": "150"}}}
    server = ApiServer([], [changed, bookmark])

    messages, cursor = polled(server, {"versions": {PATH: "100"}})

    assert [one.document["type"] for one in messages] == ["MODIFIED"]
    assert cursor == {"versions": {PATH: "150"}}
    assert "resourceVersion=100" in server.asked[0][0]


def test_when_the_server_forgot_the_state_everything_is_listed_again() -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
    server = ApiServer([listed(item("a", "200"), version="200")], [gone])

    messages, cursor = polled(server, {"versions": {PATH: "100"}})

    assert len(messages) == 1
    assert cursor == {"versions": {PATH: "200"}}


def test_another_error_of_a_watch_is_refused() -> None:
    server = ApiServer([], [{"type": "ERROR", "object": {"kind": "Status", "code": 500, "reason": "InternalError"}}])

    with pytest.raises(Refused, match="InternalError"):
        polled(server, {"versions": {PATH: "100"}})


def test_only_the_named_namespaces_are_read() -> None:
    server = ApiServer([listed(), listed()])
    options = kubernetes.KubernetesOptions(namespaces=("bank", "shop"))
    assert kserve.SYSTEM.poll is not None

    pages = kserve.SYSTEM.poll(server, Context(namespace="k", options=options), {}, replaying.RECEIVED_AT)

    assert [list(page.messages) for page in pages] == [[], []]
    assert [one[0].split("/")[-2] for one in server.asked] == ["bank", "shop"]
