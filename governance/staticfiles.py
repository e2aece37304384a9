"""Static files under names of their content, compressed once when they are collected."""

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
