"""`assay policy` over files: what it says, and with which code it ends."""

import json
from pathlib import Path

import pytest

from tests.cli.test_the_exit_code_is_the_answer import GATE, answers, assay, document, server

POLICY = "policy: credit\n"
VALID = {"valid": True, "errors": [], "policy": "credit"}
WRONG = {"valid": False, "errors": [{"line": 3, "column": 5, "path": "rules[0].metrik", "message": "unknown field"}]}
CASE = {"name": "good", "line": 3, "problem": "", "state": "passed", "findings": []}
TESTED = {"passed": True, "errors_in": "", "errors": [], "cases": [CASE]}
CHANGE = {
    "promotion": "1",
    "model": "credit",
    "version": "7",
    "stage": "production",
    "requested_at": "2026-01-01T00:00:00Z",
    "was": "passed",
    "would": "blocked",
    "because": [
        {"policy": "credit", "check": "kpi", "outcome": "fail", "summary": "auc is 0.7: below 0.8.", "facts": "today"}
    ],
}
SIMULATED = {"simulated": 2, "truncated": True, "was": {}, "would": {}, "changes": [CHANGE], "from_today": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "credit.yaml").write_text(POLICY)
    (tmp_path / "credit.cases.yaml").write_text("cases: []")
    (tmp_path / "notes.txt").write_text("not a policy")
    return tmp_path


@pytest.mark.parametrize(
    ("verb", "answer", "code", "says"),
    [
        (["validate"], VALID, 0, "credit.yaml: valid"),
        (["validate"], WRONG, 1, "credit.yaml:3:5: rules[0].metrik: unknown field"),
        (["test"], TESTED, 0, "credit.cases.yaml:3: good: as expected"),
        (
            ["test"],
            TESTED | {"passed": False, "cases": [CASE | {"problem": "expected passed"}]},
            1,
            "good: expected passed",
        ),
        (
            ["test"],
            {"passed": False, "errors_in": "cases", "errors": WRONG["errors"], "cases": []},
            1,
            "cases.yaml:3:5: ",
        ),
        (["diff"], {"policy": "credit", "number": 2, "patch": "", "meaning": []}, 0, "no change"),
        (["diff"], {"policy": "credit", "number": 2, "patch": "+x\n", "meaning": ["Asks y."]}, 1, "  Asks y.\n+x"),
        (["diff"], {"policy": "credit", "number": None, "patch": "+x\n", "meaning": []}, 1, "a new policy"),
        (["simulate"], SIMULATED, 0, "2 promotions, and there were more: 1 would have been decided otherwise."),
        (["simulate"], SIMULATED, 0, "  credit, kpi: auc is 0.7: below 0.8. (by facts of today)"),
        (["publish"], WRONG, 1, "unknown field"),
        (["publish"], VALID | {"number": 4}, 0, "credit 4"),
    ],
)
def test_what_it_says_and_how_it_ends(
    verb: list[str], answer: dict[str, object], code: int, says: str, folder: Path
) -> None:
    with server(answers(answer)) as (url, asked):
        finished = assay("policy", *verb, str(folder), url=url)

    assert finished.returncode == code, finished.stderr
    assert says in finished.stdout
    assert len({path for _, path, _, _ in asked}) == len(asked)


def test_a_policy_without_cases_fails_only_when_cases_are_asked_for(folder: Path) -> None:
    (folder / "credit.cases.yaml").unlink()

    with server(answers(TESTED)) as (url, asked):
        without = assay("policy", "test", str(folder), url=url)
        required = assay("policy", "test", str(folder), "--require-cases", url=url)

    assert (without.returncode, required.returncode, asked) == (0, 1, [])


def test_json_is_the_documents_by_file(folder: Path) -> None:
    with server(answers(VALID)) as (url, _):
        finished = assay("policy", "validate", "--json", str(folder), url=url)

    assert json.loads(finished.stdout) == {str(folder / "credit.yaml"): VALID}


@pytest.mark.parametrize("path", ["nowhere.yaml", "."])
def test_nothing_to_look_at_is_wrong_usage(path: str, tmp_path: Path) -> None:
    with server(answers(VALID)) as (url, _):
        finished = assay("policy", "validate", str(tmp_path / path), url=url)

    assert finished.returncode == 64


def test_a_refusal_is_not_a_verdict_on_the_policy(folder: Path) -> None:
    with server(answers({"detail": "no"}, status=403)) as (url, _):
        finished = assay("policy", "validate", str(folder), url=url)

    assert finished.returncode == 3


def test_a_dry_run_asks_once_and_ends_like_a_verdict() -> None:
    with server(answers(document("blocked"))) as (url, asked):
        finished = assay(*GATE, "--dry-run", url=url)

    assert finished.returncode == 1
    ((method, path, headers, body),) = asked
    assert (method, path, json.loads(body)["dry_run"]) == ("POST", "/api/v1/promotions", True)
    assert "Idempotency-Key" not in headers
