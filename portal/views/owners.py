"""Assigning and ending owners of an asset."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from governance import ownership, permissions
from governance.errors import Conflict, Invalid
from lineage import selectors
from lineage.models import Asset
from portal import owners
from portal.forms import OwnerForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest, wants_fragment


@sent_from("asset", "uuid")
@page
@require_POST
def assign(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    form = OwnerForm(request.POST)
    if form.is_valid():
        try:
            ownership.assign(actor=request.user, asset=asset.uuid, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            refuse(form, error)
    if form.errors:
        return answer(request, asset, form=form, status=UNPROCESSABLE)
    return done(request, asset, f"{owners.label(form.cleaned_data['role'])} assigned.")


@sent_from("asset", "uuid")
@page
@require_POST
def end(request: PortalRequest, uuid: UUID, role: str) -> HttpResponse:
    asset = selectors.asset(uuid)
    ownership.end(actor=request.user, asset=asset.uuid, role=role)
    return done(request, asset, f"{owners.label(role)} ended.")


def done(request: PortalRequest, asset: Asset, notice: str) -> HttpResponse:
    if wants_fragment(request):
        return answer(request, asset, notice=notice)
    messages.success(request, notice)
    return redirect("asset", asset.uuid)


def answer(
    request: PortalRequest, asset: Asset, *, form: OwnerForm | None = None, notice: str = "", status: int = 200
) -> HttpResponse:
    owned = owners.history(asset.uuid)
    context = {
        "asset": asset,
        "part": "Owners",
        "part_template": "assets/_owners.html",
        "notice": notice,
        **owners.context(owned, permissions.held(request.user, asset.uuid, owning=owned.teams), form),
    }
    return render(request, "assets", "assets/part.html", "assets/_owners.html", context, status=status)
