"""Addresses of the integrations app under /api/v1/."""

from django.urls import path

from integrations import receiver

urlpatterns = [
    path("hooks/<slug:slug>", receiver.Hook.as_view(), name="hook"),
    path("hooks/<slug:slug>/<str:token>", receiver.Hook.as_view(schema=None), name="hook-with-token"),
    # Senders join addresses in their own ways, and a redirect would lose the delivery.
    path("hooks/<slug:slug>/", receiver.Hook.as_view(schema=None)),
    path("hooks/<slug:slug>/<str:token>/", receiver.Hook.as_view(schema=None)),
]
