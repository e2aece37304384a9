"""Facts about the machine a figure was measured on, without which it means nothing."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


def facts(database_url: str) -> dict[str, Any]:
    """Cores, memory, Python, and PostgreSQL with the settings that decide what a commit costs."""
    with psycopg.connect(database_url) as database:
        version = database.execute("SHOW server_version").fetchone()
        settings = {name: (database.execute(f"SHOW {name}").fetchone() or ("",))[0] for name in DURABILITY}
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "executable": Path(sys.executable).name,
        "postgresql": version[0] if version else "unknown",
        "postgresql_settings": settings,
    }


def _commit() -> str:
    """The commit of the code, marked when files differ from it; empty outside a clone."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return f"{commit}{' with changes' if changed else ''}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
