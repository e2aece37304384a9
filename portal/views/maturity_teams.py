"""Maturity of one team: its page, what-if, one criterion down to its misses, one model."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.shortcuts import render as render_template
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from assessments import aggregates, portfolio, previews, records, selectors
from assessments.framework import Criterion, Framework, Ladder, ScoredTest
from assessments.models import Answer
from governance import permissions
from governance.errors import NotFound
from governance.models import Team, User
from governance.permissions import Permission
from portal import queries
from portal.maturity import connecting, words
from portal.maturity import criterion as criteria
from portal.maturity import team as teams
from portal.maturity.forms import AnswerForm, ExemptionForm, ReviewForm, TargetForm
from portal.pages import page, render, sent_from
from portal.requests import PortalRequest, wants_fragment
from portal.views import maturity

MAX_TICKED = 200


def asked_framework(request: PortalRequest) -> Framework:
    """The framework that the address names; the first one when it names none."""
    known = {one.framework: one for one in portfolio.frameworks()}
    return known[queries.choice(request, "framework", known, default=next(iter(known)))]


@page
@require_GET
def detail(request: PortalRequest, slug: str) -> HttpResponse:
    team, framework = teams.of_address(slug), asked_framework(request)
    is_daily = queries.choice(request, "daily", {"on"}) == "on"
    context = teams.context(team, framework, as_of=maturity.day(request), is_daily=is_daily)
    context |= maturity.frame(request) | {
        "as_of": queries.text(request, "as_of"),
        "is_daily": is_daily,
        "may_set_target": team is not None and permissions.may(request.user, Permission.SET_TARGETS),
        "target_form": TargetForm(),
        "supposed": supposition(request, context, framework),
    }
    return render(request, "maturity", "maturity/team.html", "maturity/team.html", context)


@page
@require_GET
def what_if(request: PortalRequest, slug: str) -> HttpResponse:
    """The panel alone for htmx; for others the page of the team with the same criteria ticked."""
    if not wants_fragment(request):
        return redirect(f"{request.path.removesuffix('/what-if')}?{request.GET.urlencode()}")
    team, framework = teams.of_address(slug), asked_framework(request)
    snapshot = portfolio.shown(framework.framework, as_of=maturity.day(request))
    own = teams.card(snapshot, team)
    context: dict[str, Any] = {
        "team": team,
        "slug": slug,
        "framework": framework,
        "scorecard": own,
        "may_suppose": bool(own and own.level is not None and snapshot and portfolio.plan_of(snapshot)),
        "target": selectors.target(framework.framework, team) if team else None,
        "may_set_target": team is not None and permissions.may(request.user, Permission.SET_TARGETS),
    }
    context["supposed"] = supposition(request, context, framework)
    return render_template(request, "maturity/_what_if.html", context)


def supposition(request: PortalRequest, context: dict[str, Any], framework: Framework) -> dict[str, Any] | None:
    """What would be if the ticked criteria passed; None while nothing is ticked or can be."""
    ticked = sorted({name for name in request.GET.getlist("pass") if name})[:MAX_TICKED]
    if not ticked or not context["may_suppose"] or not isinstance(framework, Ladder):
        return None
    known = {one.id for one in framework.criteria}
    if unknown := [name for name in ticked if name not in known]:
        raise NotFound(f"{framework.framework} has no criterion {unknown[0][:80]}.", fields={"pass": "unknown"})
    return teams.supposed(context["scorecard"], ticked, context["target"], framework)


@page
@require_GET
def of_criterion(request: PortalRequest, slug: str, framework: str, criterion: str) -> HttpResponse:
    return show(request, slug, framework, criterion)


@page
@require_GET
def every_miss(request: PortalRequest, slug: str, framework: str, criterion: str) -> HttpResponse:
    """All misses, also those that the snapshot does not keep."""
    context = maturity.frame(request) | criteria.every_miss(
        slug,
        teams.of_address(slug),
        framework,
        criterion,
        as_of=maturity.day(request),
        number=queries.number(request, "page"),
    )
    return render(request, "maturity", "maturity/misses.html", "maturity/misses.html", context)


@sent_from("maturity-team-criterion", "slug", "framework", "criterion")
@page
@require_POST
def evaluate(request: PortalRequest, slug: str, framework: str, criterion: str) -> HttpResponse:
    found = previews.evaluate(team=teams.of_address(slug), framework=framework, criterion=criterion)
    return show(request, slug, framework, criterion, preview=found)


@page
@require_GET
def model(request: PortalRequest, slug: str, uuid: UUID) -> HttpResponse:
    context = teams.model_context(teams.of_address(slug), asked_framework(request), uuid) | maturity.frame(request)
    return render(request, "maturity", "maturity/model.html", "maturity/model.html", context)


def show(
    request: PortalRequest,
    slug: str,
    framework: str,
    criterion: str,
    *,
    preview: previews.Preview | None = None,
    answer_form: AnswerForm | None = None,
    exemption_form: ExemptionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of one criterion of a team, perhaps with a form that was refused."""
    team = teams.of_address(slug)
    found, of = selectors.criterion(framework, criterion), selectors.framework(framework)
    snapshot = portfolio.shown(framework, as_of=maturity.day(request))
    own = teams.card(snapshot, team)
    result = next((one for one in own.results if one["criterion"] == criterion), None) if own else None
    context = {
        **maturity.frame(request),
        "team": team,
        "slug": slug,
        "name": team.name if team else "Unowned",
        "framework": of,
        "criterion": found,
        "title": words.title(criterion),
        "level": criteria.level_of(of, found),
        "snapshot": snapshot,
        "scorecard": own,
        "obstacles": teams.obstacles(own, {framework: snapshot}),
        "result": criteria.team_result(found, team, result) if result else None,
        "misses": criteria.misses([(team, miss) for miss in result.get("misses", ())]) if result else [],
        "all_misses": criteria.miss_count(found, result) if result else 0,
        "facts": [(one, connecting.sources(one.fact)) for one in criteria.facts(result["missing"])] if result else [],
        "basis": criteria.basis(found) if isinstance(found, Criterion) else "",
        "tests": criteria.models_of(snapshot, found, team) if snapshot and isinstance(found, ScoredTest) else [],
        "history": [
            (at, number, entry, words.counted(entry))
            for at, number, _, entry in reversed(aggregates.history_of(framework, team.pk if team else None, criterion))
        ][:24],
        "preview": criteria.team_result(found, team, preview.result) if preview else None,
        "preview_misses": criteria.misses([(team, miss) for miss in preview.result["misses"]]) if preview else [],
        "preview_at": preview.at if preview else None,
        "may_evaluate": isinstance(found, Criterion) and found.measure is not None,
        **(_words(request.user, team, framework, found) if team else {}),
        "answer_form": answer_form or AnswerForm(),
        "exemption_form": exemption_form or ExemptionForm(),
        "review_form": ReviewForm(),
        "extents": list(words.EXTENTS.items()),
        "evidence_lines": range(3),
    }
    return render(request, "maturity", "maturity/criterion.html", "maturity/criterion.html", context, status=status)


def _words(user: User, team: Team, framework: str, found: Criterion | ScoredTest) -> dict[str, Any]:
    """What people said to a criterion, for those who may read it, and what the reader may do."""
    now = timezone.now()
    may_read = records.may_read(user, team)
    said = records.answers_to(team, framework, found.id) if may_read else []
    may_assess = permissions.may(user, Permission.ASSESS) and not _is_member(user, team)
    return {
        "is_answerable": criteria.is_answerable(found),
        "question": criteria.question(found),
        "asked_evidence": criteria.asked_evidence(found),
        "corroborated_by": criteria.corroborated_by(found),
        "beside": previews.corroboration(team=team, criterion=found)
        if isinstance(found, Criterion) and may_read and said
        else None,
        "may_read": may_read,
        "answers": [(one, records.standing(one, now), _may_review(user, one, may_assess)) for one in said],
        "exemptions": list(records.exemptions_of(team, framework, found.id)) if may_read else [],
        "now": now,
        "may_answer": criteria.is_answerable(found) and permissions.may(user, Permission.MANAGE_TEAM, team=team),
        "may_assess": may_assess,
        "may_end": permissions.may(user, Permission.ASSESS) or permissions.may(user, Permission.MANAGE_TEAM, team=team),
    }


def _is_member(user: User, team: Team) -> bool:
    return team.memberships.filter(user=user).exists()


def _may_review(user: User, answer: Answer, may_assess: bool) -> bool:
    return (
        may_assess
        and answer.answered_by_id != user.pk
        and all(review.reviewer_id != user.pk for review in answer.reviews.all())
    )
