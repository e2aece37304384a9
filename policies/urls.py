"""Addresses of the policies app under /api/v1/."""

from django.urls import path

from policies.api import checks, evidence, policies, promotions, waivers

urlpatterns = [
    path("promotions", promotions.PromotionsView.as_view(), name="api-promotions"),
    path("promotions/<uuid:uuid>", promotions.PromotionView.as_view(), name="api-promotion"),
    path("promotions/<uuid:uuid>/approvals", promotions.ApprovalsView.as_view(), name="api-promotion-approvals"),
    path("promotions/<uuid:uuid>/withdraw", promotions.WithdrawView.as_view(), name="api-promotion-withdraw"),
    path("waivers", waivers.WaiversView.as_view(), name="api-waivers"),
    path("waivers/<uuid:uuid>", waivers.WaiverView.as_view(), name="api-waiver"),
    path("waivers/<uuid:uuid>/approve", waivers.WaiverApproveView.as_view(), name="api-waiver-approve"),
    path("waivers/<uuid:uuid>/refuse", waivers.WaiverRefuseView.as_view(), name="api-waiver-refuse"),
    path("waivers/<uuid:uuid>/revoke", waivers.WaiverRevokeView.as_view(), name="api-waiver-revoke"),
    path("policies", policies.PoliciesView.as_view(), name="api-policies"),
    path("policies/schema", policies.SchemaView.as_view(), name="api-policies-schema"),
    path("policies/validate", policies.ValidateView.as_view(), name="api-policies-validate"),
    path("policies/diff", policies.DraftDiffView.as_view(), name="api-policies-diff"),
    path("policies/test", policies.TestView.as_view(), name="api-policies-test"),
    path("policies/simulate", policies.SimulateView.as_view(), name="api-policies-simulate"),
    path("policies/<slug:slug>", policies.PolicyView.as_view(), name="api-policy"),
    path("policies/<slug:slug>/versions", policies.VersionsView.as_view(), name="api-policy-versions"),
    path("policies/<slug:slug>/versions/<int:number>", policies.VersionView.as_view(), name="api-policy-version"),
    path("policies/<slug:slug>/diff", policies.DiffView.as_view(), name="api-policy-diff"),
    path("policies/<slug:slug>/retire", policies.RetireView.as_view(), name="api-policy-retire"),
    path("checks", checks.ChecksView.as_view(), name="api-checks"),
    path("checks/<slug:name>", checks.CheckView.as_view(), name="api-check"),
    path("evidence/<str:digest>", evidence.EvidenceView.as_view(), name="api-evidence"),
]
