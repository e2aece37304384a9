"""What /metrics shows. Every value is read when it is asked for, so that all processes of the service tell the same.

An app adds figures by a collector of its own and its name in the setting METRICS.
"""

from collections.abc import Iterable
from functools import cache

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.module_loading import import_string
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from governance.models import ApiToken


@cache
def registry() -> CollectorRegistry:
    """The collectors of all apps.

    Not the library's global registry: its figures of one process change with the process that happens to answer.
    """
    made = CollectorRegistry(auto_describe=False)
    for name in settings.METRICS:
        made.register(import_string(name)())
    return made


class Tokens(Collector):
    """How many tokens there are, by whether they work."""

    def collect(self) -> Iterable[Metric]:
        now = timezone.now()
        counts = ApiToken.objects.aggregate(
            live=Count("pk", filter=Q(revoked_at=None, expires_at__gt=now)),
            expired=Count("pk", filter=Q(revoked_at=None, expires_at__lte=now)),
            revoked=Count("pk", filter=Q(revoked_at__isnull=False)),
        )
        family = GaugeMetricFamily("assay_api_tokens", "API tokens by state.", labels=["state"])
        for state, count in counts.items():
            family.add_metric([state], count)
        yield family
