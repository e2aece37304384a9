"""Files of evidence over HTTP."""

from datetime import datetime

import msgspec
from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import rest, streams
from governance.errors import TooLarge
from governance.tokens import Scope
from policies import evidence_files
from policies.models import EvidenceFile


class EvidenceOut(msgspec.Struct, frozen=True, kw_only=True):
    """A file of evidence that is kept."""

    digest: str
    size: int
    stored_at: datetime


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

    @extend_schema(
        operation_id="evidence_send",
        summary="Send a file of evidence; one that is kept already is not read again",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={201: rest.schema_of(EvidenceOut), 200: rest.schema_of(EvidenceOut)},
    )
    def put(self, request: Request, digest: str) -> Response:
        limit = settings.EVIDENCE_MAX_BYTES
        if streams.declared_bytes(request._request) > limit:
            raise TooLarge(f"The file is larger than {limit:,} bytes.")
        content = streams.chunks(request._request)
        file, is_new = evidence_files.store(actor=rest.actor(request), digest=digest, content=content)
        return rest.answer(_evidence(file), status=201 if is_new else 200)


def _evidence(file: EvidenceFile) -> EvidenceOut:
    return EvidenceOut(digest=file.digest, size=file.size, stored_at=file.stored_at)
