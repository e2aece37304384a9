"""Request bodies read as they arrive, for those that are too large to be held."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from governance.errors import Invalid

CHUNK_BYTES = 262_144


def declared_bytes(request: HttpRequest) -> int:
    """What the sender says of the body's size; 0 when nothing is said."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def chunks(request: HttpRequest) -> Iterator[bytes]:
    """The body in parts of at most CHUNK_BYTES. Raises Invalid when it ends before its declared length."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        # Django's stream ends at Content-Length, which a chunked body does not have; the server's own knows the end.
        source: Any = request.META["wsgi.input"]
        while chunk := source.read(CHUNK_BYTES):
            yield chunk
        return
    declared, total = declared_bytes(request), 0
    while total < declared and (chunk := request.read(CHUNK_BYTES)):
        total += len(chunk)
        yield chunk
    if total < declared:
        raise Invalid(f"The body ends after {total:,} of {declared:,} bytes.", code="malformed")
