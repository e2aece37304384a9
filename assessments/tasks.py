"""Maturity in the background: what is computed each day and published each week."""

from celery import shared_task
from django.utils import timezone

from assessments import initiatives, lateness, reminders, snapshots
from assessments.snapshots import Kind


@shared_task
def compute() -> int:
    """The snapshots of the day, for watching. Gives how many were taken."""
    return len(snapshots.take(kind=Kind.COMPUTED))


@shared_task
def publish() -> int:
    """The snapshots of the week, as of Monday 00:00 UTC. Run twice, or late, it publishes once for the same time.

    Initiatives are settled by what was published, and of those that go on it is said how far they are.
    """
    now = timezone.now()
    taken = snapshots.take(kind=Kind.PUBLISHED, as_of=snapshots.week_began(now))
    initiatives.settle(now.date())
    reminders.report(now)
    return len(taken)


@shared_task
def restate() -> int:
    """Published snapshots made again where facts came late. Gives how many came out otherwise."""
    return len(lateness.restate(timezone.now()))


@shared_task
def remind() -> int:
    """Teams reminded of answers and initiatives that come due. Run twice, it reminds of each once."""
    return reminders.send(timezone.now())
