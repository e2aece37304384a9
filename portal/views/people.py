"""Signing in and out, and the colours of the page."""

from typing import Any

from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import AuthenticationForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from governance import audit
from governance.actions import Action
from governance.models import User
from portal.pages import sent_from

YEAR_S = 365 * 24 * 60 * 60
THEMES = frozenset({"light", "dark"})


class SignIn(auth_views.LoginView):
    """Writes an entry for who came in, and for who was refused if the account exists.

    A refused name that is no account is not kept: people type passwords into that field.
    """

    template_name = "people/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        with transaction.atomic():
            response = super().form_valid(form)
            audit.record(actor=user, action=Action.SIGNED_IN, subject=f"user:{user.get_username()}")
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        account = User.objects.filter(username=form.cleaned_data.get("username", "")).first()
        if account is not None:
            with transaction.atomic():
                audit.record(actor=None, action=Action.SIGN_IN_REFUSED, subject=f"user:{account.username}")
        return super().form_invalid(form)


class SignOut(auth_views.LogoutView):
    """Writes an entry for who left. Whoever was not signed in changes nothing."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            if request.user.is_authenticated:
                audit.record(
                    actor=request.user, action=Action.SIGNED_OUT, subject=f"user:{request.user.get_username()}"
                )
            return super().post(request, *args, **kwargs)


sign_in = SignIn.as_view()
sign_out = sent_from("assets")(SignOut.as_view())


@sent_from("assets")
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark in a cookie, so that the next page comes in it; anything else means as the system."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = reverse("assets")
    response = redirect(target)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        # The page's script reads and writes it too, hence not HttpOnly; it says nothing about the person.
        response.set_cookie("theme", chosen, max_age=YEAR_S, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
