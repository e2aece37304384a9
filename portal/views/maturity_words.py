"""What people say about maturity on the pages: answers, reviews, exemptions, targets."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from assessments import answers, exemptions, records, targets
from assessments.answers import EvidenceReference
from governance import permissions, selectors
from governance.errors import Conflict, Denied, Invalid
from governance.permissions import Permission
from portal.maturity import words
from portal.maturity.forms import AnswerForm, ExemptionForm, ReviewForm, TargetForm
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.requests import PortalRequest
from portal.views import maturity, maturity_teams


@page
@require_GET
def reviews(request: PortalRequest) -> HttpResponse:
    """The work of assessors: answers to review, to look at again, and those that lapse soon."""
    if not records.may_read_all(request.user):
        raise Denied("Answers of all teams are read by assessors, sponsors and auditors.", code="permission_missing")
    now = timezone.now()
    context = {
        **maturity.frame(request),
        "may_assess": permissions.may(request.user, Permission.ASSESS),
        "waiting": [(one, words.title(one.criterion)) for one in records.waiting_for_review(now)],
        "again": [(one, words.title(one.criterion)) for one in answers.due_for_recheck(now)],
        "lapsing": [(one, words.title(one.criterion)) for one in records.lapsing_soon(now)],
        "exemptions": [(one, words.title(one.criterion)) for one in records.exemptions_in_force(now)],
        "silent": selectors.silent_senders(now - records.SILENT),
    }
    return render(request, "maturity", "maturity/reviews.html", "maturity/reviews.html", context)


@sent_from("maturity-team-criterion", "slug", "framework", "criterion")
@page
@require_POST
def answer(request: PortalRequest, slug: str, framework: str, criterion: str) -> HttpResponse:
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            answers.give(
                actor=request.user,
                team=selectors.team(slug),
                framework=framework,
                criterion=criterion,
                extent=form.cleaned_data["extent"],
                evidence=[EvidenceReference(title=title, reference=reference) for title, reference in form.evidence()],
                note=form.cleaned_data["note"],
            )
        except Invalid as error:
            refuse(form, error)
        else:
            messages.success(request, "Answered. It counts once an assessor outside the team has reviewed it.")
    if form.errors:
        return maturity_teams.show(request, slug, framework, criterion, answer_form=form, status=UNPROCESSABLE)
    return redirect("maturity-team-criterion", slug, framework, criterion)


@sent_from("maturity-reviews")
@page
@require_POST
def review(request: PortalRequest, answer: int) -> HttpResponse:
    found = records.answer(request.user, answer)
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            answers.review(actor=request.user, answer=found, **form.cleaned_data)
        except (Invalid, Conflict) as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "Reviewed, with your name in the record.")
    else:
        messages.error(request, "Say whether you accept or reject the answer.")
    return redirect("maturity-team-criterion", found.team.slug, found.framework, found.criterion)


@sent_from("maturity-team-criterion", "slug", "framework", "criterion")
@page
@require_POST
def exempt(request: PortalRequest, slug: str, framework: str, criterion: str) -> HttpResponse:
    form = ExemptionForm(request.POST)
    if form.is_valid():
        try:
            exemptions.grant(
                actor=request.user,
                team=selectors.team(slug),
                framework=framework,
                criterion=criterion,
                reason=form.cleaned_data["reason"],
                until=form.cleaned_data["until"],
            )
        except Invalid as error:
            refuse(form, error)
        else:
            messages.success(request, "Exempted. From the next snapshot on it shows as an asterisk, never as a pass.")
    if form.errors:
        return maturity_teams.show(request, slug, framework, criterion, exemption_form=form, status=UNPROCESSABLE)
    return redirect("maturity-team-criterion", slug, framework, criterion)


@sent_from("maturity-reviews")
@page
@require_POST
def end_exemption(request: PortalRequest, exemption: int) -> HttpResponse:
    found = records.exemption(request.user, exemption)
    try:
        exemptions.end(actor=request.user, exemption=found)
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The exemption is ended.")
    return redirect("maturity-team-criterion", found.team.slug, found.framework, found.criterion)


@sent_from("maturity-team", "slug")
@page
@require_POST
def target(request: PortalRequest, slug: str) -> HttpResponse:
    framework = maturity_teams.asked_framework(request)
    form = TargetForm(request.POST)
    if form.is_valid():
        try:
            targets.set_level(
                actor=request.user, team=selectors.team(slug), framework=framework.framework, **form.cleaned_data
            )
        except Invalid as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The target is set.")
    else:
        messages.error(request, "Give the level as a number.")
    return redirect(f"/maturity/teams/{slug}?framework={framework.framework}")
