"""Run pytest, or another command, with a database made for it."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import packages  # noqa: E402 - beside this file
import services  # noqa: E402
import signals  # noqa: E402

from governance import embedded  # noqa: E402

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.apart"]
# A process for each core, and each file within one, so that what a file's tests share is made once. The files in the
# order of tests/conftest.py: xdist would begin with those of many tests, and end with the few that take minutes.
ON_ALL_CORES = ["-n", "logical", "--dist", "loadfile", "--no-loadscope-reorder"]


def main() -> int:
    arguments = sys.argv[1:]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "governance.settings", "PYTHONPATH": str(ROOT)}
    # Tests keep their files apart from an installation's.
    environment["ASSAY_DATA"] = str(ROOT / "var" / "test")
    with signals.heeded():
        if arguments[:2] == ["--only-database", "--"]:
            return with_database(arguments[2:], environment)
        packages.install()
        if arguments[:1] == ["--services"]:
            chosen = arguments[1:]
            return services.run([*PYTEST, *on_cores(chosen), *chosen], cwd=ROOT, environment=environment)
        return with_database([*PYTEST, *on_cores(arguments), *arguments], environment)


def on_cores(arguments: list[str]) -> list[str]:
    """The whole suite runs on all cores. A few files are quicker without a second database to make."""
    names_files = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    return [] if names_files else ON_ALL_CORES


def with_database(command: list[str], environment: dict[str, str]) -> int:
    with ExitStack() as stack:
        if not environment.get("DATABASE_URL"):
            cluster = embedded.Cluster(ROOT / "var" / "test", name="test-postgres", is_throwaway=True)
            environment["DATABASE_URL"] = stack.enter_context(cluster.running())
        return signals.call(command, cwd=ROOT, environment=environment)


if __name__ == "__main__":
    raise SystemExit(main())
