"""The root of all addresses."""

from django.urls import include, path

urlpatterns = [
    path("", include("governance.addresses")),
    path("api/v1/", include("lineage.urls")),
    path("api/v1/", include("policies.urls")),
    path("", include("portal.urls")),
]
