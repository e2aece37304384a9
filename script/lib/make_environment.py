"""Make the virtual environment with the pinned requirements. Standard library only: nothing is installed yet."""

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "assay-requirements"
CLIENT = ROOT / "cli"
LAUNCHER = """#!{python}
from assay_cli.__main__ import run

run()
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/setup")
    parser.add_argument("--demo", action="store_true", help="also what the demo trains its models with")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need (includes the demo's)")
    parser.add_argument("--explain", action="store_true", help="also what workers compute SHAP values with")
    parser.add_argument("--stores", action="store_true", help="also what reads object stores and warehouses")
    options = parser.parse_args()
    names = ["requirements.txt"]
    if options.explain or options.dev:
        names.append("requirements-explain.txt")
    if options.stores or options.dev:
        names.append("requirements-stores.txt")
    if options.demo or options.dev:
        names.append("requirements-demo.txt")
    if options.dev:
        names.append("requirements-dev.txt")
    with (ROOT / ".venv.lock").open("w") as lock:
        # Two set-ups at once would write into one another's packages.
        fcntl.flock(lock, fcntl.LOCK_EX)
        make_environment()
        install([ROOT / name for name in names])


def make_environment() -> None:
    if works():
        return
    say(f"Making {VENV} with Python {sys.version.split()[0]} …")
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False, capture_output=True, text=True)
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            f"The virtual environment could not be made: {made.stdout}{made.stderr}\n"
            "On Debian and Ubuntu the module is a package of its own: apt-get install python3-venv"
        )


def works() -> bool:
    """Whether the environment is whole: an interrupted set-up, or a Python that is gone, leaves half of one."""
    try:
        version = subprocess.run([PYTHON, "-m", "pip", "--version"], check=False, capture_output=True)
    except OSError:
        return False
    return version.returncode == 0


def install(files: list[Path]) -> None:
    installed = STAMP.read_text().split() if STAMP.exists() else []
    wanted = [f"{file.name}={hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]
    missing = [file for file, stamp in zip(files, wanted, strict=True) if stamp not in installed]
    if missing:
        say(f"Installing {', '.join(file.name for file in missing)} …")
        arguments = [argument for file in missing for argument in ("-r", str(file))]
        command = [PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", *arguments]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
            sys.exit("The pinned packages could not be installed; pip says why above.")
        kept = [stamp for stamp in installed if stamp.partition("=")[0] not in {file.name for file in files}]
        STAMP.write_text("\n".join(kept + wanted) + "\n")
    link_client()


def link_client() -> None:
    """Put the command `assay` of this checkout into the environment, without building a package."""
    site = subprocess.run(
        [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    (Path(site.stdout.strip()) / "assay_cli.pth").write_text(f"{CLIENT}\n")
    launcher = VENV / "bin" / "assay"
    launcher.write_text(LAUNCHER.format(python=PYTHON))
    launcher.chmod(0o755)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
