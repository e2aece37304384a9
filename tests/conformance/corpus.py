"""Where the sample data lie. Tests on them skip when they are absent; ASSAY_CORPUS names another place."""

import os
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("ASSAY_CORPUS", Path(__file__).resolve().parents[2] / ".." / "shared" / "data")).resolve()
requires_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no sample data at {CORPUS} (set ASSAY_CORPUS)")
