"""Looking into a PDF without a library for it, and whether this machine can print one."""

import re
import subprocess
import sys
import zlib

import pytest

_PRINTING = subprocess.run([sys.executable, "-c", "import weasyprint"], capture_output=True, check=False)
needs_pango = pytest.mark.skipif(_PRINTING.returncode != 0, reason="the libraries of Pango are missing")
STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


def unpacked(pdf: bytes) -> bytes:
    """The file, and after it all of its streams that are compressed, as they read."""
    return pdf + b"\n".join(_inflated(match[1]) for match in STREAM.finditer(pdf))


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""  # It is not compressed, so it is read with the file.
