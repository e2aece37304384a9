"""The facet `assay_modelMetrics` from what reports measured. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from integrations.openlineage import Dataset
from integrations.systems.reading import Reader

MAX_CHARS = 200
MOST = 1_000


def metric(name: str, value: Reader, segment: str = "") -> dict[str, Any] | None:
    """One value; null when it was measured and is no number, as a ratio by an empty group. None when it is neither."""
    is_measured = value.value is None or isinstance(value.value, int | float) or value.text().lower() == "nan"
    if not name or len(name) > MAX_CHARS or isinstance(value.value, bool) or not is_measured:
        return None
    told: dict[str, Any] = {"name": name, "value": value.number()}
    return told | {"segment": segment[:MAX_CHARS]} if segment else told


def measured(
    model: Dataset, found: Iterable[dict[str, Any] | None], *, at: datetime, on: Dataset | None = None
) -> Dataset:
    """The model with its metrics, and the data that they were measured on if their version is known."""
    more: dict[str, Any] = {"measuredAt": at.isoformat()}
    if on is not None and "version" in on.facets:
        version = on.facets["version"]["datasetVersion"]
        more["dataset"] = {"namespace": on.namespace, "name": on.name, "version": version}
    told = [{**more, **one} for one in found if one is not None][:MOST]
    return model.saying(assay_modelMetrics={"metrics": told}) if told else model
