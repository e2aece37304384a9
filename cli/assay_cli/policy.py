"""`assay policy`: look at policies kept as files, before they count and when they are published."""

import argparse
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assay_cli import console

CASES = (".cases.yaml", ".cases.yml")
ENDINGS = (".yaml", ".yml")
MAX_CHARS = 256_000


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """The command with its verbs. `commands` is what argparse makes of a parser's subcommands."""
    top = commands.add_parser("policy", help="check, test, compare, simulate and publish policies kept as files")
    verbs = top.add_subparsers(required=True, metavar="VERB", parser_class=console.Parser)
    files = console.Parser(add_help=False)
    files.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a policy, or a folder of them")
    for name, command, says in (
        ("validate", validate, "say what is wrong, as file:line:column; 1 when something is"),
        ("test", test, "judge the cases beside each policy (NAME.cases.yaml); 1 when one comes otherwise"),
        ("diff", diff, "say what would change; 1 when something would"),
        ("simulate", simulate, "say which promotions of the past would have been decided otherwise"),
        ("publish", publish, "publish those that changed, or none if one is wrong"),
    ):
        verb = verbs.add_parser(name, parents=[shared, files], help=says)
        verb.set_defaults(command=command)
        if name == "test":
            verb.add_argument("--require-cases", action="store_true", help="a policy without cases is a failure too")
        elif name == "publish":
            verb.add_argument("--note", default="", help="why, kept with the version")
        elif name == "simulate":
            verb.add_argument("--since", type=instant, help="from that time on (default: 90 days ago)")
            verb.add_argument("--until", type=instant, help="up to that time (default: now)")
            verb.add_argument("--stage", default="", help="only promotions to this stage")
            verb.add_argument("--alone", action="store_true", help="without the other policies of today beside them")
            verb.add_argument("--limit", type=int, default=500, help="at most so many, the newest first (default: 500)")


def instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def validate(options: argparse.Namespace) -> int:
    texts = policies(options.paths)
    service = console.connect(options)
    answers = {file: service.ask("policies/validate", {"document": text}) for file, text in texts.items()}
    if options.json:
        print(json.dumps({str(file): answer for file, answer in answers.items()}))
    else:
        for file, answer in answers.items():
            print("\n".join([*located(file, answer)] or [f"{file}: valid"]))
    return console.PASSED if all(answer.get("valid") is True for answer in answers.values()) else console.BLOCKED


def test(options: argparse.Namespace) -> int:
    texts = policies(options.paths)
    service = console.connect(options)
    passed, documents = True, {}
    for file, text in texts.items():
        beside = cases_of(file)
        if beside is None:
            passed &= not options.require_cases
            if not options.json:
                print(f"{file}: no cases")
            continue
        answer = service.ask("policies/test", {"document": text, "cases": read(beside)})
        passed &= answer.get("passed") is True
        documents[str(beside)] = answer
        if not options.json:
            print("\n".join(tested(file, beside, answer)))
    if options.json:
        print(json.dumps(documents))
    return console.PASSED if passed else console.BLOCKED


def tested(file: Path, beside: Path, answer: dict[str, Any]) -> Iterator[str]:
    yield from located(file if answer.get("errors_in") == "document" else beside, answer)
    for case in answer.get("cases", []):
        problem = case.get("problem")
        yield f"{beside}:{case.get('line')}: {case.get('name')}: {problem or 'as expected'}"


def diff(options: argparse.Namespace) -> int:
    texts = policies(options.paths)
    service = console.connect(options)
    answers = {file: service.ask("policies/diff", {"document": text}) for file, text in texts.items()}
    if options.json:
        print(json.dumps({str(file): answer for file, answer in answers.items()}))
    else:
        for file, answer in answers.items():
            if answer.get("patch"):
                print(f"{file}: {f'version {number}' if (number := answer.get('number')) else 'a new policy'}")
                print("\n".join(f"  {sentence}" for sentence in answer.get("meaning", [])))
                print(answer["patch"], end="")
            else:
                print(f"{file}: no change")
    return console.BLOCKED if any(answer.get("patch") for answer in answers.values()) else console.PASSED


def simulate(options: argparse.Namespace) -> int:
    texts = policies(options.paths)
    until = options.until or datetime.now(UTC)
    body = {
        "documents": list(texts.values()),
        "since": (options.since or until - timedelta(days=90)).isoformat(),
        "until": until.isoformat(),
        "stage": options.stage,
        "alone": options.alone,
        "limit": options.limit,
    }
    answer = console.connect(options).ask("policies/simulate", body)
    print(json.dumps(answer) if options.json else "\n".join(simulated(answer)))
    return console.PASSED


def simulated(answer: dict[str, Any]) -> Iterator[str]:
    more = ", and there were more" if answer.get("truncated") else ""
    changes = answer.get("changes", [])
    yield f"{answer.get('simulated')} promotions{more}: {len(changes)} would have been decided otherwise."
    for change in changes:
        yield (
            f"{change.get('model')} version {change.get('version')} to {change.get('stage')}, asked "
            f"{change.get('requested_at')}: {change.get('was')}, would be {change.get('would')}"
        )
        for reason in change.get("because", []):
            today = " (by facts of today)" if reason.get("facts") == "today" else ""
            yield f"  {reason.get('policy')}, {reason.get('check')}: {reason.get('summary')}{today}"


def publish(options: argparse.Namespace) -> int:
    texts = policies(options.paths)
    service = console.connect(options)
    answers = {file: service.ask("policies/validate", {"document": text}) for file, text in texts.items()}
    wrong = [line for file, answer in answers.items() for line in located(file, answer)]
    if wrong:
        print("\n".join(wrong))
        return console.BLOCKED
    published = {}
    for file, text in texts.items():
        # The server knows the same text again, so that a repeat publishes nothing twice.
        body = {"document": text, "note": options.note}
        published[str(file)] = service.post("policies", body, idempotency_key=str(uuid.uuid4()))
    if options.json:
        print(json.dumps(published))
    else:
        for name, answer in published.items():
            print(f"{name}: {answer.get('policy')} {answer.get('number')}")
    return console.PASSED


def policies(paths: list[Path]) -> dict[Path, str]:
    """The text of every policy that the paths name, by its file; files of cases are left out of folders."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(one for one in path.iterdir() if one.suffix in ENDINGS and not one.name.endswith(CASES))
            if not found:
                console.fail(console.USAGE, f"{path} holds no policy (*.yaml).")
            files += found
        else:
            files.append(path)
    return {file: read(file) for file in files}


def read(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        console.fail(console.USAGE, f"{file} cannot be read: {error}")
    if len(text) > MAX_CHARS:
        console.fail(console.USAGE, f"{file} is longer than {MAX_CHARS} characters.")
    return text


def cases_of(file: Path) -> Path | None:
    """The file of cases beside a policy."""
    beside = (file.with_name(file.stem + ending) for ending in CASES)
    return next((one for one in beside if one.is_file()), None)


def located(file: Path, answer: dict[str, Any]) -> Iterator[str]:
    for error in answer.get("errors", []):
        path = f"{error['path']}: " if error.get("path") else ""
        yield f"{file}:{error.get('line')}:{error.get('column')}: {path}{error.get('message')}"
