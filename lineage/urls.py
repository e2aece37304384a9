"""Addresses of the lineage app under /api/v1/."""

from django.urls import path

from lineage import receiver
from lineage.api import assets, fields, graph, impact, names

urlpatterns = [
    path("lineage", receiver.Lineage.as_view(), name="lineage"),
    path("lineage/batch", receiver.Batch.as_view(), name="lineage-batch"),
    # Clients join addresses in their own ways, and a redirect would lose the event. Left out of the API's description.
    path("lineage/", receiver.Lineage.as_view(schema=None)),
    path("lineage/batch/", receiver.Batch.as_view(schema=None)),
    path("assets", assets.AssetsView.as_view(), name="api-assets"),
    path("assets/<uuid:uuid>", assets.AssetView.as_view(), name="api-asset"),
    path("assets/<uuid:uuid>/versions", assets.VersionsView.as_view(), name="api-asset-versions"),
    path("assets/<uuid:uuid>/runs", assets.RunsView.as_view(), name="api-asset-runs"),
    path("assets/<uuid:uuid>/impact", impact.ImpactView.as_view(), name="api-asset-impact"),
    path("assets/<uuid:uuid>/impact.csv", impact.ImpactTableView.as_view(), name="api-asset-impact-csv"),
    path("assets/<uuid:uuid>/fields", fields.FieldsView.as_view(), name="api-asset-fields"),
    path("assets/<uuid:uuid>/tags", fields.TagsView.as_view(), name="api-asset-tags"),
    path("assets/<uuid:uuid>/tags/upstream", fields.UpstreamTagsView.as_view(), name="api-asset-tags-upstream"),
    path("assets/<uuid:uuid>/names", names.NamesView.as_view(), name="api-asset-names"),
    path("assets/<uuid:uuid>/hiding", names.HidingView.as_view(), name="api-asset-hiding"),
    path("names/proposed", names.ProposalsView.as_view(), name="api-names-proposed"),
    path("names/joined", names.JoinedView.as_view(), name="api-names-joined"),
    path("assets/hidden", names.HiddenView.as_view(), name="api-assets-hidden"),
    path("graph", graph.GraphView.as_view(), name="api-graph"),
]
