"""The root of all addresses."""

from django.urls import include, path

urlpatterns = [
    path("", include("governance.addresses")),
    path("api/v1/", include("lineage.urls")),
    path("api/v1/", include("policies.urls")),
    path("api/v1/", include("integrations.urls")),
    path("api/v1/", include("assessments.urls")),
    path("", include("portal.urls")),
]
handler400 = "governance.faults.bad_request"
handler403 = "governance.faults.permission_denied"
handler404 = "governance.faults.not_found"
handler500 = "governance.faults.server_error"
