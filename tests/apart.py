"""Each process of a test run has its own files, database and database role. Loaded by `-p`, before the settings."""

import os
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["ASSAY_DATA"] = str(Path(os.environ["ASSAY_DATA"]) / worker)
    address, mark, query = os.environ["DATABASE_URL"].partition("?")
    os.environ["DATABASE_URL"] = f"{address}_{worker}{mark}{query}"
