"""Addresses of the governance app: health, the API's description, and who a token is."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from governance import api

urlpatterns = [
    path("livez", api.livez, name="livez"),
    path("readyz", api.readyz, name="readyz"),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/docs", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("api/v1/whoami", api.WhoAmIView.as_view(), name="api-whoami"),
]
