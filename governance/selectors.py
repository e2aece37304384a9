"""What pages, the API and other apps read of people, teams, owners and the audit log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypedDict
from uuid import UUID

from django.db import connection
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    UUIDField,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from governance import database, permissions
from governance.actions import Action
from governance.errors import NotFound
from governance.models import (
    ApiToken,
    AuditEntry,
    Classification,
    Membership,
    OwnerRole,
    Ownership,
    OwnershipQuerySet,
    Team,
    User,
)
from governance.permissions import Permission

if TYPE_CHECKING:
    from django_stubs_ext import Annotations


class TeamCounts(TypedDict):
    """What `teams` counts beside each team."""

    members_count: int
    assets_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerName:
    """Who owns an asset in one role, by name: the team's slug and name, and a person's when one is named."""

    role: str
    team: str
    team_name: str
    user: str | None

    def __str__(self) -> str:
        return f"{self.team} ({self.user})" if self.user else self.team


CountedTeam: TypeAlias = "Annotated[Team, Annotations[TeamCounts]]"


# The subject under which the audit log tells of a made-up organisation.
GENERATED = "organisation:generated"
# Business owner, technical owner, steward: the order in which people read them.
_PLACES = {role.value: place for place, role in enumerate(OwnerRole)}
ROLE_ORDER = Case(
    *(When(role=role, then=Value(place)) for role, place in _PLACES.items()),
    output_field=IntegerField(),
)


def in_force(
    rows: OwnershipQuerySet, at: datetime | None = None, known_at: datetime | None = None
) -> QuerySet[Ownership]:
    """Of these ownerships those in force at an instant (now when absent), going by what was recorded by `known_at`.

    An end that was recorded later had not been known. When it was, the owner who followed tells, or the audit log.
    """
    when = at or timezone.now()
    if known_at is None:
        return rows.at(when)
    of_same = {"asset": OuterRef("asset"), "role": OuterRef("role")}
    followed = Ownership.objects.filter(**of_same, period__startswith=OuterRef("period__endswith"))
    ended = AuditEntry.objects.filter(
        subject=Concat(Value("asset:"), Cast(OuterRef("asset"), TextField())),
        action=Action.OWNER_ENDED,
        occurred_at__gt=known_at,
    ).alias(
        of_role=KeyTextTransform("role", "detail"), until=Cast(KeyTextTransform("until", "detail"), DateTimeField())
    )
    is_open = (
        Q(period__upper_inf=True)
        | Q(period__endswith__gt=when)
        | Exists(followed.filter(created_at__gt=known_at))
        | Exists(ended.filter(of_role=OuterRef("role"), until=OuterRef("period__endswith")))
    )
    return rows.filter(is_open, created_at__lte=known_at, period__startswith__lte=when)


def owners(asset: UUID, at: datetime | None = None) -> list[Ownership]:
    """The asset's owners at an instant (now when absent), at most one per role, with team and person loaded."""
    return owners_of([asset], at)[asset]


def owners_of(
    assets: Collection[UUID], at: datetime | None = None, known_at: datetime | None = None
) -> dict[UUID, list[Ownership]]:
    """The owners of each asset, see `in_force`; an empty list for one without. One query."""
    found: dict[UUID, list[Ownership]] = {asset: [] for asset in assets}
    current = in_force(Ownership.objects.filter(asset__in=among(found)), at, known_at)
    for ownership in current.select_related("team", "user").order_by(ROLE_ORDER):
        found[ownership.asset].append(ownership)
    return found


def owner_names_of(
    assets: Collection[UUID], at: datetime | None = None, known_at: datetime | None = None
) -> dict[UUID, list[OwnerName]]:
    """As `owners_of`, by name alone: for thousands of assets the rows would take longer to build than to find."""
    found: dict[UUID, list[OwnerName]] = {asset: [] for asset in assets}
    if known_at is None:
        current = _names_in_force(found, at or timezone.now())
    else:
        rows = in_force(Ownership.objects.filter(asset__in=among(found)), at, known_at).order_by()
        current = list(rows.values_list("asset", "role", "team__slug", "team__name", "user__username"))
    names: dict[tuple[str, str, str, str | None], OwnerName] = {}
    # Put in order here: to tell the database how takes longer than to do it.
    for asset, role, team, team_name, user in sorted(current, key=lambda row: _PLACES[row[1]]):
        key = role, team, team_name, user
        if key not in names:  # A few teams own thousands.
            names[key] = OwnerName(role=role, team=team, team_name=team_name, user=user)
        found[asset].append(names[key])
    return found


def _names_in_force(assets: Collection[UUID], when: datetime) -> list[tuple[UUID, str, str, str, str | None]]:
    """Asset, role, team's slug and name, and person: the query of `OwnershipQuerySet.at`, which takes longer to build
    than to answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT o.asset, o.role, t.slug, t.name, u.username FROM governance_ownership o
            JOIN governance_team t ON t.id = o.team_id LEFT JOIN governance_user u ON u.id = o.user_id
            WHERE o.asset IN (SELECT unnest(%s::uuid[])) AND o.period @> %s
            """,
            [database.array(assets), when],
        )
        return list(cursor.fetchall())


def among(assets: Collection[UUID]) -> Func:
    """For `asset__in`, as one text: to write each as a parameter takes longer than to find the rows."""
    return Func(
        Value(database.array(assets), output_field=TextField()),
        template="SELECT unnest(%(expressions)s::uuid[])",
        output_field=UUIDField(),
    )


def ownership_history(asset: UUID) -> QuerySet[Ownership]:
    """Every ownership the asset had, has or is to have: by role, the latest first."""
    return Ownership.objects.of(asset).select_related("team", "user").order_by(ROLE_ORDER, "-period__startswith", "-id")


def classification(asset: UUID, at: datetime | None = None) -> Classification | None:
    """What is said of the asset at an instant (now when absent); None when nobody has said anything."""
    return classifications([asset], at).get(asset)


def classifications(assets: Collection[UUID], at: datetime | None = None) -> dict[UUID, Classification]:
    """The classification of each asset that has one at an instant (now when absent). One query."""
    found = Classification.objects.filter(asset__in=among(assets)).at(at or timezone.now()).select_related("set_by")
    return {row.asset: row for row in found}


def classification_history(asset: UUID) -> QuerySet[Classification]:
    """Every classification the asset had or has, the latest first."""
    return Classification.objects.of(asset).select_related("set_by").order_by("-period__startswith", "-id")


def owned_by(team: Team, at: datetime | None = None) -> QuerySet[Ownership]:
    """What the team owns at an instant (now when absent), by asset."""
    return Ownership.objects.filter(team=team).at(at or timezone.now()).select_related("user").order_by("asset", "id")


def teams(text: str = "") -> "QuerySet[CountedTeam]":
    """All teams, or those with the text in a name, with `members_count` and `assets_count` (assets owned now)."""
    now = timezone.now()
    found = Team.objects.filter(Q(name__icontains=text) | Q(slug__icontains=text)) if text else Team.objects.all()
    return found.annotate(
        members_count=Count("memberships", distinct=True),
        assets_count=Count("ownerships__asset", filter=Q(ownerships__period__contains=now), distinct=True),
    )


def team(slug: str) -> Team:
    try:
        return Team.objects.get(slug=slug)
    except Team.DoesNotExist:
        raise NotFound(f"There is no team {slug}.", fields={"team": "Unknown."}) from None


def teams_of(user: User) -> QuerySet[Team]:
    return Team.objects.filter(memberships__user=user)


def members(team: Team) -> QuerySet[Membership]:
    """The team's memberships with their users loaded, by name."""
    return Membership.objects.filter(team=team).select_related("user").order_by("user__username")


def user(username: str) -> User:
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist:
        raise NotFound(f"There is no account {username}.", fields={"user": "Unknown."}) from None


def users() -> QuerySet[User]:
    """The active accounts, by name."""
    return User.objects.filter(is_active=True).order_by("username")


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """The user's tokens, the newest first, those that ended included."""
    return ApiToken.objects.filter(user=user).order_by("-created_at", "-id")


def token(*, actor: User, pk: int) -> ApiToken:
    """One token of the actor's, or of anyone's for a superuser. Whose it is not learns nothing of it."""
    visible = ApiToken.objects.all() if actor.is_superuser else ApiToken.objects.filter(user=actor)
    try:
        return visible.select_related("user").get(pk=pk)
    except ApiToken.DoesNotExist:
        raise NotFound("There is no such token of yours.") from None


def generated() -> AuditEntry | None:
    """The entry that tells of the made-up organisation in this installation, if there is one. One index lookup."""
    return AuditEntry.objects.filter(subject=GENERATED, action=Action.ORGANISATION_GENERATED).order_by("id").first()


def silent_senders(since: datetime) -> list[tuple[str, datetime]]:
    """Service accounts with a live token that were heard once and not since then, with the time, the longest silent
    first."""
    heard = (
        User.objects.filter(is_active=True, is_service=True, api_tokens__revoked_at=None)
        .annotate(heard_at=Max("api_tokens__last_used_at"))
        .filter(heard_at__lt=since)
        .order_by("heard_at", "username")
    )
    return list(heard.values_list("username", "heard_at"))


def is_generated() -> bool:
    """Whether a made-up organisation was ever written into this installation, which every page then says."""
    return generated() is not None


def last_done(action: Action, *, until: datetime) -> dict[str, datetime]:
    """When something was done last to each subject, of what was done by then."""
    done = AuditEntry.objects.filter(action=action, occurred_at__lte=until).order_by()
    return dict(done.values_list("subject").annotate(Max("occurred_at")))


def audit_entries(
    *, actor: User, subject: str = "", by: str = "", action: str = "", since: datetime | None = None
) -> QuerySet[AuditEntry]:
    """The audit log for who may read it, the latest first, filtered by exact subject, user name and action."""
    permissions.require(actor, Permission.READ_AUDIT)
    entries = AuditEntry.objects.select_related("actor").order_by("-id")
    if subject:
        entries = entries.filter(subject=subject)
    if by:
        entries = entries.filter(actor__username=by)
    if action:
        entries = entries.filter(action=action)
    if since:
        entries = entries.filter(occurred_at__gte=since)
    return entries
