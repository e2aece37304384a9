"""`python -m bench [NAME…] [--json FILE] [--quick]`: measure, and print the figures as JSON and as a table.

Without --json the JSON goes to standard output and the table to standard error, so that both a person and a pipe
are served. Exit code 0: all was measured. 1: a bench failed, its rows say why. 64: usage.
"""

import argparse
import json
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg

from bench import (
    explanations,
    fairness,
    gate,
    growth,
    hooks,
    imports,
    ingest,
    load,
    machine,
    maturity,
    peers,
    policies,
    production,
    projection,
    reconcile,
    rows,
    scene,
    search,
    traversal,
)
from bench.rows import Row
from bench.scene import Scene
from governance import embedded

BENCHES: Mapping[str, Callable[[Scene], Iterator[Row]]] = {
    "ingest": ingest.run,
    "projection": projection.run,
    "peers": peers.run,
    "traversal": traversal.run,
    "search": search.run,
    "hooks": hooks.run,
    "reconcile": reconcile.run,
    "imports": imports.run,
    "gate": gate.run,
    "production": production.run,
    "growth": growth.run,
    "fairness": fairness.run,
    "explanations": explanations.run,
    "policies": policies.run,
    "maturity": maturity.run,
}
USAGE = 64
DATA = scene.ROOT / "var" / "bench"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    names: list[str]
    json: Path | None
    quick: bool
    database: str
    data: Path


def parse(arguments: list[str]) -> Options:
    """What the command line asks for. Ends the program with 64 and the reason when it cannot be done."""
    parser = Parser(prog="python -m bench", description="Measure the service beside floors and peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the JSON there, the table to standard output")
    parser.add_argument("--quick", action="store_true", help="small sizes, one run each: for a look, not for a record")
    parser.add_argument(
        "--database", default="", metavar="URL", help="a server no installation uses (default: its own)"
    )
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="where it writes (default var/bench)")
    parsed = Options(**vars(parser.parse_args(arguments)))
    for name in parsed.names:
        if name not in BENCHES:
            parser.error(f"there is no bench {name!r}; there are {', '.join(BENCHES)}.")
    if parsed.json is not None and not parsed.json.resolve().parent.is_dir():
        parser.error(f"--json: the folder of {parsed.json} does not exist.")
    return parsed


def main() -> None:
    options = parse(sys.argv[1:])
    # As an exception it passes through every block that has something to stop.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + signal.SIGTERM))
    names = list(dict.fromkeys(options.names)) or list(BENCHES)
    data = options.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    for left_by_a_failed_run in data.glob("service-*"):
        shutil.rmtree(left_by_a_failed_run)
    with database_server(data, options.database) as cluster_url:
        stage = Scene(quick=options.quick, data=data, cluster_url=cluster_url)
        facts = machine.facts(cluster_url) | {"quick": options.quick}
        stage.clean()
        try:
            all_rows, failed = measure(stage, names)
            # Before anything is removed, which may fail: what was measured took an hour.
            report(all_rows, facts, options.json)
        finally:
            stage.clean()
    sys.exit(1 if failed else 0)


def report(all_rows: list[Row], facts: Mapping[str, Any], file: Path | None) -> None:
    document = json.dumps(rows.as_document(all_rows, facts), indent=2)
    table = rows.as_table(all_rows)
    if file is None:
        print(document)
        print(table, file=sys.stderr)
    else:
        file.write_text(document + "\n", encoding="utf-8")
        print(table, flush=True)


@contextmanager
def database_server(data: Path, named: str) -> Iterator[str]:
    """The owner's URL on the server that was named, or on an embedded one of the bench's own while the block lasts.

    Never the one of DATABASE_URL: a second installation changes the password of the role that both would share.
    """
    if named:
        yield named
        return
    with embedded.Cluster(data).running() as url:
        yield url


def measure(stage: Scene, names: list[str]) -> tuple[list[Row], list[str]]:
    """The rows of all benches, and which failed. One that fails does not keep the others from being measured."""
    all_rows: list[Row] = []
    failed = []
    for name in names:
        try:
            for row in BENCHES[name](stage):
                all_rows.append(row)
        except (scene.BenchError, load.LoadError, psycopg.Error, OSError) as error:
            traceback.print_exc(file=sys.stderr)
            failed.append(name)
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            all_rows.append(rows.not_measured(name, "all that follows", "", reason))
    return all_rows, failed


if __name__ == "__main__":
    main()
