"""What some tests need of the system: a Chromium, what prints PDF, and what reads it. Found, or installed if we may."""

import os
import shutil
import subprocess
import sys
from ctypes.util import find_library

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
LIBRARIES = {
    "libpango-1.0-0": "pango-1.0",
    "libpangoft2-1.0-0": "pangoft2-1.0",
    "libharfbuzz-subset0": "harfbuzz-subset",
}


def missing() -> list[str]:
    """The Debian packages whose programs or libraries are not there."""
    packages = [package for package, library in LIBRARIES.items() if find_library(library) is None]
    if not any(map(shutil.which, CHROMIUM)):
        packages.append("chromium")
    if not shutil.which("pdftotext"):
        packages.append("poppler-utils")
    return packages


def install() -> None:
    """Install what is missing when we are root on Debian. Without it the tests that need it skip and say so."""
    packages = missing()
    if not packages or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"Installing {', '.join(packages)} for tests …", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", *packages]):
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if finished.returncode != 0:
            print(f"{' '.join(command)} failed; tests that need it will skip:\n{finished.stderr}", file=sys.stderr)
            return
