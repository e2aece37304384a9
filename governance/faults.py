"""Answers to what no view answers: unknown addresses, malformed requests and faults of ours."""

import sys

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from governance import middleware, problems
from governance.errors import Denied, DomainError, Invalid, NotFound


class Fault(DomainError):
    """A fault of ours. The log has it; the client learns no more than that."""

    code = "internal"
    status = 500


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(problems.FOR_MACHINES):
        return problems.response(NotFound(f"There is nothing at {request.path}."))
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(problems.FOR_MACHINES):
        return problems.response(Invalid("The request is malformed.", code="malformed"))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(problems.FOR_MACHINES):
        return problems.response(Denied("You may not do this."))
    return defaults.permission_denied(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Called by Django while the fault is being handled, so that the database's absence can be told apart."""
    error = sys.exception()
    if error is not None and middleware.is_transient(error):
        return middleware.unavailable(request)
    if request.path.startswith(problems.FOR_MACHINES):
        return problems.response(Fault("Something went wrong on our side; it was logged."))
    return defaults.server_error(request)
