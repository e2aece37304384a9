"""The tokens of whoever is signed in."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from governance import selectors, tokens
from governance.errors import Invalid
from portal.forms import SCOPE_WORDS, TOKEN_LIFETIMES, TokenForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest


@page
@require_http_methods(["GET", "HEAD", "POST"])
def listing(request: PortalRequest) -> HttpResponse:
    """The list and the form. The answer to a new token is this page too: a redirect would have to store the secret."""
    if request.method != "POST":
        return answer(request, TokenForm(), {})
    form = TokenForm(request.POST)
    if form.is_valid():
        expires_at = timezone.now() + timedelta(days=form.cleaned_data["days"])
        try:
            issued, secret = tokens.issue(
                actor=request.user,
                user=request.user,
                scopes=form.cleaned_data["scopes"],
                name=form.cleaned_data["name"],
                expires_at=expires_at,
            )
        except Invalid as error:
            refuse(form, error)
        else:
            return answer(request, TokenForm(), {"issued": issued, "secret": secret})
    return answer(request, form, {}, status=UNPROCESSABLE)


@sent_from("tokens")
@page
@require_POST
def revoke(request: PortalRequest, token: int) -> HttpResponse:
    found = selectors.token(actor=request.user, pk=token)
    tokens.revoke(actor=request.user, token=found)
    messages.success(request, f"The token {found.name} is revoked and opens nothing any more.")
    return redirect("tokens")


def answer(request: PortalRequest, form: TokenForm, issued: dict[str, Any], *, status: int = 200) -> HttpResponse:
    context = {
        "tokens": list(selectors.tokens_of(request.user)),
        "form": form,
        "scopes": [{"scope": scope.value, "words": words} for scope, words in SCOPE_WORDS.items()],
        "lifetimes": TOKEN_LIFETIMES,
        "now": timezone.now(),
        **issued,
    }
    return render(request, "tokens", "tokens/list.html", "tokens/list.html", context, status=status)
