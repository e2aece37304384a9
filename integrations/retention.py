"""How long what came is kept as it came. What it became stays in the event log."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from integrations.models import Delivery, Reading

BATCH = 5_000


def prune() -> int:
    """Delete deliveries and readings older than ASSAY_DELIVERY_DAYS, in batches; gives how many. Safe to run twice.

    What waits to be translated is kept, however old it is.
    """
    before = timezone.now() - timedelta(days=settings.DELIVERY_DAYS)
    deleted = 0
    while True:
        old = Delivery.objects.filter(received_at__lt=before, due_at=None).order_by("received_at")
        pks = list(old.values_list("pk", flat=True)[:BATCH])
        if not pks:
            break
        deleted += Delivery.objects.filter(pk__in=pks).delete()[0]
    return deleted + Reading.objects.filter(started_at__lt=before).delete()[0]
