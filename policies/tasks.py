"""Background work of the policies app."""

from celery import shared_task

from policies import checking, incidents, waivers


@shared_task(name="policies.tasks.check")
def check(finding_ids: list[int]) -> None:
    checking.check(finding_ids)


@shared_task(name="policies.tasks.sweep")
def sweep() -> None:
    checking.sweep()
    waivers.sweep()


@shared_task(name="policies.tasks.watch")
def watch() -> None:
    incidents.watch()
