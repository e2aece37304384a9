"""`assay waiver`: ask that a rule be set aside for a time, and decide on such a request."""

import argparse
import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from assay_cli import console, report

LONGEST_DAYS = 366


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """The command with its verbs. `commands` is what argparse makes of a parser's subcommands."""
    top = commands.add_parser("waiver", help="ask that a rule be set aside for a time, or decide on it")
    verbs = top.add_subparsers(required=True, metavar="VERB", parser_class=console.Parser)
    asking = verbs.add_parser("request", parents=[shared], help="ask, from a finding of a promotion")
    asking.set_defaults(command=request)
    asking.add_argument("--promotion", required=True, metavar="ID", help="the promotion's id, as assay gate prints it")
    asking.add_argument(
        "--rule", required=True, help="the finding's rule, or the id of its check where only one finding has it"
    )
    asking.add_argument("--policy", default="", help="the policy, where two have the same rule")
    asking.add_argument(
        "--scope", choices=["version", "model", "team"], default="version", help="what it covers (default: version)"
    )
    asking.add_argument("--team", help="which of the teams that own the model, with --scope team")
    asking.add_argument("--reason", required=True, help="why the rule should be set aside")
    asking.add_argument("--ticket", required=True, help="where the fault is being mended")
    end = asking.add_mutually_exclusive_group(required=True)
    end.add_argument("--days", type=days, help="how long it lasts, from now")
    end.add_argument("--until", type=instant, help="when it ends, such as 2027-01-31T18:00:00+01:00")
    asking.add_argument("--idempotency-key", help="asking twice with one key asks once (default: a new one)")
    for verb, helps in (
        ("approve", "say yes, unless you asked for it or made the version"),
        ("refuse", "say no, with the reason"),
        ("revoke", "end it at once, or take your own request back"),
    ):
        deciding = verbs.add_parser(verb, parents=[shared], help=helps)
        deciding.set_defaults(command=decide, verb=verb)
        deciding.add_argument("id", help="the waiver's id")
        deciding.add_argument("--reason", default="", help="kept with your name")


def days(text: str) -> timedelta:
    value = float(text)
    if not 0 < value <= LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"more than 0 and at most {LONGEST_DAYS}")
    return timedelta(days=value)


def instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError("say the time zone as well, such as 2027-01-31T18:00:00+01:00")
    return at


def request(options: argparse.Namespace) -> int:
    ends_at = options.until or datetime.now(UTC) + options.days
    body = {
        "promotion": options.promotion,
        "rule": options.rule,
        "policy": options.policy,
        "scope": options.scope,
        "reason": options.reason,
        "ticket": options.ticket,
        "ends_at": ends_at.isoformat(),
    }
    if options.team:
        body["team"] = options.team
    key = options.idempotency_key or str(uuid.uuid4())
    _print(console.connect(options).post("waivers", body, idempotency_key=key), options)
    return console.PASSED


def decide(options: argparse.Namespace) -> int:
    # The server knows a repeat by itself: nobody decides twice.
    path = f"waivers/{uuid_of(options.id)}/{options.verb}"
    _print(console.connect(options).post(path, {"reason": options.reason}, idempotency_key=str(uuid.uuid4())), options)
    return console.PASSED


def uuid_of(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        console.fail(console.USAGE, f"{text!r} is no id of a waiver.")


def _print(waiver: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(waiver))
        return
    print(report.waiver_line(waiver))
    print(waiver.get("url", ""), file=sys.stdout)
