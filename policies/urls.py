"""Addresses of the policies app under /api/v1/."""

from django.urls import path

from policies import api

urlpatterns = [
    path("promotions", api.PromotionsView.as_view(), name="api-promotions"),
    path("promotions/<uuid:uuid>", api.PromotionView.as_view(), name="api-promotion"),
    path("promotions/<uuid:uuid>/approvals", api.ApprovalsView.as_view(), name="api-promotion-approvals"),
    path("promotions/<uuid:uuid>/withdraw", api.WithdrawView.as_view(), name="api-promotion-withdraw"),
    path("policies", api.PoliciesView.as_view(), name="api-policies"),
    path("policies/validate", api.ValidateView.as_view(), name="api-policies-validate"),
    path("evidence/<str:digest>", api.EvidenceView.as_view(), name="api-evidence"),
]
