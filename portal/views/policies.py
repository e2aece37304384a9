"""Policies: their versions, what changed between two, the editor, and what they judged."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from governance import permissions
from governance.errors import Conflict, Invalid, NotFound
from governance.permissions import Permission
from governance.yamldocuments import BadDocument, Error
from policies import differences, documents, publishing, selectors, simulation, starters
from policies.models import Policy, PolicyVersion
from portal import paging, queries
from portal.pages import UNPROCESSABLE, page, refuse, render, sent_from
from portal.policyforms import PolicyForm, RetireForm
from portal.requests import PortalRequest

JUDGED_SIZE = 10
TRIED_DAYS = 90
TRIED_PROMOTIONS = 200


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    state = queries.choice(request, "state", {"", "retired"})
    found = selectors.current_policies(retired=state == "retired")
    policies = [{"version": version, "said": said} for version, said in found]
    context = {"policies": policies, "state": state, "may_manage": may_manage(request)}
    return render(request, "policies", "policies/list.html", "policies/list.html", context)


@page
@require_GET
def detail(request: PortalRequest, slug: str) -> HttpResponse:
    policy = selectors.policy(slug)
    versions = list(selectors.policy_versions(policy))
    shown = _numbered(versions, queries.text(request, "version") or str(versions[0].number), slug)
    return _detail(request, policy, versions, shown, RetireForm())


@page
@require_GET
def judged(request: PortalRequest, slug: str) -> HttpResponse:
    context = {"policy": selectors.policy(slug), **_judged(request, selectors.policy(slug))}
    return render(request, "policies", "policies/judged.html", "policies/_judged.html", context)


@page
@require_GET
def compare(request: PortalRequest, slug: str) -> HttpResponse:
    """Any two versions, in either direction; the newest and the one before it when absent."""
    policy = selectors.policy(slug)
    versions = list(selectors.policy_versions(policy))
    newest = versions[0].number
    new = _numbered(versions, queries.text(request, "new") or str(newest), slug)
    old = _numbered(versions, queries.text(request, "old") or str(max(1, new.number - 1)), slug)
    context = {
        "policy": policy,
        "versions": versions,
        "old": old,
        "new": new,
        "lines": differences.lines(old.document, new.document),
        "meaning": differences.meaning(old.document, new.document),
    }
    return render(request, "policies", "policies/compare.html", "policies/compare.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: PortalRequest, slug: str | None = None) -> HttpResponse:
    """The editor: for a new policy, or for the next version of one."""
    permissions.require(request.user, Permission.MANAGE_POLICIES)
    newest = None if slug is None else selectors.policy_version(selectors.policy(slug), None)
    if request.method != "POST":
        chosen = queries.choice(request, "from", {one.name for one in starters.starters()}, default="standard")
        text = newest.document if newest else next(one.text for one in starters.starters() if one.name == chosen)
        form = PolicyForm(initial={"document": text, "after": newest.number if newest else 0})
        return _editor(request, newest, form, text, chosen=chosen)
    form = PolicyForm(request.POST)
    errors: list[Error] = []
    if form.is_valid():
        said = form.cleaned_data
        try:
            version, is_new = publishing.publish(
                actor=request.user, text=said["document"], note=said["note"], after=said["after"], slug=slug
            )
        except BadDocument as bad:
            errors = bad.errors
            form.add_error("document", "The policy is not valid: see what is wrong beside it.")
        except (Invalid, Conflict) as error:
            refuse(form, error)
        else:
            words = "published" if is_new else "is the same as before: nothing was published"
            messages.success(request, f"{version} {words}.")
            return redirect("policy", version.policy.slug)
    return _editor(request, newest, form, request.POST.get("document", ""), errors=errors, status=UNPROCESSABLE)


@sent_from("policy-new")
@page
@require_POST
def check(request: PortalRequest) -> HttpResponse:
    """What is wrong with a text while it is written."""
    return render(
        request,
        "policies",
        "policies/checked.html",
        "policies/_checked.html",
        _checked(request.POST.get("document", "")),
    )


@sent_from("policy-new")
@page
@require_POST
def attempt(request: PortalRequest) -> HttpResponse:
    """What the text would have decided on promotions of the last months."""
    now = timezone.now()
    context: dict[str, Any] = {"days": TRIED_DAYS}
    try:
        context["simulation"] = simulation.simulate(
            texts=[request.POST.get("document", "").replace("\r\n", "\n")],
            since=now - timedelta(days=TRIED_DAYS),
            until=now,
            limit=TRIED_PROMOTIONS,
        )
    except BadDocument as bad:
        context["errors"] = bad.errors
    return render(request, "policies", "policies/tried.html", "policies/_tried.html", context)


@sent_from("policy", "slug")
@page
@require_POST
def retire(request: PortalRequest, slug: str) -> HttpResponse:
    policy = selectors.policy(slug)
    form = RetireForm(request.POST)
    if form.is_valid():
        try:
            publishing.retire(actor=request.user, policy=policy, reason=form.cleaned_data["reason"])
        except (Invalid, Conflict) as error:
            refuse(form, error)
        else:
            messages.success(request, f"{slug} is retired and judges nothing any more.")
            return redirect("policy", slug)
    versions = list(selectors.policy_versions(policy))
    return _detail(request, policy, versions, versions[0], form, status=UNPROCESSABLE)


def may_manage(request: PortalRequest) -> bool:
    return permissions.may(request.user, Permission.MANAGE_POLICIES)


def _detail(
    request: PortalRequest,
    policy: Policy,
    versions: list[PolicyVersion],
    shown: PolicyVersion,
    form: RetireForm,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "policy": policy,
        "versions": versions,
        "shown": shown,
        "is_current": shown == versions[0],
        "may_manage": may_manage(request),
        "form": form,
        **_judged(request, policy),
    }
    return render(request, "policies", "policies/policy.html", "policies/policy.html", context, status=status)


def _judged(request: PortalRequest, policy: Policy) -> dict[str, Any]:
    cursor = queries.text(request, "after")
    return {
        "judged": paging.by_id(selectors.judged_by(policy), cursor, newest_first=True, size=JUDGED_SIZE),
        "judged_address": reverse("policy-judged", args=[policy.slug]),
    }


def _editor(
    request: PortalRequest,
    newest: PolicyVersion | None,
    form: PolicyForm,
    text: str,
    *,
    chosen: str = "",
    errors: list[Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    checked = {"errors": errors} if errors else _checked(text)
    context = {
        "newest": newest,
        "form": form,
        "text": text,
        "starters": starters.starters(),
        "chosen": chosen,
        **checked,
    }
    return render(request, "policies", "policies/editor.html", "policies/editor.html", context, status=status)


def _checked(text: str) -> dict[str, Any]:
    try:
        return {"said": documents.parse(text.replace("\r\n", "\n")), "errors": []}
    except BadDocument as bad:
        return {"said": None, "errors": bad.errors}


def _numbered(versions: list[PolicyVersion], number: str, slug: str) -> PolicyVersion:
    found = next((version for version in versions if str(version.number) == number), None)
    if found is None:
        raise NotFound(f"{slug} has no version {number}.", fields={"version": "Unknown."})
    return found
