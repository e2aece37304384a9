"""Saying how critical an asset is."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from governance import classification, permissions
from governance.errors import Denied, Invalid
from lineage import selectors
from lineage.models import Asset
from portal import classifications
from portal.classificationforms import ClassificationForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest, wants_fragment


@sent_from("asset", "uuid")
@page
@require_POST
def classify(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    form = ClassificationForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            classification.classify(
                actor=request.user, asset=asset.uuid, **{**said, "goals": classifications.goals_of(said["goals"])}
            )
        except Invalid as error:
            refuse(form, error)
        except Denied as error:
            if not error.fields:
                raise
            # Less critical than before: beside the field, since the rest may be saved.
            refuse(form, error)
    if form.errors:
        return _answer(request, asset, form=form, status=UNPROCESSABLE)
    if wants_fragment(request):
        return _answer(request, asset, notice="Classification saved.")
    messages.success(request, "Classification saved.")
    return redirect("asset", asset.uuid)


def _answer(
    request: PortalRequest, asset: Asset, *, form: ClassificationForm | None = None, notice: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "asset": asset,
        "part": "Classification",
        "part_template": "assets/_classification.html",
        "notice": notice,
        **classifications.context(asset.uuid, permissions.held(request.user, asset.uuid), form),
    }
    return render(request, "assets", "assets/part.html", "assets/_classification.html", context, status=status)
