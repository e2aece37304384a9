"""Teams: who is in them and what they answer for; making one, and changing who is in it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from governance import permissions, selectors
from governance import teams as governed
from governance.errors import Conflict, Invalid
from governance.models import Team, TeamRole
from governance.permissions import Permission
from portal import owners, paging, queries
from portal.forms import MemberForm, TeamForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest

# In words, what a role lets its holders do with what the team owns.
ROLES = {
    TeamRole.MEMBER: "asks for promotions",
    TeamRole.APPROVER: "approves them too",
    TeamRole.MAINTAINER: "changes owners, connections and the team as well",
}


@page
@require_http_methods(["GET", "HEAD", "POST"])
def listing(request: PortalRequest) -> HttpResponse:
    form = TeamForm(request.POST if request.method == "POST" else None)
    if form.is_bound:
        permissions.require(request.user, Permission.MANAGE_TEAM)
    if form.is_valid():
        try:
            made = governed.create(actor=request.user, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            refuse(form, error)
        else:
            messages.success(request, f"{made.name} is a team now. Say who is in it.")
            return redirect("team", made.slug)
    text = queries.text(request, "q")
    context = {
        "text": text,
        "teams": list(selectors.teams(text)),
        "form": form if permissions.may(request.user, Permission.MANAGE_TEAM) else None,
    }
    status = UNPROCESSABLE if form.errors else 200
    response = render(request, "teams", "teams/list.html", "teams/_list.html", context, status=status)
    response["HX-Replace-Url"] = reverse("teams") + (f"?{urlencode({'q': text})}" if text else "")
    return response


@page
@require_GET
def detail(request: PortalRequest, slug: str) -> HttpResponse:
    return _page(request, selectors.team(slug), MemberForm())


@sent_from("team", "slug")
@page
@require_POST
def join(request: PortalRequest, slug: str) -> HttpResponse:
    """Take somebody into the team, or give a member another role."""
    team = selectors.team(slug)
    permissions.require(request.user, Permission.MANAGE_TEAM, team=team)
    form = MemberForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            governed.add_member(actor=request.user, team=team, **said)
        except Invalid as error:
            refuse(form, error)
        else:
            messages.success(request, f"{said['user']} is {said['role']} of {team.name} now.")
            return redirect("team", slug)
    return _page(request, team, form, status=UNPROCESSABLE)


@sent_from("team", "slug")
@page
@require_POST
def leave(request: PortalRequest, slug: str) -> HttpResponse:
    team, user = selectors.team(slug), selectors.user(request.POST.get("user", "").replace("\0", ""))
    governed.remove_member(actor=request.user, team=team, user=user)
    messages.success(request, f"{user} is not in {team.name} any more.")
    return redirect("team", slug)


def _page(request: PortalRequest, team: Team, form: MemberForm, *, status: int = 200) -> HttpResponse:
    owned = paging.by_id(selectors.owned_by(team), queries.text(request, "after"))
    context: dict[str, Any] = {
        "team": team,
        "members": list(selectors.members(team)),
        "page": owners.with_assets(owned),
        "form": None,
    }
    if permissions.may(request.user, Permission.MANAGE_TEAM, team=team):
        context |= {"form": form, "roles": ROLES.items(), "people": owners.people()}
    return render(request, "teams", "teams/team.html", "teams/team.html", context, status=status)
