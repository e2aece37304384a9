"""`assay waiver`, and what `assay gate` says of waivers and of who made the version."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_the_exit_code_is_the_answer import FINDING, GATE, answers, assay, document, server

PROMOTION = "11111111-1111-4111-8111-111111111111"
WAIVER: dict[str, Any] = {
    "id": "22222222-2222-4222-8222-222222222222",
    "state": "requested",
    "policy": "credit",
    "rule": "kpi:0123456789ab",
    "requested_by": "member",
    "decisions": [],
    "ends_at": "2027-01-31T18:00:00Z",
    "ticket": "RISK-1",
    "url": "https://assay.example/waivers/2",
}
ASK = ["waiver", "request", "--promotion", PROMOTION, "--rule", "kpi", "--reason", "Known.", "--ticket", "RISK-1"]


def test_a_request_says_what_and_until_when() -> None:
    with server(answers(WAIVER, status=201)) as (url, asked):
        finished = assay(*ASK, "--days", "14", url=url)

    assert finished.returncode == 0
    assert "requested, asked by member, until 2027-01-31T18:00:00Z (RISK-1)" in finished.stdout
    method, path, headers, body = asked[0]
    assert (method, path) == ("POST", "/api/v1/waivers")
    assert headers["Idempotency-Key"]
    sent = json.loads(body)
    assert {name: sent[name] for name in ("promotion", "rule", "scope")} == {
        "promotion": PROMOTION,
        "rule": "kpi",
        "scope": "version",
    }
    left = datetime.fromisoformat(sent["ends_at"]) - datetime.now(UTC)
    assert abs(left - timedelta(days=14)) < timedelta(minutes=1)


@pytest.mark.parametrize("verb", ["approve", "refuse", "revoke"])
def test_deciding_names_the_waiver(verb: str) -> None:
    with server(answers(WAIVER | {"state": verb})) as (url, asked):
        finished = assay("waiver", verb, WAIVER["id"], "--reason", "Because.", "--json", url=url)

    assert (finished.returncode, json.loads(finished.stdout)["state"]) == (0, verb)
    assert asked[0][1] == f"/api/v1/waivers/{WAIVER['id']}/{verb}"
    assert json.loads(asked[0][3]) == {"reason": "Because."}


def test_its_author_is_refused() -> None:
    says = {"detail": "Nobody approves a waiver that they asked for.", "code": "own_request", "fields": {}}
    with server(answers(says, status=403)) as (url, _):
        finished = assay("waiver", "approve", WAIVER["id"], url=url)

    assert finished.returncode == 3
    assert "Nobody approves" in finished.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        [*ASK],
        [*ASK, "--days", "0"],
        [*ASK, "--days", "367"],
        [*ASK, "--until", "2027-01-31T18:00:00"],
        [*ASK, "--days", "1", "--until", "2027-01-31T18:00:00Z"],
        ["waiver", "approve", "x"],
        ["waiver"],
    ],
)
def test_wrong_usage_is_64(wrong: list[str]) -> None:
    assert assay(*wrong, url="http://127.0.0.1:1").returncode == 64


def test_the_gate_tells_what_was_waived_by_whom_and_until_when() -> None:
    approved = {"user": "approver", "decision": "approve"}
    waiver = WAIVER | {"state": "approved", "decisions": [approved]}
    shown = document("passed", findings=[FINDING | {"waiver": WAIVER["id"]}], waivers=[waiver])
    with server(answers(shown)) as (url, _):
        finished = assay(*GATE, url=url)

    assert "Waived: asked by member, approved by approver, until 2027-01-31T18:00:00Z (RISK-1)" in finished.stdout
    assert FINDING["remedy"] not in finished.stdout


def test_a_gap_is_told() -> None:
    since = "2027-01-31T18:00:00Z"
    revoked = WAIVER | {"state": "revoked", "revoked_at": since}
    shown = document("passed", findings=[FINDING | {"waiver": WAIVER["id"]}], waivers=[revoked], uncovered_since=since)
    with server(answers(shown)) as (url, _):
        told = assay(*GATE, url=url).stdout

    assert f"no longer covered since {since}" in told
    assert f"Waived: asked by member, revoked {since} (RISK-1)" in told


def test_who_made_the_version_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> str:
        finished = subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return finished.stdout.strip()

    git("init", "-q")
    people = ["-c", "user.name=c", "-c", "user.email=committer@corp.example"]
    git(*people, "commit", "-q", "--allow-empty", "-m", "x", "--author", "A <author@corp.example>")
    monkeypatch.chdir(tmp_path)

    with server(answers(document("passed"))) as (url, asked):
        assay(*GATE, "--commit", git("rev-parse", "HEAD"), url=url, GITHUB_ACTOR="Member")
        assay(*GATE, "--commit", "f" * 40, url=url)

    assert json.loads(asked[0][3])["made_by"] == {
        "author": ["author@corp.example"],
        "committer": ["committer@corp.example"],
        "ci_actor": ["Member"],
    }
    assert "made_by" not in json.loads(asked[1][3])
