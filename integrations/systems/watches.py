"""Alerts of systems that say again and again how something stands, and not which episode it belongs to. Pure.

Such an alert has the name of what is watched. It is open while the newest word on it is bad; the first time that it was
told so is when it opened.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations import openlineage
from integrations.openlineage import Dataset, Event, Facets, Job, Type

MAX_ID_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """How one watched thing stands. `severity`: info, warning, critical, or empty when nobody says.

    `opened_at`: when the sender says so. `closed_at`: None while it is open.
    """

    id: str
    kind: str
    severity: str = ""
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    measured: float | None = None
    limit: float | None = None
    about: str = ""

    def document(self) -> dict[str, Any]:
        told: dict[str, Any] = {"id": self.id[:MAX_ID_CHARS], "kind": self.kind}
        if self.severity:
            told["severity"] = self.severity
        if self.opened_at is not None:
            told["openedAt"] = self.opened_at.isoformat()
        if self.closed_at is not None:
            told["closedAt"] = self.closed_at.isoformat()
        more = {"measured": self.measured, "limit": self.limit, "about": self.about or None}
        return told | {key: value for key, value in more.items() if value is not None}


def told(
    alerts: Iterable[Alert],
    *,
    job: Job,
    at: datetime,
    about: Iterable[Dataset],
    run: str = "",
    facets: Facets | None = None,
) -> Event:
    """The run of what watches that found this. Without one of its own it is one run a day."""
    own = run or openlineage.run_id(job.namespace, job.name, "watch", at.date().isoformat())
    listed = [alert.document() for alert in alerts]
    more = {"assay_alerts": {"alerts": listed}} if listed else {}
    return openlineage.of_run(Type.COMPLETE, at=at, run=own, job=job, inputs=about, facets={**(facets or {}), **more})
