"""`assay` against a real HTTP server that speaks the API's contract, and against ones that do not."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CLI = Path(__file__).resolve().parents[2] / "cli"
TOKEN = "assay_pat_secret-that-must-not-be-shown"
GATE = ["gate", "--model", "credit", "--version", "7", "--to", "production"]
FINDING = {
    "check": "kpi",
    "outcome": "fail",
    "summary": "auc is 0.7: below 0.8.",
    "remedy": "Improve the model.",
    "mode": "enforce",
}
Answer = tuple[int, dict[str, str], bytes]


def document(state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "11111111-1111-4111-8111-111111111111",
        "model": "credit",
        "version": "7",
        "stage": "production",
        "state": state,
        "findings": [FINDING],
        "approvals": [],
        "approvals_required": 1,
        "url": "https://assay.example/promotions/1",
    } | more


def answers(*said: Any, status: int = 200, headers: dict[str, str] | None = None) -> list[Answer]:
    return [(status, headers or {}, one if isinstance(one, bytes) else json.dumps(one).encode()) for one in said]


@contextmanager
def server(script: list[Answer]) -> Iterator[tuple[str, list[tuple[str, str, dict[str, str], bytes]]]]:
    """Gives each answer of the script once, the last one for ever; keeps what was asked."""
    asked: list[tuple[str, str, dict[str, str], bytes]] = []
    left = list(script)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, dict(self.headers), body))
            status, headers, content = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - names that the base class asks for

        def log_message(self, format: str, *arguments: Any) -> None:
            """Keep the test's output clean."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}", asked
    finally:
        running.shutdown()
        running.server_close()


def assay(
    *arguments: str, url: str | None = None, token: str | None = TOKEN, **more: str
) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "CI_"))}
    environment = {**kept, "PYTHONPATH": str(CLI), **more}
    if url is not None:
        environment["ASSAY_URL"] = url
    if token is not None:
        environment["ASSAY_TOKEN"] = token
    return subprocess.run(
        [sys.executable, "-m", "assay_cli", *arguments], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("state", "code"), [("passed", 0), ("blocked", 1), ("withdrawn", 1), ("waiting", 4), ("something new", 3)]
)
def test_each_state_has_its_code(state: str, code: int) -> None:
    with server(answers(document(state), status=201)) as (url, _):
        finished = assay(*GATE, "--no-wait", url=url)

    assert finished.returncode == code
    assert "auc is 0.7: below 0.8." in finished.stdout
    assert TOKEN not in finished.stdout + finished.stderr


def test_it_waits_until_the_checks_are_done() -> None:
    with server(answers(document("checking"), document("checking"), document("passed"))) as (url, asked):
        finished = assay(*GATE, url=url)

    assert finished.returncode == 0
    assert [method for method, *_ in asked] == ["POST", "GET", "GET"]
    assert "wait=30" in asked[1][1]


def test_time_is_up_while_checking_is_not_a_verdict() -> None:
    with server(answers(document("checking"))) as (url, _):
        assert assay(*GATE, "--timeout", "1", url=url).returncode == 3


def test_time_is_up_while_people_have_not_decided() -> None:
    with server(answers(document("waiting"))) as (url, _):
        finished = assay(*GATE, "--timeout", "1", url=url)

    assert finished.returncode == 4
    assert "Approvals: 0 of 1." in finished.stdout


def test_json_is_the_document_alone() -> None:
    with server(answers(document("passed"))) as (url, _):
        finished = assay(*GATE, "--json", url=url)

    assert json.loads(finished.stdout)["state"] == "passed"


def test_the_request_carries_what_ci_knows(tmp_path: Path) -> None:
    evidence = tmp_path / "holdout.csv"
    evidence.write_bytes(b"a,b\n")
    with server(answers(document("passed"))) as (url, asked):
        assay(*GATE, "--evidence", f"holdout={evidence}", url=url, GITHUB_SHA="abc", GITHUB_RUN_ID="9")
        assay(*GATE, "--evidence", f"holdout={evidence}", url=url, GITHUB_SHA="abc", GITHUB_RUN_ID="9")

    posted = [one for one in asked if one[0] == "POST"]
    body = json.loads(posted[0][3])
    assert body["commit"] == "abc"
    assert len(body["evidence"]["holdout"]) == 64
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in posted]
    assert keys[0] == keys[1]
    assert {headers["Authorization"] for _, _, headers, _ in asked} == {f"Bearer {TOKEN}"}


def test_a_file_is_sent_only_when_the_server_lacks_it(tmp_path: Path) -> None:
    evidence = tmp_path / "holdout.csv"
    evidence.write_bytes(b"a,b\n1,2\n")
    digest = hashlib.sha256(evidence.read_bytes()).hexdigest()
    missing = answers({"detail": "unknown"}, status=404)
    with server([*missing, *answers({}, status=201), *answers(document("passed"))]) as (url, asked):
        assert assay(*GATE, "--evidence", f"holdout={evidence}", url=url).returncode == 0
    with server(answers({"digest": digest}, document("passed"))) as (url, asked_again):
        assert assay(*GATE, "--evidence", f"holdout={evidence}", url=url).returncode == 0

    methods = ["GET", "PUT", "POST"]
    assert [one[0] for one in asked] == methods
    assert {one[1] for one in asked[:2]} == {f"/api/v1/evidence/{digest}"}
    assert asked[1][3] == evidence.read_bytes()
    assert [one[0] for one in asked_again] == ["GET", "POST"]


def test_a_file_that_the_server_refuses_is_no_verdict(tmp_path: Path) -> None:
    evidence = tmp_path / "holdout.csv"
    evidence.write_bytes(b"a")
    refusals = [*answers({"detail": "unknown"}, status=404), *answers({"detail": "too large"}, status=413)]
    with server(refusals) as (url, asked):
        finished = assay(*GATE, "--evidence", f"holdout={evidence}", url=url)

    assert finished.returncode == 3
    assert "too large" in finished.stderr
    assert [one[0] for one in asked] == ["GET", "PUT"]


def test_a_passing_trouble_is_waited_out() -> None:
    busy = answers({"detail": "busy"}, status=503, headers={"Retry-After": "1"})
    with server(busy + answers(document("passed"))) as (url, asked):
        assert assay(*GATE, url=url).returncode == 0

    assert len(asked) == 2


def test_trouble_that_lasts_ends_with_3() -> None:
    with server(answers({"detail": "busy"}, status=503)) as (url, _):
        assert assay(*GATE, "--timeout", "1", url=url).returncode == 3


def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        finished = assay(*GATE, "--timeout", "1", url=f"http://127.0.0.1:{held.getsockname()[1]}")

    assert finished.returncode == 3
    assert "does not answer" in finished.stderr


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (answers(b"<html>a proxy</html>"), "no JSON"),
        (answers(b"[1]"), "no JSON"),
        (answers({"detail": "oops"}, status=500), "failed with 500"),
        (answers(b"", status=301, headers={"Location": "https://elsewhere.example/"}), "sends us on"),
        (answers(b"", status=307, headers={"Location": "https://elsewhere.example/"}), "sends us on"),
    ],
)
def test_an_answer_that_is_none_ends_with_3(script: list[Answer], said: str) -> None:
    with server(script) as (url, asked):
        finished = assay(*GATE, url=url)

    assert finished.returncode == 3
    assert said in finished.stderr
    assert len(asked) == 1


@pytest.mark.parametrize(("status", "code"), [(401, 3), (403, 3), (404, 3), (409, 3), (400, 64), (422, 64)])
def test_a_refusal_is_told_and_is_no_verdict(status: int, code: int) -> None:
    problem = {"detail": "No event has named a model 'credit'.", "fields": {"model": "unknown"}}
    with server(answers(problem, status=status)) as (url, _):
        finished = assay(*GATE, url=url)

    assert finished.returncode == code
    assert "No event has named a model 'credit'." in finished.stderr
    assert "model: unknown" in finished.stderr


@pytest.mark.parametrize(
    "call",
    [
        lambda: assay(url="http://localhost"),
        lambda: assay("gate", "--model", "m", url="http://localhost"),
        lambda: assay(*GATE, "--timeout", "soon", url="http://localhost"),
        lambda: assay(*GATE, "--timeout", "-1", url="http://localhost"),
        lambda: assay(*GATE, "--evidence", "holdout", url="http://localhost"),
        lambda: assay(*GATE, "--evidence", "holdout=/no/such/file", url="http://localhost"),
        lambda: assay(*GATE, "--token-file", "/no/such/file", url="http://localhost"),
        lambda: assay(*GATE, token=None, url="http://localhost"),
        lambda: assay(*GATE, token="two words", url="http://localhost"),
        lambda: assay(*GATE, url="localhost:8000"),
        lambda: assay(*GATE, url="ftp://localhost"),
        lambda: assay(*GATE),
    ],
)
def test_wrong_usage_ends_with_64(call: Callable[[], subprocess.CompletedProcess[str]]) -> None:
    finished = call()

    assert finished.returncode == 64
    assert finished.stderr


def test_login_check_says_who() -> None:
    who = {"user": "ci", "scopes": ["promotions:write"], "expires_at": "2027-01-01T00:00:00Z"}
    with server(answers(who)) as (url, _):
        finished = assay("login-check", url=url)

    assert finished.returncode == 0
    assert "ci, scopes promotions:write" in finished.stdout


def test_a_pipe_without_unicode_is_no_error() -> None:
    with server(answers(document("blocked"))) as (url, _):
        finished = assay(*GATE, url=url, PYTHONIOENCODING="ascii")

    assert finished.returncode == 1
    assert "x fail" in finished.stdout
