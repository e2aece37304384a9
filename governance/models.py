"""People, teams, ownership, tokens and the audit log."""

from datetime import datetime
from functools import cached_property
from typing import Self
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from guardian.models import UserObjectPermissionBase


class User(AbstractUser):
    """A person or a service account."""

    is_service = models.BooleanField(default=False, help_text="A machine: it may hold tokens, never sign in.")

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @cached_property
    def rights_by_team(self) -> dict[int, frozenset[str]]:
        """What `permissions` found out so far, remembered as long as this instance lives: one request or one task."""
        return {}


class Identity(models.Model):
    """A name by which other systems know a user: an address, a login, a service account that acts for them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    name = models.TextField(help_text="As it was given.")
    key = models.TextField(unique=True, help_text="The same for every spelling of it; see governance.identities.")
    linked_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "identities"

    def __str__(self) -> str:
        return f"{self.user} as {self.name}"


class Installation(models.Model):
    """No table: it only carries the permissions that are held for everything and not for a team."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("manage_policies", "May publish and retire policies"),
            ("read_audit", "May read the audit log"),
            ("assess", "May review answers on maturity and grant exemptions"),
            ("set_targets", "May set the levels that teams are to reach"),
        ]


class Team(models.Model):
    """The people who answer for a set of assets together."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["slug"]
        default_permissions = ()
        permissions = [
            ("request_promotion", "May request promotions of the team's models"),
            ("approve_promotion", "May approve promotions of the team's models"),
            ("manage_ownership", "May change who owns the team's assets"),
            ("manage_assets", "May tag, name and hide the team's assets"),
            ("manage_team", "May change the team's members"),
            ("manage_connections", "May connect outside systems for the team"),
        ]

    def __str__(self) -> str:
        return self.name


class TeamPermission(UserObjectPermissionBase):
    """One permission of one user on one team, kept by guardian. A real foreign key, so that none outlives its team."""

    # guardian finds this model by its reverse relation, so that one must not be hidden.
    content_object = models.ForeignKey(Team, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = False
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user} has {self.permission} on {self.content_object}"


class TeamRole(models.TextChoices):
    MEMBER = "member"
    APPROVER = "approver"
    MAINTAINER = "maintainer"


class Membership(models.Model):
    """What one user is in one team."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "team"], name="a_user_has_one_role_in_a_team"),
            models.CheckConstraint(
                condition=Q(role__in=["member", "approver", "maintainer"]), name="membership_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.team}"


class OwnerRole(models.TextChoices):
    BUSINESS_OWNER = "business_owner", "Business owner"
    TECHNICAL_OWNER = "technical_owner", "Technical owner"
    STEWARD = "steward", "Steward"


class OwnershipQuerySet(models.QuerySet["Ownership"]):
    def of(self, asset: UUID) -> Self:
        return self.filter(asset=asset)

    def at(self, when: datetime) -> Self:
        """Those in force at that instant."""
        return self.filter(period__contains=when)


class Ownership(models.Model):
    """Who answers for one asset in one role, for a period. The team is always named, the person may be."""

    asset = models.UUIDField(help_text="The asset's UUID, which outlives a rebuild of the graph.")
    role = models.CharField(max_length=20)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="ownerships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="ownerships")
    period = DateTimeRangeField(help_text="From (inclusive) to (exclusive); open-ended while it lasts.")
    created_at = models.DateTimeField(db_default=Now())

    objects = OwnershipQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["asset"], name="ownership_by_asset")]
        constraints = [
            ExclusionConstraint(
                name="one_owner_per_role_at_a_time",
                expressions=[
                    ("asset", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(role__in=["business_owner", "technical_owner", "steward"]),
                name="owner_role_is_known",
            ),
            models.CheckConstraint(
                condition=Q(period__startswith__isnull=False) & Q(period__isempty=False),
                name="ownership_has_a_start_and_a_length",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.team} is {self.role} of {self.asset}"


class ClassificationQuerySet(models.QuerySet["Classification"]):
    def of(self, asset: UUID) -> Self:
        return self.filter(asset=asset)

    def at(self, when: datetime) -> Self:
        """Those in force at that instant."""
        return self.filter(period__contains=when)


class Classification(models.Model):
    """How critical an asset is, what data it works on and which KPIs it has to reach, for a period."""

    asset = models.UUIDField(help_text="The asset's UUID, which outlives a rebuild of the graph.")
    tier = models.CharField(max_length=20, blank=True, help_text="Empty while nobody has said it.")
    data_classes = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    goals = models.JSONField(default=list, blank=True, help_text="The KPIs that matter and what each has to reach.")
    done_when = models.TextField(default="", blank=True, help_text="When the model is done, in words.")
    reason = models.TextField()
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    period = DateTimeRangeField(help_text="From (inclusive) to (exclusive); open-ended while it lasts.")

    objects = ClassificationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["asset"], name="classification_by_asset")]
        constraints = [
            ExclusionConstraint(
                name="one_classification_at_a_time",
                expressions=[("asset", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(tier__in=["", "life-threatening", "high", "medium", "low"]), name="tier_is_known"
            ),
            models.CheckConstraint(
                condition=Q(period__startswith__isnull=False) & Q(period__isempty=False),
                name="classification_has_a_start_and_a_length",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} is {self.tier or 'unclassified'}"


class ApiToken(models.Model):
    """The right of a machine to act as a user within scopes. Only the secret's SHA-256 is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=20, help_text="The first characters, so that people can tell tokens apart.")
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="token_expires_after_creation"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AuditEntry(models.Model):
    """One change of state: who did what to which thing. Append-only for the application role."""

    occurred_at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["subject", "id"], name="audit_by_subject")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
