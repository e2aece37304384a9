"""Maturity over all teams: the leadership page, the method, what would make results known."""

from datetime import UTC, date, datetime, time
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from assessments import catalogue, editions, portfolio, records, selectors
from assessments.framework import Ladder, Rubric
from governance import selectors as people
from governance.criticality import Tier
from governance.errors import Invalid
from portal import paging, queries
from portal.maturity import board, connecting, criterion, words
from portal.pages import page, render
from portal.requests import PortalRequest

TIERS = {tier.value for tier in Tier} | {"none"}


# What links between pages of maturity take along, so that all of them speak of the same time and teams.
ALONG = ("as_of", "tier", "daily")


def frame(request: PortalRequest) -> dict[str, object]:
    """What every page of maturity needs beside its own."""
    return {
        "is_generated": people.is_generated(),
        "may_read_all": records.may_read_all(request.user),
        "along": urlencode({name: said for name in ALONG if (said := queries.text(request, name))}),
    }


def day(request: PortalRequest, name: str = "as_of") -> datetime | None:
    """The end of a day in UTC that the address names. Raises Invalid."""
    text = queries.text(request, name)
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        raise Invalid(f"{name}: a day such as 2026-01-31.", fields={name: "Not a day."}) from None


@page
@require_GET
def leadership(request: PortalRequest) -> HttpResponse:
    as_of = day(request)
    tier = queries.choice(request, "tier", TIERS)
    may_rank = settings.MATURITY_RANKING and records.may_read_all(request.user)
    is_ranked = may_rank and queries.choice(request, "ranking", {"on"}) == "on"
    is_daily = queries.choice(request, "daily", {"on"}) == "on"
    number = queries.number(request, "page")
    context = board.context(as_of=as_of, tier=tier, is_daily=is_daily, is_ranked=is_ranked, number=number) | {
        **frame(request),
        "as_of": queries.text(request, "as_of"),
        "tier": tier,
        "tiers": [*((one.value, one.label) for one in Tier), ("none", "Unclassified")],
        "may_rank": may_rank,
        "is_ranked": is_ranked,
        "is_daily": is_daily,
    }
    return render(request, "maturity", "maturity/leadership.html", "maturity/leadership.html", context)


@page
@require_GET
def across(request: PortalRequest, framework: str, criterion_id: str) -> HttpResponse:
    found = criterion.across(framework, criterion_id, as_of=day(request), number=queries.number(request, "page"))
    context = found | frame(request)
    return render(request, "maturity", "maturity/across.html", "maturity/across.html", context)


@page
@require_GET
def method(request: PortalRequest) -> HttpResponse:
    frameworks = portfolio.frameworks()
    context = {
        **frame(request),
        "ladders": [one for one in frameworks if isinstance(one, Ladder)],
        "rubrics": [one for one in frameworks if isinstance(one, Rubric)],
        "vocabulary": catalogue.vocabulary(),
        "numbers": criterion.NUMBERS,
        "versions": [(one, list(reversed(editions.breaks(one.framework)))) for one in frameworks],
    }
    return render(request, "maturity", "maturity/method.html", "maturity/method.html", context)


@page
@require_GET
def unknown(request: PortalRequest) -> HttpResponse:
    slug = queries.text(request, "team")
    team = people.team(slug) if slug else None
    snapshots = {one.framework: portfolio.shown(one.framework) for one in portfolio.frameworks()}
    names = dict(people.teams().values_list("pk", "name"))
    of = {one.id: framework.framework for framework in portfolio.frameworks() for one in criterion.listed(framework)}
    facts = [
        {
            "fact": one,
            "title": words.title(f"-{one.fact.replace('_', '-')}"),
            "criteria": [(of[name], name, words.title(name)) for name in one.criteria if name in of],
            "sources": connecting.sources(one.fact),
            "teams": [names[pk] for pk in one.teams if pk in names],
        }
        for one in portfolio.missing_facts(snapshots, team=team)
    ]
    context = {**frame(request), "facts": facts, "team": team, "is_taken": any(snapshots.values())}
    return render(request, "maturity", "maturity/unknown.html", "maturity/unknown.html", context)


@page
@require_GET
def snapshots(request: PortalRequest) -> HttpResponse:
    framework = queries.choice(request, "framework", {one.framework for one in portfolio.frameworks()})
    found = paging.by_id(selectors.snapshots(framework), queries.text(request, "after"), newest_first=True)
    context = {**frame(request), "page": found, "framework": framework, "frameworks": portfolio.frameworks()}
    return render(request, "maturity", "maturity/snapshots.html", "maturity/snapshots.html", context)
