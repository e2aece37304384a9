"""Policies, promotions, what checks found, who approved, and the verdict."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Policy(models.Model):
    """A named policy. What it says stands in its versions."""

    slug = models.SlugField(unique=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.slug


class PolicyVersion(models.Model):
    """The text of a policy from a time on. Append-only."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the text, hexadecimal.")
    document = models.TextField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="a_policy_numbers_its_versions")]

    def __str__(self) -> str:
        return f"{self.policy} version {self.number}"


class Promotion(models.Model):
    """A request to move a model version to a stage. Model and version are named by their UUIDs in the graph."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    model = models.UUIDField()
    model_version = models.UUIDField()
    namespace = models.TextField()
    model_name = models.TextField()
    version = models.TextField()
    stage = models.CharField(max_length=100)
    commit = models.CharField(max_length=200, default="", blank=True)
    note = models.TextField(default="", blank=True)
    evidence = models.JSONField(default=dict, help_text="Name of a file to its SHA-256.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="promotions")
    requested_at = models.DateTimeField(db_default=Now())
    watermark = models.BigIntegerField(help_text="Events up to this id count; checks wait until they are in the graph.")
    state = models.CharField(max_length=10, default="checking")
    approvals_required = models.IntegerField(default=0)
    decided_at = models.DateTimeField(null=True)
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - null is "none given", kept from unique
    request_digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["requested_by", "idempotency_key"], name="a_key_asks_once"),
            # What the approvals refer to, so that nobody approves what they requested.
            models.UniqueConstraint(fields=["id", "requested_by"], name="promotion_with_its_requester"),
            models.CheckConstraint(
                condition=Q(state__in=["checking", "waiting", "blocked", "passed", "withdrawn"]),
                name="promotion_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, state__in=["checking", "waiting"])
                | Q(decided_at__isnull=False, state__in=["blocked", "passed", "withdrawn"]),
                name="a_final_state_has_its_time",
            ),
        ]
        indexes = [
            models.Index(F("model"), F("stage"), F("decided_at").desc(), name="promotion_by_model"),
            models.Index(fields=["id"], condition=Q(state="checking"), name="promotion_being_checked"),
        ]

    def __str__(self) -> str:
        return f"{self.model_name} {self.version} to {self.stage}"


class EvidenceFile(models.Model):
    """A file that promotions may name, kept under its digest. Append-only."""

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the file, hexadecimal.")
    size = models.BigIntegerField(help_text="In bytes.")
    stored_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    stored_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.digest


class GroupCounts(models.Model):
    """What was counted by group in a file of evidence, so that the same question is measured once. Append-only."""

    digest = models.CharField(max_length=64, help_text="Of the file.")
    question = models.CharField(max_length=64, help_text="SHA-256 of what was asked and of what measures it.")
    counts = models.JSONField()
    measured_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "group counts"
        constraints = [models.UniqueConstraint(fields=["digest", "question"], name="a_question_is_measured_once")]

    def __str__(self) -> str:
        return f"{self.question} of {self.digest}"


class Finding(models.Model):
    """One rule applied to one promotion: pending until its check has judged."""

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="findings")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True, related_name="+")
    position = models.IntegerField()
    check_id = models.CharField(max_length=60)
    mode = models.CharField(max_length=10)
    parameters = models.JSONField(default=dict)
    is_done = models.BooleanField(default=False)
    leased_until = models.DateTimeField(db_default=Now(), help_text="A worker is at it until then.")
    attempts = models.SmallIntegerField(default=0)
    outcome = models.CharField(max_length=20, default="", blank=True)
    summary = models.TextField(default="", blank=True)
    measured = models.JSONField(null=True)
    required = models.JSONField(null=True)
    evidence = models.JSONField(null=True)
    facts = models.JSONField(default=dict, help_text="What the check knew, so that it can be judged again.")
    judged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["promotion", "position"], name="a_rule_is_applied_once"),
            models.CheckConstraint(
                condition=Q(is_done=True) ^ Q(outcome=""), name="a_finding_is_done_when_it_has_an_outcome"
            ),
        ]
        indexes = [models.Index(fields=["leased_until"], condition=Q(is_done=False), name="finding_pending")]

    def __str__(self) -> str:
        return f"{self.check_id}: {self.outcome or 'pending'}"


class Approval(models.Model):
    """What one person said to a promotion. The database refuses the requester's own (see the migration)."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="approvals")
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals")
    decision = models.CharField(max_length=10)
    reason = models.TextField(default="", blank=True)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["promotion", "user"], name="a_person_decides_once"),
            models.CheckConstraint(condition=~Q(user=F("requester")), name="nobody_approves_their_own_request"),
            models.CheckConstraint(condition=Q(decision__in=["approve", "reject"]), name="decision_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.decision}"


class Verdict(models.Model):
    """The decision on a promotion with everything it was derived from. Append-only."""

    promotion = models.OneToOneField(Promotion, on_delete=models.PROTECT, related_name="verdict")
    state = models.CharField(max_length=10)
    decided_at = models.DateTimeField()
    document = models.JSONField(help_text="Findings with their facts, policies by digest, approvals, versions used.")

    def __str__(self) -> str:
        return f"{self.promotion}: {self.state}"
