"""What stands behind the numbers of the leadership page."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from assessments import portfolio
from assessments.framework import Framework
from governance.models import Team
from portal import queries
from portal.maturity import moving, proving
from portal.maturity import team as teams
from portal.maturity.proving import Asked
from portal.pages import page, render
from portal.requests import PortalRequest
from portal.views import maturity


def asked(request: PortalRequest) -> Asked:
    return Asked(
        as_of=maturity.day(request),
        tier=queries.choice(request, "tier", maturity.TIERS),
        is_daily=queries.choice(request, "daily", {"on"}) == "on",
    )


def framework(request: PortalRequest) -> Framework | None:
    """The framework that the address names, if it names one."""
    known = {one.framework: one for one in portfolio.frameworks()}
    return known.get(queries.choice(request, "framework", known))


def whose(request: PortalRequest) -> tuple[Team | None, bool]:
    """The team that the address names (None: what nobody owns), and whether it names one. Raises NotFound."""
    slug = queries.text(request, "team")
    return (teams.of_address(slug), True) if slug else (None, False)


@page
@require_GET
def ratings(request: PortalRequest) -> HttpResponse:
    context = maturity.frame(request) | proving.ratings(
        asked(request),
        framework=framework(request),
        band=queries.choice(request, "band", proving.BANDS),
        number=queries.number(request, "page"),
    )
    return render(request, "maturity", "maturity/ratings.html", "maturity/ratings.html", context)


@page
@require_GET
def results(request: PortalRequest) -> HttpResponse:
    team, is_one_team = whose(request)
    context = maturity.frame(request) | proving.results(
        asked(request),
        kind=queries.choice(request, "rests", proving.KINDS),
        framework=framework(request),
        team=team,
        is_one_team=is_one_team,
        number=queries.number(request, "page"),
    )
    return render(request, "maturity", "maturity/results.html", "maturity/results.html", context)


@page
@require_GET
def changes(request: PortalRequest) -> HttpResponse:
    snapshots, lines = proving.portfolio_lines(asked(request))
    taken = [one for one in snapshots.values() if one is not None]
    now = maturity.day(request) or timezone.now()
    context = maturity.frame(request) | {
        "earlier": portfolio.before(taken[0]) if taken else None,
        "at": taken[0].as_of if taken else None,
        **moving.context(moving.movement(taken, lines, at=now), number=queries.number(request, "page")),
    }
    return render(request, "maturity", "maturity/changes.html", "maturity/changes.html", context)


@page
@require_GET
def releases(request: PortalRequest) -> HttpResponse:
    team, is_one_team = whose(request)
    context = maturity.frame(request) | proving.releases(
        part=queries.choice(request, "part", proving.PARTS, default="releases"),
        team=team,
        is_one_team=is_one_team,
        as_of=maturity.day(request),
        number=queries.number(request, "page"),
    )
    return render(request, "maturity", "maturity/releases.html", "maturity/releases.html", context)
