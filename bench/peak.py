"""The most memory that this process has held."""

import re
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def mebibytes() -> float:
    """Of the system's own record where it has one: getrusage on Linux counts what the parent held at the start too."""
    if STATUS.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text(encoding="ascii"))):
        return int(found[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
