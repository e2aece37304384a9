"""Measurements of the graph as facts."""

from collections.abc import Sequence

from lineage.evidence import Measurement
from policies.checks.facts import MeasurementFact


def facts(rows: Sequence[Measurement]) -> list[MeasurementFact]:
    return [
        MeasurementFact(
            metric=row.metric,
            segment=row.segment,
            value=row.value,
            measured_at=row.measured_at.isoformat(),
            dataset=row.dataset,
            sample_size=row.sample_size,
            is_contradicted=row.is_contradicted,
        )
        for row in rows
    ]
