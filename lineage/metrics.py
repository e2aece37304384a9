"""What /metrics shows of the graph."""

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lineage import projection
from lineage.models import Outbox


class Backlog(Collector):
    """How far the graph is behind the event log."""

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "assay_projection_backlog", "Events taken and not yet in the graph.", value=projection.backlog()
        )
        yield GaugeMetricFamily(
            "assay_projection_dead_letters",
            "Events set aside because they could not be projected.",
            value=Outbox.objects.filter(is_dead=True).count(),
        )
