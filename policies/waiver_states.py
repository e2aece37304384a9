"""Where a waiver stands at an instant, from its times alone: none counts a second too long because nobody wrote it."""

from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from policies.models import Waiver


class WaiverState(StrEnum):
    """Only approved covers anything, between its start and its end."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    REVOKED = "revoked"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        """Whether it may still be ended by somebody."""
        return self in {WaiverState.REQUESTED, WaiverState.APPROVED}


def of(waiver: Waiver, at: datetime) -> WaiverState:
    if waiver.refused_at is not None and waiver.refused_at <= at:
        return WaiverState.REFUSED
    if waiver.revoked_at is not None and waiver.revoked_at <= at:
        return WaiverState.REVOKED
    if waiver.ends_at <= at:
        return WaiverState.EXPIRED
    return (
        WaiverState.APPROVED if waiver.approved_at is not None and waiver.approved_at <= at else WaiverState.REQUESTED
    )


def is_in_force(waiver: Waiver, at: datetime) -> bool:
    """Whether it covers its rule at that instant."""
    return of(waiver, at) is WaiverState.APPROVED and waiver.starts_at <= at


def where(which: WaiverState, now: datetime) -> Q:
    """The condition that finds those which `of` puts into this state now."""
    ended_by_nobody = Q(refused_at__isnull=True, revoked_at__isnull=True)
    match which:
        case WaiverState.REFUSED:
            return Q(refused_at__isnull=False)
        case WaiverState.REVOKED:
            return Q(revoked_at__isnull=False)
        case WaiverState.EXPIRED:
            return ended_by_nobody & Q(ends_at__lte=now)
        case WaiverState.APPROVED:
            return ended_by_nobody & Q(ends_at__gt=now, approved_at__isnull=False)
        case WaiverState.REQUESTED:
            return ended_by_nobody & Q(ends_at__gt=now, approved_at__isnull=True)
