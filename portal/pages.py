"""What every page does alike: asks for the person, turns refusals into pages, fills the frame."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render as render_template
from django.views.decorators.cache import cache_control
from django.views.decorators.vary import vary_on_headers

from governance import permissions
from governance.errors import DomainError
from governance.permissions import Permission
from portal.requests import PortalRequest, wants_fragment

Arguments = ParamSpec("Arguments")
# Each has a template of its number; any other refusal of a page is shown as a bad request.
ERROR_PAGES = frozenset({400, 403, 404, 503})


def page(
    view: Callable[Concatenate[PortalRequest, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]:
    """A page for people who are signed in. What it shows is theirs, so nothing on the way may keep it."""

    @login_required
    @cache_control(private=True, no_cache=True)
    @vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request", "Cookie")
    @wraps(view)
    def shown(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        try:
            return view(cast(PortalRequest, request), *args, **kwargs)
        except DomainError as error:
            return refusal(request, error)

    return shown


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    status = error.status if error.status in ERROR_PAGES else 400
    return render_template(request, f"{status}.html", {"message": error.message}, status=error.status)


def render(
    request: PortalRequest, place: str, page: str, fragment: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """The fragment for htmx, else the whole page with `place` marked in the navigation. Both see one context."""
    if wants_fragment(request):
        return render_template(request, fragment, dict(context), status=status)
    frame = {"place": place, "may_read_audit": permissions.may(request.user, Permission.READ_AUDIT)}
    return render_template(request, page, frame | dict(context), status=status)
