"""Background work of the policies app."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from policies import checking, incidents, retention, waivers


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


@shared_task(name="policies.tasks.prune")
def prune() -> None:
    retention.prune(older_than=timedelta(days=settings.EVIDENCE_UNUSED_DAYS))
