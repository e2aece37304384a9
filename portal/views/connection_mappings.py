"""Trying a mapping of generic JSON on a sample, before it is set: nothing is stored."""

import json
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from governance import permissions
from governance.permissions import Permission
from integrations import connections as services
from integrations.models import Connection
from integrations.systems.mapping import MappingOptions, Tried, try_mapping
from portal import connections
from portal.connectionforms import MappingForm, written
from portal.pages import UNPROCESSABLE, page, render
from portal.requests import PortalRequest

EXAMPLE_MAPPING = """\
mapping:
  - fact: kpi
    items: scores
    fields:
      model: "'loans'"
      version: version
      kpi: name
      value: value
"""
EXAMPLE_SAMPLE = """\
{"scores": [{"version": "7", "name": "auc", "value": 0.91}]}
"""


@page
@require_http_methods(["GET", "HEAD", "POST"])
def try_on_sample(request: PortalRequest, slug: str) -> HttpResponse:
    """Whoever reads connections may try; setting the mapping is for those who may change the connection."""
    connection = connections.find(slug)
    may_change = permissions.may(request.user, Permission.MANAGE_CONNECTIONS, team=connection.team)
    form = MappingForm(request.POST or None, initial=_begins_with(connection, with_newest=may_change))
    tried: Tried | None = None
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        rules = said["mapping"].get("mapping")
        tried = try_mapping(rules, said["sample"], namespace=connection.namespace, at=timezone.now())
    context: dict[str, Any] = {
        "connection": connection,
        "may_change": may_change and connection.retired_at is None,
        "form": form,
        "tried": tried,
        "events": [json.dumps(_told(event), indent=2, ensure_ascii=False) for event in tried.events] if tried else [],
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(
        request, "connections", "connections/mapping.html", "connections/_mapping.html", context, status=status
    )


def _begins_with(connection: Connection, *, with_newest: bool) -> dict[str, str]:
    """What is set, and the newest delivery for those who may see what it holds; else an example."""
    options = services.options_of(connection)
    is_set = isinstance(options, MappingOptions) and options.mapping
    newest = connection.deliveries.order_by("-id").first() if with_newest else None
    return {
        "mapping": written({"mapping": connection.options["mapping"]}) if is_set else EXAMPLE_MAPPING,
        "sample": bytes(newest.body).decode("utf-8", "replace") if newest else EXAMPLE_SAMPLE,
    }


def _told(value: Any) -> Any:
    """An event without what every event and facet carries."""
    if isinstance(value, dict):
        return {key: _told(one) for key, one in value.items() if key not in {"producer", "schemaURL"} and key[0] != "_"}
    return [_told(one) for one in value] if isinstance(value, list) else value
