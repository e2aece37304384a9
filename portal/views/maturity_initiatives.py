"""Initiatives: the list, one with its burn-up, opening and ending."""

from datetime import UTC, datetime, time, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assessments import aggregates, initiatives, portfolio, records, selectors
from assessments.framework import Ladder
from assessments.judging import Status
from assessments.models import Initiative
from governance import permissions
from governance import selectors as people
from governance.errors import Conflict, Invalid, NotFound
from governance.permissions import Permission
from portal import queries
from portal.maturity import board, figures, words
from portal.maturity.forms import EndForm, InitiativeForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest
from portal.views import maturity

MAX_CRITERIA = 200


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    now = timezone.now()
    context = {
        **maturity.frame(request),
        "running": [board.how_far(one, now) for one in records.initiatives(is_open=True)],
        "closed": [board.how_far(one, now) for one in records.initiatives(is_open=False)[:50]],
        "may_open": permissions.may(request.user, Permission.SET_TARGETS),
    }
    return render(request, "maturity", "maturity/initiatives.html", "maturity/initiatives.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: PortalRequest) -> HttpResponse:
    """The form, filled in with what was ticked in a what-if panel; sent, it opens the initiative."""
    permissions.require(request.user, Permission.SET_TARGETS)
    form = InitiativeForm(request.POST) if request.method == "POST" else InitiativeForm(initial=_begin(request))
    if request.method == "POST" and form.is_valid():
        try:
            opened = initiatives.start(
                actor=request.user, **(form.cleaned_data | {"teams": list(form.cleaned_data["teams"])})
            )
        except (Invalid, NotFound) as error:
            refuse(form, error)
        else:
            messages.success(request, "The initiative is open.")
            return redirect("maturity-initiative", opened.pk)
    chosen = {str(slug) for slug in (form["teams"].value() or ())}
    criteria = form["criteria"].value() or ""
    names = [name for name in (criteria if isinstance(criteria, list) else criteria.split(",")) if name]
    context = {
        **maturity.frame(request),
        "form": form,
        "ladders": [one for one in portfolio.frameworks() if isinstance(one, Ladder)],
        "teams": [(team, team.slug in chosen) for team in people.teams().order_by("name")],
        "criteria": [words.title(name) for name in names],
        "criteria_text": ",".join(names),
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "maturity", "maturity/start.html", "maturity/start.html", context, status=status)


def _begin(request: PortalRequest) -> dict[str, object]:
    today = timezone.now().date()
    criteria = ",".join(request.GET.getlist("pass")[:MAX_CRITERIA])
    team = queries.text(request, "team")
    return {
        "framework": queries.text(request, "framework") or next(iter(portfolio.frameworks())).framework,
        "criteria": criteria,
        "level": None if criteria else 1,
        "teams": [team] if team else [],
        "starts_on": today,
        "ends_on": today + timedelta(days=90),
    }


@page
@require_GET
def detail(request: PortalRequest, initiative: int) -> HttpResponse:
    found = records.initiative(initiative)
    far = board.how_far(found, timezone.now())
    points = records.burn_up(found)
    asked = max((point.done.asked for point in points), default=1)
    chart = figures.over_time(
        [(one.at, float(one.done.done), f"{one.done.done} of {one.done.asked}") for one in points],
        float(asked),
        y_labels=[(0.0, "0"), (asked / 2, f"{asked / 2:g}"), (float(asked), f"{asked:,}")],
        begin=datetime.combine(found.starts_on, time.min, UTC),
        end=datetime.combine(found.ends_on, time.max, UTC),
        goal=float(asked),
        is_stepped=False,
    )
    context = {
        **maturity.frame(request),
        "far": far,
        "initiative": found,
        "mark": words.OUTCOMES[found.outcome],
        "framework": selectors.framework(found.framework),
        "points": points,
        "chart": chart,
        "standing": _standing(found),
        # New criteria come as advisory; who runs the service lets them gate once the teams had their time.
        "advisory": [one for one in records.criteria_of(found) if not one.gating],
        "may_end": not found.outcome and permissions.may(request.user, Permission.SET_TARGETS),
    }
    return render(request, "maturity", "maturity/initiative.html", "maturity/initiative.html", context)


def _standing(initiative: Initiative) -> list[dict[str, object]]:
    """Each criterion with where each team stands now."""
    snapshot = portfolio.shown(initiative.framework)
    teams = sorted(initiative.teams.all(), key=lambda team: team.name)
    found = []
    for one in records.criteria_of(initiative):
        from_team = (
            {team.pk: result for team, result in aggregates.results_of(snapshot, one.id) if team} if snapshot else {}
        )
        results = [(team, from_team.get(team.pk)) for team in teams]
        found.append(
            {
                "criterion": one,
                "title": words.title(one.id),
                "teams": results,
                "holding": sum(result is not None and Status(result["status"]).holds for _, result in results),
            }
        )
    return found


@sent_from("maturity-initiative", "initiative")
@page
@require_POST
def end(request: PortalRequest, initiative: int) -> HttpResponse:
    found = records.initiative(initiative)
    form = EndForm(request.POST)
    if form.is_valid():
        try:
            initiatives.end(actor=request.user, initiative=found, reason=form.cleaned_data["reason"])
        except (Invalid, Conflict) as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The initiative is ended and keeps what it came to.")
    else:
        messages.error(request, "Say why it ends.")
    return redirect("maturity-initiative", initiative)
