"""Looking into a PDF without a library for it, and whether this machine can print one."""

import re
import zlib
from ctypes.util import find_library

import pytest

# Loading the library takes seconds, and all it needs of the system are these.
needs_pango = pytest.mark.skipif(
    any(find_library(name) is None for name in ("gobject-2.0", "pango-1.0", "pangoft2-1.0", "harfbuzz", "fontconfig")),
    reason="the libraries of Pango are missing",
)
STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


def unpacked(pdf: bytes) -> bytes:
    """The file, and after it all of its streams that are compressed, as they read."""
    return pdf + b"\n".join(_inflated(match[1]) for match in STREAM.finditer(pdf))


def _inflated(stream: bytes) -> bytes:
    # A stream whose last byte reads as a carriage return loses it to the line break before "endstream": what is
    # missing then is a byte of the checksum, which an object for decompression does not insist on.
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""  # It is not compressed, so it is read with the file.
