"""What holds for every response: safe headers, and an honest 503 while the database cannot be reached."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from governance import database, problems
from governance.errors import Invalid, Unavailable

logger = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]

# Classes of SQLSTATE that say "not now" rather than "never": connection lost, rolled back by a conflict, out of
# resources, lock not available, operator's intervention, system error.
TRANSIENT_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
FEATURES = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def is_transient(error: BaseException) -> bool:
    """Whether the same request may pass later: the database is away, busy, or undid this for another's sake."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    # Without a SQLSTATE no server answered: refused, timed out, or the pool had no connection to give.
    return sqlstate is None or sqlstate[:2] in TRANSIENT_CLASSES


def unavailable(request: HttpRequest) -> HttpResponse:
    database.renew_pool()
    error = Unavailable("The database cannot take this now; try again in a few seconds.")
    if request.path.startswith(problems.FOR_MACHINES):
        return problems.response(error)
    # Without the request, so that no context processor asks the database.
    page = render_to_string("503.html")
    return HttpResponse(page, status=error.status, headers=problems.headers_of(error))


class UnavailableIs503:
    """A view that could not reach the database answers 503 with Retry-After, so that clients send again.

    Faults outside views (a session that cannot be saved) come to `faults.server_error`, which asks `is_transient` too.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path:
            # PostgreSQL takes no such text, so no address can hold it.
            return problems.response(Invalid("The address holds the character U+0000.", code="malformed"))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not is_transient(error):
            return None
        logger.warning("database unavailable for %s %s: %s", request.method, request.path, error)
        return unavailable(request)


def unavailable_is_503(get_response: Handler) -> UnavailableIs503:
    return UnavailableIs503(get_response)


def content_security_policy(get_response: Handler) -> Handler:
    """Only what this server serves is loaded or run; no page is framed, cached by others or sniffed."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", FEATURES)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware
