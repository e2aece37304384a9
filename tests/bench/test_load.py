"""The load generator against a real server on a real socket."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench import load


class Echo(BaseHTTPRequestHandler):
    """201 with the length of the body; other answers by path."""

    protocol_version = "HTTP/1.1"
    seen: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(body)  # type: ignore[attr-defined]
        if self.path == "/slow":
            time.sleep(0.05)
        if self.path == "/chunked":
            self.send_response(201)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (b"3\r\nabc\r\n", b"0\r\n\r\n"):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(0.01)
            return
        answer = b"x" * (len(body) if self.path != "/refuse" else 7)
        self.send_response(201 if self.path != "/refuse" else 400)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    listening.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield listening
    listening.shutdown()
    listening.server_close()


def address_of(server: ThreadingHTTPServer) -> load.Address:
    return load.Address("127.0.0.1", server.server_address[1])


def requests(server: ThreadingHTTPServer, path: str, count: int) -> list[bytes]:
    return [load.request(address_of(server), path, body=b"%d " % number * 1_000, token="t") for number in range(count)]


@pytest.mark.parametrize("path", ["/one", "/chunked"])
def test_every_request_is_sent_once_and_its_reply_read_whole(server: ThreadingHTTPServer, path: str) -> None:
    result = load.closed(address_of(server), requests(server, path, 40), connections=4).expect(201)

    assert result.completed == 40
    assert len(result.latencies) == 40
    assert result.acknowledged_at.keys() == set(range(40))
    assert sorted(server.seen) == sorted(b"%d " % number * 1_000 for number in range(40))  # type: ignore[attr-defined]


def test_it_stops_when_time_is_up(server: ThreadingHTTPServer) -> None:
    result = load.closed(address_of(server), requests(server, "/slow", 500), connections=2, seconds=0.3)

    assert 2 <= result.completed < 50
    assert 0.3 <= result.seconds < 1.0


def test_paced_requests_begin_when_they_are_due(server: ThreadingHTTPServer) -> None:
    result = load.paced(address_of(server), requests(server, "/one", 50), connections=4, per_second=100)

    assert 0.45 < result.seconds < 0.9


def test_paced_latency_counts_from_when_a_request_was_due(server: ThreadingHTTPServer) -> None:
    result = load.paced(address_of(server), requests(server, "/slow", 10), connections=1, per_second=1_000)

    # One connection answers 20 a second: the tenth waits for the nine before it.
    assert max(result.latencies) > 0.4


def test_a_refusal_is_told_with_its_text(server: ThreadingHTTPServer) -> None:
    result = load.closed(address_of(server), requests(server, "/refuse", 3), connections=1)

    with pytest.raises(load.LoadError, match=r"400: 3.*xxxxxxx"):
        result.expect(201)


def test_nothing_answered_is_no_success(server: ThreadingHTTPServer) -> None:
    with pytest.raises(load.LoadError, match="Nothing"):
        load.closed(address_of(server), [], connections=1).expect(201)
