"""Facts that came late: published snapshots whose past was told of since, and making their time again.

Whether an event is late is told by two things: it was received after the snapshot was counted (its id is above the
snapshot's watermark), and it tells of a time that the snapshot covers. Most such events change nothing; then it is
written down that the snapshot was looked at again, so that the same events are not counted every night.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from assessments import snapshots
from assessments.measures import latecomers
from assessments.measures.latecomers import Late
from assessments.models import Reexamination, Snapshot
from lineage import evidence

# As long as catalogues are scored side by side: an older report is closed, and is restated by hand if it has to be.
LOOKED_BACK = timedelta(days=90)


def restate(now: datetime) -> list[Snapshot]:
    """Make each published snapshot of the last 90 days again that events came late for, and give those that changed.

    Nothing happens while events still wait for the graph: the next call comes to them.
    """
    mark = evidence.watermark()
    if not evidence.is_projected(mark):
        return []
    by_time: dict[datetime, list[tuple[Snapshot, Late]]] = {}
    for snapshot in Snapshot.objects.filter(kind="published", as_of__gt=now - LOOKED_BACK).order_by("as_of", "number"):
        late = late_for(snapshot, mark)
        if late is not None:
            by_time.setdefault(snapshot.as_of, []).append((snapshot, late))
    made = []
    for listed in by_time.values():
        # The frameworks of one time are counted together, as when they were published.
        again = snapshots.restate_together(snapshots=[one for one, _ in listed], reason=str(listed[0][1]))
        for snapshot, late in listed:
            Reexamination.objects.create(
                snapshot=snapshot, watermark=mark, late_events=late.events, restatement=again.get(snapshot.pk)
            )
        made += list(again.values())
    return made


def late_for(snapshot: Snapshot, mark: int) -> Late | None:
    """The late events up to `mark` that nobody has looked at yet; None without any."""
    seen = max([snapshot.watermark, *_marks(snapshot)])
    return latecomers.count(after=seen, until=mark, as_of=snapshot.as_of) if seen < mark else None


def _marks(snapshot: Snapshot) -> Sequence[int]:
    """Up to where the snapshot's time was looked at again: by the schedule, or by whoever restated it."""
    return [
        *Reexamination.objects.filter(snapshot=snapshot).values_list("watermark", flat=True),
        *Snapshot.objects.filter(restates=snapshot).values_list("watermark", flat=True),
    ]
