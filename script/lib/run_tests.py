"""Run pytest, or another command, with a database made for it."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import browser  # noqa: E402 - beside this file
import services  # noqa: E402

from governance import embedded  # noqa: E402


def main() -> int:
    arguments = sys.argv[1:]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "governance.settings", "PYTHONPATH": str(ROOT)}
    # Tests keep their files apart from an installation's.
    environment["ASSAY_DATA"] = str(ROOT / "var" / "test")
    if arguments[:1] == ["--services"]:
        return services.run(arguments[1:], environment, pytest)
    if arguments[:2] == ["--only-database", "--"]:
        return with_database(arguments[2:], environment)
    browser.install()
    return with_database([*pytest(), *arguments], environment)


def pytest() -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]


def with_database(command: list[str], environment: dict[str, str]) -> int:
    with ExitStack() as stack:
        if not environment.get("DATABASE_URL"):
            cluster = embedded.Cluster(ROOT / "var" / "test", name="test-postgres", is_throwaway=True)
            environment["DATABASE_URL"] = stack.enter_context(cluster.running())
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
