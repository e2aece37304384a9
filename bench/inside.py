"""Runs a program of the bench inside the service's own environment, with its settings and database."""

import subprocess
import sys

from bench import scene
from bench.scene import BenchError, Service


def run(service: Service, module: str, *arguments: str, input_text: str = "") -> str:
    """What the module prints. Raises BenchError with its complaint when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=scene.ROOT,
        env=dict(service.environment) | {"DJANGO_SETTINGS_MODULE": "governance.settings"},
        input=input_text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"{module}: {done.stderr.strip()[-500:]}")
    return done.stdout
