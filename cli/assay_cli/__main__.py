"""`assay gate`, `assay waiver` and `assay login-check`."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from assay_cli import console, makers, policy, report, server, waiver
from assay_cli.console import BLOCKED, CANNOT_EVALUATE, PASSED, USAGE, WAITING, Parser

STATES = {"passed": PASSED, "blocked": BLOCKED, "withdrawn": BLOCKED, "waiting": WAITING, "checking": CANNOT_EVALUATE}
# Where CI systems say which commit and which run this is.
COMMIT_VARIABLES = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "GIT_COMMIT",
    "BUILD_SOURCEVERSION",
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
)
RUN_VARIABLES = ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILD_TAG", "BUILD_BUILDID", "CIRCLE_WORKFLOW_ID")
LONGEST_POLL_S = 30
# While people decide, asking more often than this tells nobody anything.
APPROVAL_POLL_S = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except server.OutOfReach as error:
        console.fail(CANNOT_EVALUATE, f"{error}.")
    except server.Refused as error:
        named = "".join(f"\n  {field}: {says}" for field, says in error.fields.items())
        # A request that is refused is no verdict: 404 and 401 must not read as "blocked".
        console.fail(
            USAGE if error.status in {400, 422} else CANNOT_EVALUATE,
            f"refused ({error.status}): {error.message}{named}",
        )
    except KeyboardInterrupt:
        console.fail(CANNOT_EVALUATE, "interrupted.")
    return code


def run() -> NoReturn:
    raise SystemExit(main())


def parser() -> argparse.ArgumentParser:
    shared = Parser(add_help=False)
    shared.add_argument("--url", default=os.environ.get("ASSAY_URL"), help="the server (default: ASSAY_URL)")
    shared.add_argument("--token-file", type=Path, help="a file with the API token (default: the variable ASSAY_TOKEN)")
    shared.add_argument("--json", action="store_true", help="print the server's document instead of text")
    shared.add_argument("--timeout", type=console.seconds, default=600.0, help="seconds to wait in all (default: 600)")
    top = Parser(prog="assay", description="Ask an Assay server whether a model version may go live.")
    commands = top.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    gate = commands.add_parser("gate", parents=[shared], help="ask for a promotion and wait for its verdict")
    gate.set_defaults(command=ask_gate)
    gate.add_argument("--model", required=True, help="the model's name in its registry")
    gate.add_argument("--version", required=True, help="the version in its registry")
    gate.add_argument("--to", required=True, metavar="STAGE", help="the stage it is to reach, such as production")
    gate.add_argument("--namespace", help="the registry, when several have a model of this name")
    gate.add_argument("--commit", help="the commit it is built from (default: what CI or git says)")
    gate.add_argument("--note", help="a word for those who approve")
    gate.add_argument(
        "--evidence",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a file that policies may ask for, or table:connection/schema.table; may be repeated",
    )
    gate.add_argument("--idempotency-key", help="asking twice with one key asks once (default: from the CI run)")
    gate.add_argument(
        "--no-wait", action="store_true", help="do not wait for people: 4 as soon as approvals are missing"
    )
    gate.add_argument(
        "--dry-run", action="store_true", help="say what it would come to, without asking for it; writes nothing"
    )
    waiver.add(commands, shared)
    policy.add(commands, shared)
    check = commands.add_parser("login-check", parents=[shared], help="say whose token this is and what it may do")
    check.set_defaults(command=check_login)
    return top


def check_login(options: argparse.Namespace) -> int:
    who = console.connect(options).get("whoami")
    if options.json:
        print(json.dumps(who))
    else:
        print(f"{who.get('user')}, scopes {', '.join(who.get('scopes') or [])}, until {who.get('expires_at')}")
    return PASSED


def ask_gate(options: argparse.Namespace) -> int:
    files = dict(map(evidence, options.evidence))
    body = promotion(options, files)
    service = console.connect(options)
    for file, digest in files.values():
        if file is not None:
            service.send_file(digest, file)
    if options.dry_run:
        decided = service.ask("promotions", body | {"dry_run": True})
    else:
        asked = service.post("promotions", body, idempotency_key=options.idempotency_key or key(body))
        decided = follow(service, asked, wait_for_people=not options.no_wait)
    if options.json:
        print(json.dumps(decided))
    else:
        out = sys.stdout
        colour = out.isatty() and "NO_COLOR" not in os.environ
        unicode = (out.encoding or "").lower().replace("-", "") == "utf8"
        print("\n".join(report.lines(decided, colour=colour, unicode=unicode)))
    # A state that this version does not know is no pass.
    return STATES.get(str(decided.get("state")), CANNOT_EVALUATE)


def promotion(options: argparse.Namespace, files: dict[str, tuple[Path | None, str]]) -> dict[str, Any]:
    body: dict[str, Any] = {"model": options.model, "version": options.version, "stage": options.to}
    for name in ("namespace", "note"):
        if getattr(options, name):
            body[name] = getattr(options, name)
    if commit := options.commit or current_commit():
        body["commit"] = commit
    if made_by := makers.told(commit):
        body["made_by"] = made_by
    if files:
        body["evidence"] = {name: digest for name, (_, digest) in files.items()}
    return body


def evidence(text: str) -> tuple[str, tuple[Path | None, str]]:
    """A file by its name: where it lies and its SHA-256. Of a table by reference, the reference and no file."""
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        console.fail(USAGE, f"--evidence {text!r} is not NAME=FILE.")
    if path.startswith("table:"):
        return name, (None, path)
    try:
        with Path(path).open("rb") as file:
            return name, (Path(path), hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        console.fail(USAGE, f"the evidence {name!r} cannot be read: {error}")


def current_commit() -> str | None:
    for variable in COMMIT_VARIABLES:
        if commit := os.environ.get(variable, "").strip():
            return commit
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S607
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None


def key(body: dict[str, Any]) -> str:
    """The same for a repeat within one CI run, so that a job started again asks nothing twice; else new."""
    run_id = next((os.environ[name] for name in RUN_VARIABLES if os.environ.get(name)), None)
    if run_id is None:
        return str(uuid.uuid4())
    return hashlib.sha256(json.dumps([run_id, body], sort_keys=True).encode()).hexdigest()


def follow(service: server.Server, asked: dict[str, Any], *, wait_for_people: bool) -> dict[str, Any]:
    """Long-poll until the verdict is there, or the time is up; the last document that the server gave."""
    latest = asked
    while latest.get("state") == "checking" or (latest.get("state") == "waiting" and wait_for_people):
        left = service.left_s()
        if left <= 0:
            break
        if latest["state"] == "waiting":
            time.sleep(min(APPROVAL_POLL_S, left))
        latest = service.get(f"promotions/{asked['id']}", wait=max(1, int(min(LONGEST_POLL_S, left))))
    return latest


if __name__ == "__main__":
    run()
