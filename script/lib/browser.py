"""A Chromium for the browser tests: found, or installed when we may."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def install() -> None:
    """Install Debian's Chromium when we are root and there is none. Without it the browser tests skip and say so."""
    if any(map(shutil.which, NAMES)) or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Chromium for the browser tests …", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]):
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if finished.returncode != 0:
            print(f"{' '.join(command)} failed; the browser tests will skip:\n{finished.stderr}", file=sys.stderr)
            return
