"""Teams: who is in them and what they answer for."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from governance import selectors
from portal import owners, paging, queries
from portal.pages import page, render
from portal.requests import PortalRequest


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    context = {"teams": list(selectors.teams())}
    return render(request, "teams", "teams/list.html", "teams/list.html", context)


@page
@require_GET
def detail(request: PortalRequest, slug: str) -> HttpResponse:
    team = selectors.team(slug)
    owned = paging.by_id(selectors.owned_by(team), queries.text(request, "after"))
    context = {"team": team, "members": list(selectors.members(team)), "page": owners.with_assets(owned)}
    return render(request, "teams", "teams/team.html", "teams/team.html", context)
