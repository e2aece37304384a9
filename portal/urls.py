"""Addresses of pages."""

from django.urls import path
from django.views.generic import RedirectView

from portal.views import assets, audit, checks, owners, people, policies, promotions, runs, teams, tokens, waivers

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="assets"), name="home"),
    path("sign-in", people.sign_in, name="sign-in"),
    path("sign-out", people.sign_out, name="sign-out"),
    path("theme", people.theme, name="theme"),
    path("assets", assets.listing, name="assets"),
    path("assets/<uuid:uuid>", assets.detail, name="asset"),
    path("assets/<uuid:uuid>/lineage", assets.lineage, name="asset-lineage"),
    path("assets/<uuid:uuid>/versions", assets.versions, name="asset-versions"),
    path("assets/<uuid:uuid>/runs", assets.runs, name="asset-runs"),
    path("assets/<uuid:uuid>/owners", owners.assign, name="owner-assign"),
    path("assets/<uuid:uuid>/owners/<slug:role>/end", owners.end, name="owner-end"),
    path("versions/<uuid:uuid>", runs.version, name="version"),
    path("runs/<uuid:uuid>", runs.run, name="run"),
    path("promotions", promotions.listing, name="promotions"),
    path("promotions/<uuid:uuid>", promotions.detail, name="promotion"),
    path("promotions/<uuid:uuid>/decide", promotions.decide, name="promotion-decide"),
    path("promotions/<uuid:uuid>/withdraw", promotions.withdraw, name="promotion-withdraw"),
    path("promotions/<uuid:uuid>/waivers", waivers.request_one, name="waiver-request"),
    path("waivers", waivers.listing, name="waivers"),
    path("waivers/<uuid:uuid>", waivers.detail, name="waiver"),
    path("waivers/<uuid:uuid>/decide", waivers.decide, name="waiver-decide"),
    path("waivers/<uuid:uuid>/revoke", waivers.revoke, name="waiver-revoke"),
    path("policies", policies.listing, name="policies"),
    path("policies/<slug:slug>", policies.detail, name="policy"),
    path("checks", checks.listing, name="checks"),
    path("checks/<slug:name>", checks.detail, name="check"),
    path("teams", teams.listing, name="teams"),
    path("teams/<slug:slug>", teams.detail, name="team"),
    path("tokens", tokens.listing, name="tokens"),
    path("tokens/<int:token>/revoke", tokens.revoke, name="token-revoke"),
    path("audit", audit.listing, name="audit"),
]
