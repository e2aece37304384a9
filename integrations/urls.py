"""Addresses of the integrations app under /api/v1/."""

from django.urls import path

from integrations import admitting, receiver
from integrations.api import connections, deliveries, outlets

urlpatterns = [
    path("hooks/<slug:slug>/admission", admitting.Admission.as_view(), name="admission"),
    path("hooks/<slug:slug>/<str:token>/admission", admitting.Admission.as_view(schema=None)),
    path("hooks/<slug:slug>", receiver.Hook.as_view(), name="hook"),
    path("hooks/<slug:slug>/<str:token>", receiver.Hook.as_view(schema=None), name="hook-with-token"),
    # Senders join addresses in their own ways, and a redirect would lose the delivery.
    path("hooks/<slug:slug>/", receiver.Hook.as_view(schema=None)),
    path("hooks/<slug:slug>/<str:token>/", receiver.Hook.as_view(schema=None)),
    path("connections", connections.ConnectionsView.as_view(), name="api-connections"),
    path("connections/<slug:slug>", connections.ConnectionView.as_view(), name="api-connection"),
    path("connections/<slug:slug>/secrets", connections.SecretsView.as_view(), name="api-connection-secrets"),
    path(
        "connections/<slug:slug>/secrets/<int:number>", connections.SecretView.as_view(), name="api-connection-secret"
    ),
    path("connections/<slug:slug>/pause", connections.PauseView.as_view(), name="api-connection-pause"),
    path("connections/<slug:slug>/outlet", outlets.OutletView.as_view(), name="api-connection-outlet"),
    path("connections/<slug:slug>/replay", connections.ReplayView.as_view(), name="api-connection-replay"),
    path("connections/<slug:slug>/deliveries", deliveries.DeliveriesView.as_view(), name="api-deliveries"),
    path("connections/<slug:slug>/readings", deliveries.ReadingsView.as_view(), name="api-readings"),
    path("deliveries/<int:number>", deliveries.DeliveryView.as_view(), name="api-delivery"),
    path("deliveries/<int:number>/redeliver", deliveries.RedeliverView.as_view(), name="api-delivery-redeliver"),
    path("joins", deliveries.JoinsView.as_view(), name="api-joins"),
    path("joins/rules", deliveries.JoinRulesView.as_view(), name="api-join-rules"),
    path("joins/<int:number>", deliveries.JoinView.as_view(), name="api-join"),
]
