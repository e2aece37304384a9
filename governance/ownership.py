"""Who answers for an asset: one owner per role at a time, with the history kept."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone
from psycopg import errors as postgresql

from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import Membership, OwnerRole, Ownership, Team, User
from governance.permissions import Permission

# Times outside are slips of the pen, and at the ends of the calendar Python and PostgreSQL disagree.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
FURTHEST = timedelta(days=3660)


@transaction.atomic
def assign(
    *,
    actor: User,
    asset: UUID,
    role: str,
    team: Team,
    user: User | None = None,
    since: datetime | None = None,
) -> tuple[Ownership, bool]:
    """Make the team (and the person) the asset's owner in this role from `since` (inclusive; now when absent).

    The owner before ends at the same instant. Returns the ownership and whether it is new: who is the owner already
    stays so. Raises Denied, Invalid, or Conflict when a later owner is already set.
    """
    _wait_for_others(asset)
    permissions.require(actor, Permission.MANAGE_OWNERSHIP, asset=asset)
    known = _role(role)
    now = timezone.now()
    begin = since or now
    _check_time(begin, now)
    _check_owner(actor, asset, team, user, now)
    current = Ownership.objects.of(asset).at(begin).filter(role=known.value).first()
    if current is not None:
        if current.period.upper is None and (current.team_id, current.user_id) == (team.pk, user and user.pk):
            return current, False
        _close(current, begin)
    try:
        with transaction.atomic():
            owner = Ownership.objects.create(
                asset=asset, role=known.value, team=team, user=user, period=DateTimeTZRange(begin, None, "[)")
            )
    except IntegrityError as error:
        if not isinstance(error.__cause__, postgresql.ExclusionViolation):
            raise
        raise Conflict(f"Another {known.label.lower()} is set from a later time: end that ownership first.") from None
    audit.record(
        actor=actor,
        action=Action.OWNER_ASSIGNED,
        subject=subject(asset),
        detail=_detail(owner) | {"since": begin.isoformat(), "before": _detail(current) if current else None},
    )
    return owner, True


@transaction.atomic
def end(*, actor: User, asset: UUID, role: str, at: datetime | None = None) -> Ownership:
    """End the current ownership in this role at `at` (exclusive; now when absent). Raises NotFound without one."""
    _wait_for_others(asset)
    permissions.require(actor, Permission.MANAGE_OWNERSHIP, asset=asset)
    known = _role(role)
    when = at or timezone.now()
    current = Ownership.objects.of(asset).at(when).filter(role=known.value).first()
    if current is None or current.period.upper is not None:
        raise NotFound(f"The asset has no {known.label.lower()} whose time is open.")
    _close(current, when)
    audit.record(
        actor=actor,
        action=Action.OWNER_ENDED,
        subject=subject(asset),
        detail=_detail(current) | {"until": when.isoformat()},
    )
    return current


def subject(asset: UUID) -> str:
    """How the audit log names an asset."""
    return f"asset:{asset}"


def _wait_for_others(asset: UUID) -> None:
    """Changes of one asset's owners go one after the other, each judged by what the one before left.

    Taken before the permission is asked for: of two teams that take what nobody owns, the second must find it owned.
    The exclusion constraint alone would let them collide in a deadlock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ownership of {asset}"])


def _close(ownership: Ownership, when: datetime) -> None:
    if ownership.period.lower >= when:
        says = f"Not after {ownership.period.lower.isoformat()}, when the current owner began."
        raise Invalid(f"since: {says}", fields={"since": says})
    ownership.period = DateTimeTZRange(ownership.period.lower, when, "[)")
    ownership.save(update_fields=["period"])


def _check_time(begin: datetime, now: datetime) -> None:
    if not EARLIEST <= begin <= now + FURTHEST:
        says = f"Not between {EARLIEST:%Y-%m-%d} and {FURTHEST.days} days from now."
        raise Invalid(f"since: {says}", fields={"since": says})


def _check_owner(actor: User, asset: UUID, team: Team, user: User | None, now: datetime) -> None:
    if user is not None and not user.is_active:
        raise Invalid("user: not active.", fields={"user": "Not active."})
    if user is not None and not Membership.objects.filter(team=team, user=user).exists():
        says = f"Not a member of the team {team.slug}."
        raise Invalid(f"user: {says}", fields={"user": says})
    owned = Ownership.objects.of(asset).at(now).exists()
    if not owned and not permissions.may_claim_for(actor, team):
        raise Denied(f"Nobody owns this asset yet: you may take it for a team of yours, not for {team.slug}.")


def _detail(ownership: Ownership) -> dict[str, object]:
    return {
        "role": ownership.role,
        "team": ownership.team.slug,
        "user": ownership.user.username if ownership.user else None,
    }


def _role(role: str) -> OwnerRole:
    try:
        return OwnerRole(role)
    except ValueError:
        says = f"Not one of {', '.join(OwnerRole.values)}."
        raise Invalid(f"role: {says}", fields={"role": says}) from None
