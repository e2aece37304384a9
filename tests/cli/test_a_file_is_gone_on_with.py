"""A connection that breaks while evidence is sent costs the rest of the file, not the whole."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.test_the_exit_code_is_the_answer import GATE, assay, document

WHOLE = bytes(range(256)) * 4_000
BROKE_OFF_AT = 300_000


class Keeper(BaseHTTPRequestHandler):
    """Breaks the first sending off, and tells afterwards how much has come."""

    kept = b""
    ranges: list[str | None]
    asked: list[bytes]

    def do_GET(self) -> None:
        self.say(404, {"detail": "unknown"})

    def do_HEAD(self) -> None:
        self.send_response(200 if type(self).kept else 404)
        self.send_header("Upload-Offset", str(len(type(self).kept)))
        self.end_headers()

    def do_PUT(self) -> None:
        type(self).ranges.append(self.headers["Content-Range"])
        if len(type(self).ranges) == 1:
            type(self).kept = self.rfile.read(BROKE_OFF_AT)
            self.connection.close()
            return
        type(self).kept += self.rfile.read(int(self.headers["Content-Length"]))
        self.say(201, {})

    def do_POST(self) -> None:
        type(self).asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.say(201, document("passed"))

    def say(self, status: int, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def keeper() -> Iterator[str]:
    Keeper.kept, Keeper.ranges, Keeper.asked = b"", [], []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_the_rest_is_sent(keeper: str, tmp_path: Path) -> None:
    (tmp_path / "holdout.csv").write_bytes(WHOLE)

    finished = assay(*GATE, "--evidence", f"holdout={tmp_path / 'holdout.csv'}", url=keeper)

    assert finished.returncode == 0, finished.stderr
    assert Keeper.ranges == [None, f"bytes {BROKE_OFF_AT}-{len(WHOLE) - 1}/{len(WHOLE)}"]
    assert hashlib.sha256(Keeper.kept).digest() == hashlib.sha256(WHOLE).digest()


def test_a_table_by_reference_is_named_and_not_sent(keeper: str) -> None:
    finished = assay(*GATE, "--evidence", "holdout=table:warehouse/credit.holdout", url=keeper)

    assert finished.returncode == 0, finished.stderr
    assert Keeper.ranges == []
    assert json.loads(Keeper.asked[0])["evidence"] == {"holdout": "table:warehouse/credit.holdout"}
