"""Each process of a test run has its own files, database, database role and broker. Loaded by `-p`, before settings."""

import os
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["ASSAY_DATA"] = str(Path(os.environ["ASSAY_DATA"]) / worker)
    address, mark, query = os.environ["DATABASE_URL"].partition("?")
    os.environ["DATABASE_URL"] = f"{address}_{worker}{mark}{query}"
    broker = os.environ.get("BROKER_URL", "")
    if broker.startswith("redis://"):
        os.environ["BROKER_URL"] = f"{broker.rpartition('/')[0]}/{1 + int(worker.removeprefix('gw'))}"
