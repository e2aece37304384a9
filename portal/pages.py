"""What every page does alike: asks for the person, turns refusals into pages, fills the frame."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render as render_template
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from governance import middleware, permissions
from governance.errors import DomainError, Unavailable
from governance.permissions import Permission
from portal.requests import PortalRequest, wants_fragment

Arguments = ParamSpec("Arguments")
FRAGMENT_HEADERS = ("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
# Each has a template of its number; any other refusal is shown as a bad request.
ERROR_PAGES = frozenset({400, 403, 404, 503})
# A form that comes back with its errors. htmx puts an answer of this status into the page, and no other refusal.
UNPROCESSABLE = 422


def page(
    view: Callable[Concatenate[PortalRequest, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]:
    """A page for people who are signed in; its refusals are pages too."""
    signed_in = login_required(cast(Callable[..., HttpResponse], view))

    @wraps(view)
    def shown(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        try:
            if wants_fragment(request) and not request.user.is_authenticated:
                # The session is over: loading the whole page anew leads to the sign-in, and back afterwards.
                response: HttpResponseBase = HttpResponse(headers={"HX-Refresh": "true"})
            else:
                response = signed_in(request, *args, **kwargs)
        except DomainError as error:
            response = refusal(request, error)
        except (OperationalError, InterfaceError) as error:
            if not middleware.is_transient(error):
                raise
            response = refusal(request, Unavailable("The database does not answer."))
        if isinstance(response, HttpResponseNotAllowed):
            response = not_allowed(request, response)
        patch_vary_headers(response, FRAGMENT_HEADERS)
        return response

    return shown


def sent_from(
    place: str, *names: str
) -> Callable[
    [Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase],
]:
    """An address that only takes a form. Reading it leads to the page `place` that holds the form.

    That is where a sign-in ends that came between the page and its form, and a reload of a form that was refused.
    """

    def decorated(
        view: Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]:
        @wraps(view)
        def shown(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
            if request.method in {"GET", "HEAD"}:
                return HttpResponseRedirect(reverse(place, kwargs={name: kwargs[name] for name in names}))
            return view(request, *args, **kwargs)

        return shown

    return decorated


def not_allowed(request: HttpRequest, answered: HttpResponseNotAllowed) -> HttpResponse:
    """The page for a method that an address does not take."""
    response = render_template(request, "405.html", status=answered.status_code)
    response["Allow"] = answered["Allow"]
    return response


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The page that says what was refused and what to do; for htmx the sentence alone, which the script shows.

    Asks the database nothing: it may be what failed.
    """
    response: HttpResponse
    if wants_fragment(request):
        response = HttpResponse(error.message, status=error.status, content_type="text/plain; charset=utf-8")
    else:
        status = error.status if error.status in ERROR_PAGES else 400
        response = render_template(request, f"{status}.html", {"message": error.message}, status=error.status)
    if isinstance(error, Unavailable):
        response["Retry-After"] = str(error.retry_after_s)
    return response


def render(
    request: PortalRequest, place: str, page: str, fragment: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """The fragment for htmx, else the whole page with `place` marked in the navigation. Both see one context."""
    if wants_fragment(request):
        return render_template(request, fragment, dict(context), status=status)
    frame = {"place": place, "may_read_audit": permissions.may(request.user, Permission.READ_AUDIT)}
    return render_template(request, page, frame | dict(context), status=status)


def refuse(form: Form, error: DomainError) -> None:
    """Put a refusal where it belongs in the form: beside its fields, or above them all."""
    elsewhere = [message for name, message in error.fields.items() if name not in form.fields]
    for name in error.fields.keys() & form.fields.keys():
        form.add_error(name, error.fields[name])
    if elsewhere or not error.fields:
        form.add_error(None, error.message)
