"""What every command of `assay` shares: reading arguments, finding the server and the token, ending with a code."""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import NoReturn

from assay_cli import server

PASSED, BLOCKED, CANNOT_EVALUATE, WAITING, USAGE = 0, 1, 3, 4, 64


class Parser(argparse.ArgumentParser):
    """Wrong usage ends with 64, because 1 and 2 would look like verdicts."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        fail(USAGE, message)


def fail(code: int, message: str) -> NoReturn:
    print(f"assay: {message}", file=sys.stderr)
    raise SystemExit(code)


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError("between 0 and 86400")
    return value


def connect(options: argparse.Namespace) -> server.Server:
    if not options.url:
        fail(USAGE, "no server: set ASSAY_URL or give --url.")
    try:
        return server.Server(options.url, token(options.token_file), deadline=time.monotonic() + options.timeout)
    except ValueError as error:
        fail(USAGE, str(error))


def token(file: Path | None) -> str:
    """The token, which never stands on the command line: other users of the machine could read it there."""
    if file is not None:
        try:
            found = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            fail(USAGE, f"the token file cannot be read: {error}")
    else:
        found = os.environ.get("ASSAY_TOKEN", "").strip()
    if not found:
        fail(USAGE, "no token: set ASSAY_TOKEN or give --token-file.")
    if not (found.isascii() and found.isprintable()) or " " in found:
        fail(USAGE, "the token holds characters that no token has.")
    return found
