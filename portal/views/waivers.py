"""Waivers: the list, the form that asks for one, and the page on which people decide."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from governance import permissions
from governance import selectors as governance_selectors
from governance.errors import Conflict, Invalid, NotFound
from governance.models import User
from governance.permissions import Permission
from policies import coverage, makers, selectors, tiers
from policies import waivers as policy_waivers
from policies.models import Promotion, Waiver
from policies.waiver_states import WaiverState
from portal import findings, marks, paging, queries, waivers
from portal.forms import ReasonForm, WaiverDecisionForm, WaiverForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest

OPEN = "open"
# What ends soon is looked at first; of what is over, what ended last.
ASCENDING = frozenset({OPEN, WaiverState.REQUESTED, WaiverState.APPROVED})
SOON = timedelta(days=7)


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    state = queries.choice(request, "state", {OPEN, *WaiverState}, default=OPEN)
    now = timezone.now()
    found = selectors.open_waivers(now) if state == OPEN else selectors.waivers(now=now, state=state)
    counts = selectors.counted_waivers(now)
    counts[OPEN] = counts[WaiverState.REQUESTED] + counts[WaiverState.APPROVED]
    query = urlencode({"state": state}) if state != OPEN else ""
    after = queries.text(request, "after")
    shown = paging.by_time(found, "ends_at", "uuid", after, newest_first=state not in ASCENDING)
    context = {
        "page": shown,
        "waivers": [waivers.of(waiver, now) for waiver in shown.rows],
        "state": state,
        "states": [
            {"state": one, "word": word, "count": counts[one]}
            for one, word in [(OPEN, "Open"), *((one.value, marks.WAIVER_STATES[one].word) for one in WaiverState)]
        ],
        "query": query,
        "now": now,
        "soon": now + SOON,
    }
    response = render(request, "waivers", "waivers/list.html", "waivers/_list.html", context)
    response["HX-Replace-Url"] = reverse("waivers") + (f"?{query}" if query else "")
    return response


@page
@require_GET
def detail(request: PortalRequest, uuid: UUID) -> HttpResponse:
    return _page(request, selectors.waiver(uuid))


@sent_from("waiver", "uuid")
@page
@require_POST
def decide(request: PortalRequest, uuid: UUID) -> HttpResponse:
    waiver = selectors.waiver(uuid)
    form = WaiverDecisionForm(request.POST)
    if form.is_valid():
        act = policy_waivers.approve if form.cleaned_data["decision"] == "approve" else policy_waivers.refuse
        try:
            act(actor=request.user, waiver=waiver, reason=form.cleaned_data["reason"])
        except Invalid as error:
            refuse(form, error)
        except Conflict as error:
            messages.error(request, error.message)
        else:
            word = marks.WAIVER_WORDS[form.cleaned_data["decision"]].word
            messages.success(request, f"{word}, with your name in the record.")
    if form.errors:
        return _page(request, waiver, form=form)
    return redirect("waiver", uuid)


@sent_from("waiver", "uuid")
@page
@require_POST
def revoke(request: PortalRequest, uuid: UUID) -> HttpResponse:
    waiver = selectors.waiver(uuid)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            policy_waivers.revoke(actor=request.user, waiver=waiver, reason=form.cleaned_data["reason"])
        except Invalid as error:
            refuse(form, error)
        except Conflict as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The waiver has ended.")
    if form.errors:
        return _page(request, waiver, revoking=form)
    return redirect("waiver", uuid)


def _page(
    request: PortalRequest,
    waiver: Waiver,
    *,
    form: WaiverDecisionForm | None = None,
    revoking: ReasonForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    obstacle = policy_waivers.obstacle(request.user, waiver)
    shown = waivers.of(waiver, now)
    uses = selectors.passed_with(waiver)
    context = {
        "shown": shown,
        "waiver": waiver,
        "now": now,
        "obstacle": obstacle,
        "form": None if obstacle else form or WaiverDecisionForm(),
        "revoking": None if policy_waivers.obstacle_to_revoke(request.user, waiver) else revoking or ReasonForm(),
        "is_own": waiver.requested_by_id == request.user.pk,
        "uses": uses,
        "uncovered": coverage.uncovered(uses, now),
        "strangers": makers.strangers(waiver.promotion) if shown.state is WaiverState.REQUESTED else [],
    }
    status = UNPROCESSABLE if form or revoking else 200
    return render(request, "waivers", "waivers/waiver.html", "waivers/_waiver.html", context, status=status)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def request_one(request: PortalRequest, uuid: UUID) -> HttpResponse:
    """The form that asks to set aside a rule of a promotion; the address names the rule."""
    promotion = selectors.promotion(uuid)
    permissions.require(request.user, Permission.REQUEST_PROMOTION, asset=promotion.model)
    rule, policy = queries.text(request, "rule"), queries.text(request, "policy")
    found = [one for one in policy_waivers.findings_to_waive(promotion) if (one[2], one[1].slug) == (rule, policy)]
    if not found:
        raise NotFound("No finding of this promotion waits for a waiver of this rule.", fields={"rule": "unknown"})
    teams = {owner.team for owner in governance_selectors.owners(promotion.model)}
    bounds = tiers.of_model(promotion.model)
    form = WaiverForm(request.POST or None, teams=sorted(teams, key=lambda team: team.slug), longest=bounds.longest)
    if request.method == "POST" and form.is_valid():
        try:
            waiver = _ask(request.user, promotion, rule, policy, form)
        except Invalid as error:
            refuse(form, error)
        except Conflict as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "The waiver is requested. Someone who did not make the version may approve it.")
            return redirect("waiver", waiver.uuid)
    context: dict[str, Any] = {
        "promotion": promotion,
        "finding": findings.shown(found[0][0]),
        "rule": rule,
        "policy": policy,
        "form": form,
        "bounds": bounds,
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "promotions", "waivers/request.html", "waivers/_request.html", context, status=status)


def _ask(actor: User, promotion: Promotion, rule: str, policy: str, form: WaiverForm) -> Waiver:
    said = form.cleaned_data
    scope, _, team = said["scope"].partition(":")
    waiver, _ = policy_waivers.request(
        actor=actor,
        promotion=promotion,
        rule=rule,
        policy=policy,
        scope=scope,
        team=governance_selectors.team(team) if team else None,
        reason=said["reason"],
        ticket=said["ticket"],
        ends_at=timezone.now() + timedelta(days=said["days"]),
    )
    return waiver
