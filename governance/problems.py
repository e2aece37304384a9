"""RFC 9457 problem documents: the one shape of every refusal over HTTP."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from governance.errors import DomainError, Unauthenticated, Unavailable

# Where machines ask. Elsewhere people do, who get pages.
FOR_MACHINES = ("/api/", "/livez", "/readyz", "/metrics")
CONTENT_TYPE = "application/problem+json"
REALM = 'Bearer realm="assay"'


def document(*, status: int, code: str, detail: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The body of a refusal. `code` is stable and for machines, `detail` is a sentence for people."""
    return {
        "type": f"urn:assay:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "fields": dict(fields or {}),
    }


def document_of(error: DomainError) -> dict[str, Any]:
    return document(status=error.status, code=error.code, detail=error.message, fields=error.fields)


def headers_of(error: DomainError) -> dict[str, str]:
    """What HTTP asks for beside the body: when to come again, how to authenticate (RFC 6750 section 3)."""
    if isinstance(error, Unavailable):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, Unauthenticated):
        # Without any credential the header must not carry an error code.
        given = error.code != Unauthenticated.code
        return {"WWW-Authenticate": f'{REALM}, error="invalid_token"' if given else REALM}
    if error.code == "scope_missing":
        return {"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{error.fields["scope"]}"'}
    return {}


def response(error: DomainError) -> HttpResponse:
    """The refusal as Django's response, for views and middleware that are not DRF's."""
    return HttpResponse(
        json.dumps(document_of(error)), status=error.status, content_type=CONTENT_TYPE, headers=headers_of(error)
    )
