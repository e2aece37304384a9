"""Signing in and out, and the colours of the page."""

from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

YEAR_S = 365 * 24 * 60 * 60
THEMES = frozenset({"light", "dark"})

sign_in = auth_views.LoginView.as_view(template_name="people/sign_in.html", redirect_authenticated_user=True)
sign_out = auth_views.LogoutView.as_view()


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark in a cookie, so that the next page comes in it; anything else means as the system."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        target = reverse("assets")
    response = redirect(target)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        # The page's script reads and writes it too, hence not HttpOnly; it says nothing about the person.
        response.set_cookie("theme", chosen, max_age=YEAR_S, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
