"""Promotions: the list, the page that fills in while checks finish, and what people say to them."""

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from governance import permissions
from governance.errors import Conflict, Invalid
from governance.models import User
from governance.permissions import Permission
from policies import approvals, coverage, makers, promotions, selectors
from policies.evaluation import Decision, State
from policies.models import Promotion
from portal import findings, marks, paging, queries, standings, waivers
from portal.forms import DecisionForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest, wants_fragment

# How often an open page asks again. Checks take milliseconds, people take longer.
REFRESH = {State.CHECKING: "1s", State.WAITING: "5s"}


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    state = queries.choice(request, "state", set(State))
    counts = selectors.states()
    query = urlencode({"state": state}) if state else ""
    shown = paging.by_id(selectors.promotions(state=state), queries.text(request, "after"), newest_first=True)
    context = {
        "page": shown,
        "uncovered": coverage.uncovered(shown.rows, timezone.now()),
        "state": state,
        "states": [
            {"state": one.value, "word": marks.PROMOTION_STATES[one].word, "count": counts.get(one, 0)} for one in State
        ],
        "query": query,
        "public_url": settings.PUBLIC_URL,
    }
    response = render(request, "promotions", "promotions/list.html", "promotions/_list.html", context)
    response["HX-Replace-Url"] = reverse("promotions") + (f"?{query}" if query else "")
    return response


@page
@require_GET
def detail(request: PortalRequest, uuid: UUID) -> HttpResponse:
    promotion = selectors.promotion(uuid)
    context = of(request.user, promotion)
    if wants_fragment(request) and queries.text(request, "seen") == context["seen"]:
        # Nothing has changed: what the reader opened stays open.
        return HttpResponse(status=204)
    return render(request, "promotions", "promotions/promotion.html", "promotions/_promotion.html", context)


@sent_from("promotion", "uuid")
@page
@require_POST
def decide(request: PortalRequest, uuid: UUID) -> HttpResponse:
    promotion = selectors.promotion(uuid)
    form = DecisionForm(request.POST)
    if form.is_valid():
        try:
            approval = approvals.record(actor=request.user, promotion=promotion, **form.cleaned_data)
        except Invalid as error:
            refuse(form, error)
        except Conflict as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{marks.DECISIONS[approval.decision].word}, with your name in the record.")
    if form.errors:
        context = of(request.user, promotion) | {"form": form}
        page, fragment = "promotions/promotion.html", "promotions/_promotion.html"
        return render(request, "promotions", page, fragment, context, status=UNPROCESSABLE)
    return redirect("promotion", uuid)


@sent_from("promotion", "uuid")
@page
@require_POST
def withdraw(request: PortalRequest, uuid: UUID) -> HttpResponse:
    try:
        promotions.withdraw(actor=request.user, promotion=selectors.promotion(uuid))
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The request is withdrawn.")
    return redirect("promotion", uuid)


def of(user: User, promotion: Promotion) -> dict[str, Any]:
    """What the page of a promotion needs."""
    now = timezone.now()
    waived = selectors.waived(promotion, now)
    standing = standings.of(promotion, waived)
    asked = [waivers.of(waiver, now) for waiver in selectors.waivers_of(promotion, waived)]
    state = State(promotion.state)
    gaps = coverage.gaps(promotion, now) if state is State.PASSED else []
    spoken = sorted(promotion.approvals.all(), key=lambda approval: approval.decided_at)
    obstacle = approvals.obstacle(user, promotion)
    return {
        "promotion": promotion,
        "findings": standing.findings,
        "approvals": spoken,
        "approved": sum(approval.decision == Decision.APPROVE for approval in spoken),
        "mark": standing.mark,
        "headline": standing.headline,
        "is_final": state.is_final,
        "obstacle": obstacle,
        "form": None if obstacle else DecisionForm(),
        "may_withdraw": not promotions.obstacle_to_withdraw(user, promotion),
        "waivers": asked,
        "may_ask": permissions.may(user, Permission.REQUEST_PROMOTION, asset=promotion.model),
        "gaps": [(findings.shown(gap.finding), gap.since) for gap in gaps],
        "strangers": [] if obstacle or state is not State.WAITING else makers.strangers(promotion),
        "refresh": REFRESH.get(state, ""),
        "seen": seen(promotion, standing.findings, len(spoken), asked, len(gaps)),
    }


def seen(
    promotion: Promotion, shown: Sequence[findings.Shown], spoken: int, asked: Sequence[waivers.Shown], gaps: int
) -> str:
    """A short text that differs whenever the page does."""
    said = [promotion.state, [finding.outcome for finding in shown], spoken, gaps]
    said.append([(waiver.state, waiver.in_force, len(waiver.decisions)) for waiver in asked])
    return hashlib.sha256(str(said).encode()).hexdigest()[:16]
