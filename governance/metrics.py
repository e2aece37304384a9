"""What /metrics shows. Every value is read when it is asked for, so that all processes of the service tell the same.

Upper apps add theirs when they are ready: `metrics.register(Backlog())`.
"""

from collections.abc import Iterable

from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from governance.models import ApiToken

# Not the library's global registry: its values of one process would change with the process that happens to answer.
REGISTRY = CollectorRegistry(auto_describe=False)


def register(collector: Collector) -> None:
    """Let /metrics show what the collector yields."""
    REGISTRY.register(collector)


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


register(Tokens())
