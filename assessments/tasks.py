"""Maturity in the background: what is computed each day and published each week."""

from celery import shared_task
from django.utils import timezone

from assessments import initiatives, snapshots
from assessments.snapshots import Kind


@shared_task
def compute() -> int:
    """The snapshots of the day, for watching. Gives how many were taken."""
    return len(snapshots.take(kind=Kind.COMPUTED))


@shared_task
def publish() -> int:
    """The snapshots of the week, as of Monday 00:00 UTC. Run twice, or late, it publishes once for the same time.

    Initiatives are settled by what was published.
    """
    now = timezone.now()
    taken = snapshots.take(kind=Kind.PUBLISHED, as_of=snapshots.week_began(now))
    initiatives.settle(now.date())
    return len(taken)
