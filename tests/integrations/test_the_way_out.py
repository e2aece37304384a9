"""Requests of ours go to allowed addresses only, are bounded, and are tried again when that may help."""

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from integrations import addresses, edge
from integrations.authentication import Auth
from integrations.edge import Edge, Unreachable
from integrations.notices import Request
from integrations.systems.base import Refused
from tests.integrations import answering
from tests.integrations.answering import Asked, Reply, said

LOOPBACK = [ip_network("127.0.0.1")]


@pytest.fixture(autouse=True)
def quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTGOING_NETWORKS = LOOPBACK
    monkeypatch.setattr(edge, "BACK_OFF_S", 0.0)


@pytest.mark.parametrize(
    "inside",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
    ],
)
def test_addresses_inside_are_refused_unless_named(inside: str) -> None:
    address = ip_address(inside)

    assert not addresses.may_connect(address, [])
    assert addresses.may_connect(ip_address("10.1.2.3"), [ip_network("10.0.0.0/8")])


def test_where_clouds_hand_out_credentials_has_to_be_named_alone() -> None:
    metadata = ip_address("169.254.169.254")

    assert not addresses.may_connect(metadata, [ip_network("0.0.0.0/0")])
    assert addresses.may_connect(metadata, [ip_network("169.254.169.254")])
    assert addresses.may_connect(ip_address("93.184.215.14"), [])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_a_name_of_an_address_inside_is_not_connected_to(settings: Any, host: str) -> None:
    settings.OUTGOING_NETWORKS = []
    with answering.serving(lambda asked: said({})) as server, Edge(server.address.replace("127.0.0.1", host)) as out:
        with pytest.raises((Refused, Unreachable)):
            out.get("x")
        assert server.asked == []


def test_a_name_that_turns_inward_is_not_followed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTGOING_NETWORKS = []
    inward = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: inward)

    with Edge("http://public.example") as out, pytest.raises(Refused, match="ASSAY_OUTGOING_NETWORKS"):
        out.get("x")


def test_a_redirect_is_not_followed() -> None:
    reply: Reply = (302, b"", {"Location": "http://169.254.169.254/"})
    with (
        answering.serving(lambda asked: reply) as server,
        Edge(server.address) as out,
        pytest.raises(Refused, match="redirect"),
    ):
        out.get("x")


def test_what_may_pass_is_tried_again_and_what_will_not_is_told() -> None:
    statuses = iter([503, 429, 200, 404, 500, 500, 500, 500])

    def answer(asked: Asked) -> Reply:
        return said({"a": 1}, next(statuses), Retry_After="0")

    with answering.serving(answer) as server, Edge(server.address) as out:
        assert out.get("x", {"q": ["1", "2"], "empty": ""}) == {"a": 1}
        assert server.asked[0].path == "/x?q=1&q=2&empty="
        with pytest.raises(Refused, match="404"):
            out.post("x", {})
        with pytest.raises(Unreachable, match="500"):
            out.get("x")
        assert len(server.asked) == 8


def test_answers_are_bounded_and_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "MAX_LINE_BYTES", 1_000)
    bodies = iter([b"<html>", b'{"a": 1}\n{"b":', b'{"a": "' + b"x" * 300_000 + b'"}'])
    with answering.serving(lambda asked: (200, next(bodies), {})) as server, Edge(server.address) as out:
        with pytest.raises(Refused, match="not JSON"):
            out.get("x")
        lines = out.lines("x", {})
        assert next(lines) == {"a": 1}
        with pytest.raises(Refused):
            next(lines)
        with pytest.raises(Refused, match="larger"):
            out.fetch(1_000)


def test_credentials_go_to_the_connections_own_origin_alone() -> None:
    auth = Auth(kind="header", header="authn-token", headers={"X-Scope-OrgID": "credit"})
    with answering.serving(lambda asked: said({})) as server, Edge(server.address, auth=auth, secret="s3cret") as out:
        out.send(Request(method="POST", path=f"{server.address}/answer", document={"a": 1}))
        with pytest.raises(Refused, match="is not where"):
            out.send(Request(method="POST", path="http://other.example/answer", document={}))

        (asked,) = server.asked
        assert (asked.method, asked.path, asked.body) == ("POST", "/answer", b'{"a":1}')
        assert (asked.headers["authn-token"], asked.headers["x-scope-orgid"]) == ("s3cret", "credit")


def test_nobody_there_is_told_without_the_secret() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with Edge(address, auth=Auth(kind="bearer"), secret="s3cret") as out, pytest.raises(Unreachable) as refusal:
            out.get("x")
    assert "s3cret" not in refusal.value.message
