"""Static files under names of their content, compressed once when they are collected."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """Compressed by gzip alone.

    WhiteNoise would use Brotli as well as soon as it is installed, as it is for fonts in reports. At its best level
    that takes most of a minute when an installation starts for the first time, to save each browser a few kilobytes.
    """

    def create_compressor(self, **options: Any) -> Compressor:
        return Compressor(**options, use_brotli=False)

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Only what pages ask for, by the name of its content, and each of those once."""
        named = set(self.hashed_files.values())
        new = [path for path in paths if path in named and not _is_compressed(Path(self.path(path)))]
        found: Iterator[tuple[str, str]] = super().compress_files(new)
        return found


def _is_compressed(file: Path) -> bool:
    """Whether what stands compressed beside a file is all of it: whoever wrote it may have been killed meanwhile."""
    try:
        return gzip.decompress(Path(f"{file}.gz").read_bytes()) == file.read_bytes()
    except (OSError, EOFError, zlib.error):
        return False
