"""Tagging an asset and its fields, deciding on its names, hiding it and showing it again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from governance import permissions
from governance.errors import Conflict, DomainError, Invalid
from lineage import hiding, naming, selectors, tags
from lineage.models import Asset
from lineage.naming import Decision
from portal import days, fields, names, queries
from portal.days import Day
from portal.fields import TagForm
from portal.names import HidingForm, NamingForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest, wants_fragment


@page
@require_GET
def field_list(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    return _fields(request, asset, cursor=queries.text(request, "after"), day=days.read(request))


@sent_from("asset", "uuid")
@page
@require_POST
def tag(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    form = TagForm(request.POST)
    if form.is_valid():
        try:
            tags.put(actor=request.user, asset=asset.uuid, **form.cleaned_data)
        except Invalid as error:
            refuse(form, error)
    if form.errors:
        return _fields(request, asset, form=form, status=UNPROCESSABLE)
    return _done(request, asset, f"Tagged {form.cleaned_data['key']}.", _fields)


@sent_from("asset", "uuid")
@page
@require_POST
def untag(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    gone = tags.remove(
        actor=request.user,
        asset=asset.uuid,
        key=request.POST.get("key", "").replace("\0", ""),
        field=request.POST.get("field", "").replace("\0", ""),
    )
    return _done(request, asset, f"Tag {gone.key} taken away.", _fields)


@sent_from("asset", "uuid")
@page
@require_POST
def decide_name(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    form = NamingForm(request.POST)
    if not form.is_valid():
        raise _first(form)
    naming.decide(
        actor=request.user,
        asset=asset,
        other=selectors.asset(form.cleaned_data["other"]),
        decision=Decision(form.cleaned_data["decision"]),
        reason=form.cleaned_data["reason"],
    )
    return _done(request, asset, "Decided. The graph follows in a moment.", _names)


@sent_from("asset", "uuid")
@page
@require_POST
def hide(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    form = HidingForm(request.POST)
    if form.is_valid():
        try:
            hiding.hide(actor=request.user, asset=asset.uuid, reason=form.cleaned_data["reason"])
        except (Invalid, Conflict) as error:
            refuse(form, error)
    if form.errors:
        return _names(request, asset, form=form, status=UNPROCESSABLE)
    messages.success(request, "Hidden from lists. The graph still leads here.")
    return redirect("asset", asset.uuid)


@sent_from("asset", "uuid")
@page
@require_POST
def show(request: PortalRequest, uuid: UUID) -> HttpResponse:
    asset = selectors.asset(uuid)
    hiding.show(actor=request.user, asset=asset.uuid)
    messages.success(request, "Back in the lists.")
    return redirect("asset", asset.uuid)


def _first(form: NamingForm) -> DomainError:
    """No person fills this form in by hand, so a fault in it is none that could be mended in the page."""
    found = {str(name): str(errors[0]) for name, errors in form.errors.items()}
    return Invalid("; ".join(f"{name}: {says}" for name, says in found.items()), fields=found)


def _done(request: PortalRequest, asset: Asset, notice: str, section: Any) -> HttpResponse:
    if wants_fragment(request):
        answered: HttpResponse = section(request, asset, notice=notice)
        return answered
    messages.success(request, notice)
    return redirect("asset", asset.uuid)


def _fields(
    request: PortalRequest,
    asset: Asset,
    *,
    cursor: str = "",
    form: TagForm | None = None,
    day: Day = days.TODAY,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    held = permissions.held(request.user, asset.uuid) if day.moment.is_now else frozenset()
    context = {"day": day, **fields.context(asset, held, cursor, form, day=day)}
    return _part(request, asset, "Fields", "assets/_fields.html", context, notice, status)


def _names(
    request: PortalRequest,
    asset: Asset,
    *,
    form: HidingForm | None = None,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    context = names.context(asset, permissions.held(request.user, asset.uuid), form)
    return _part(request, asset, "Names", "assets/_names.html", context, notice, status)


def _part(
    request: PortalRequest,
    asset: Asset,
    part: str,
    template: str,
    context: Mapping[str, Any],
    notice: str,
    status: int,
) -> HttpResponse:
    whole = {"asset": asset, "part": part, "part_template": template, "notice": notice, **context}
    return render(request, "assets", "assets/part.html", template, whole, status=status)
