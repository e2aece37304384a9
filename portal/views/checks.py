"""The catalogue of checks: what each asks, what it needs, and what comes of which facts."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from governance.errors import NotFound
from policies import manual
from policies import selectors as policies
from portal import queries
from portal.pages import page, render
from portal.requests import PortalRequest


@page
@require_GET
def listing(request: PortalRequest) -> HttpResponse:
    text = queries.text(request, "q")
    context = {"text": text, "found": manual.search(text), "total": len(manual.pages())}
    response = render(request, "checks", "checks/list.html", "checks/_list.html", context)
    response["HX-Replace-Url"] = reverse("checks") + (f"?{urlencode({'q': text})}" if text else "")
    return response


@page
@require_GET
def detail(request: PortalRequest, name: str) -> HttpResponse:
    told = manual.page(name)
    if told is None:
        raise NotFound(f"There is no check {name}.", fields={"check": "Unknown."})
    asking = [
        version.policy
        for version, said in policies.current_policies()
        if any(rule.check.id == name for rule in said.rules)
    ]
    context = {"check": told, "policies": asking}
    return render(request, "checks", "checks/check.html", "checks/check.html", context)
