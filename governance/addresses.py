"""Addresses of the governance app."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from governance import api, classificationapi, health

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.figures, name="metrics"),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path(
        "api/v1/docs",
        # The split view keeps its script apart, as the content security policy asks.
        SpectacularSwaggerSplitView.as_view(url_name="api-schema", template_name="api/docs.html"),
        name="api-docs",
    ),
    path("api/v1/whoami", api.WhoAmIView.as_view(), name="api-whoami"),
    path("api/v1/teams", api.TeamsView.as_view(), name="api-teams"),
    path("api/v1/teams/<slug:slug>", api.TeamView.as_view(), name="api-team"),
    path("api/v1/teams/<slug:slug>/members/<str:username>", api.MemberView.as_view(), name="api-member"),
    path("api/v1/ownerships", api.OwnershipsView.as_view(), name="api-ownerships"),
    path("api/v1/assets/<uuid:asset>/owners", api.OwnersView.as_view(), name="api-owners"),
    path("api/v1/assets/<uuid:asset>/owners/history", api.OwnershipHistoryView.as_view(), name="api-owners-history"),
    path("api/v1/assets/<uuid:asset>/owners/<slug:role>", api.OwnerView.as_view(), name="api-owner"),
    path(
        "api/v1/assets/<uuid:asset>/classification",
        classificationapi.ClassificationView.as_view(),
        name="api-classification",
    ),
    path(
        "api/v1/assets/<uuid:asset>/classification/history",
        classificationapi.HistoryView.as_view(),
        name="api-classification-history",
    ),
    path("api/v1/audit", api.AuditView.as_view(), name="api-audit"),
]
