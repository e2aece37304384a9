"""Policies and the text of each of their versions. Read only: documents are published from where they are kept."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from governance.errors import NotFound
from policies import selectors
from portal import queries
from portal.pages import page, render
from portal.requests import PortalRequest


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    policies = [{"version": version, "said": said} for version, said in selectors.current_policies()]
    return render(request, "policies", "policies/list.html", "policies/list.html", {"policies": policies})


@page
@require_GET
def detail(request: PortalRequest, slug: str) -> HttpResponse:
    policy = selectors.policy(slug)
    versions = list(selectors.policy_versions(policy))
    number = queries.text(request, "version") or str(versions[0].number)
    shown = next((version for version in versions if str(version.number) == number), None)
    if shown is None:
        raise NotFound(f"{slug} has no version {number}.", fields={"version": "Unknown."})
    context = {"policy": policy, "versions": versions, "shown": shown, "is_current": shown == versions[0]}
    return render(request, "policies", "policies/policy.html", "policies/policy.html", context)
