"""Background work of the policies app."""

from celery import shared_task

from policies import checking


@shared_task(name="policies.tasks.check")
def check(finding_id: int) -> None:
    checking.check(finding_id)


@shared_task(name="policies.tasks.sweep")
def sweep() -> None:
    checking.sweep()
