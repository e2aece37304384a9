"""Files of evidence over HTTP: sent whole, or in parts that go on where the last one ended."""

import re
from datetime import datetime

import msgspec
from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import rest, streams
from governance.errors import Invalid, NotFound, TooLarge
from governance.tokens import Scope
from policies import evidence_files
from policies.evidence_files import Received
from policies.models import EvidenceFile

# RFC 9110, 14.4; the whole length has to be known.
CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class EvidenceOut(msgspec.Struct, frozen=True, kw_only=True):
    """A file of evidence that is kept."""

    digest: str
    size: int
    stored_at: datetime


class PartOut(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a file has come."""

    digest: str
    received: int
    total: int


class EvidenceView(APIView):
    """One file of evidence, named by its SHA-256."""

    scopes = {"GET": Scope.READ, "PUT": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="evidence",
        summary="Whether a file of evidence is kept",
        responses={200: rest.schema_of(EvidenceOut)},
    )
    def get(self, request: Request, digest: str) -> Response:
        return rest.answer(_evidence(evidence_files.find(digest)))

    @extend_schema(exclude=True)
    def head(self, request: Request, digest: str) -> Response:
        """How much of it has come: Upload-Offset and Upload-Complete, as in the draft on resumable uploads."""
        try:
            size, is_complete = evidence_files.find(digest).size, True
        except NotFound:
            size, is_complete = evidence_files.received(rest.actor(request), digest), False
        return Response(status=200 if size or is_complete else 404, headers=_progress(size, is_complete=is_complete))

    @extend_schema(
        operation_id="evidence_send",
        summary="Send a file of evidence, or the next part of it; one that is kept already is not read again",
        parameters=[OpenApiParameter("Content-Range", str, OpenApiParameter.HEADER)],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={
            201: rest.schema_of(EvidenceOut),
            200: rest.schema_of(EvidenceOut),
            202: rest.schema_of(PartOut),
        },
    )
    def put(self, request: Request, digest: str) -> Response:
        limit = settings.EVIDENCE_MAX_BYTES
        declared = streams.declared_bytes(request._request)
        if declared > limit:
            raise TooLarge(f"The file is larger than {limit:,} bytes.")
        actor, content = rest.actor(request), streams.chunks(request._request)
        if (asked := request.META.get("HTTP_CONTENT_RANGE")) is None:
            file, is_new = evidence_files.store(actor=actor, digest=digest, content=content)
            found, total = Received(bytes=file.size, file=file, is_new=is_new), file.size
        else:
            start, total = _range(asked, declared)
            found = evidence_files.go_on(actor=actor, digest=digest, start=start, total=total, content=content)
        headers = _progress(found.bytes, is_complete=found.file is not None)
        if found.file is None:
            part = PartOut(digest=digest, received=found.bytes, total=total)
            return rest.answer(part, status=202, headers=headers)
        return rest.answer(_evidence(found.file), status=201 if found.is_new else 200, headers=headers)


def _range(text: str, declared: int) -> tuple[int, int]:
    """Where the part begins and how long the whole is."""
    found = CONTENT_RANGE.fullmatch(text)
    start, last, total = map(int, found.groups()) if found else (0, -1, 0)
    if not 0 <= start <= last < total or (declared and declared != last - start + 1):
        says = "Such as bytes 0-1048575/5000000, with the Content-Length of the part."
        raise Invalid(f"Content-Range: {says}", fields={"Content-Range": says})
    return start, total


def _progress(size: int, *, is_complete: bool) -> dict[str, str]:
    return {"Upload-Offset": str(size), "Upload-Complete": f"?{int(is_complete)}"}


def _evidence(file: EvidenceFile) -> EvidenceOut:
    return EvidenceOut(digest=file.digest, size=file.size, stored_at=file.stored_at)
