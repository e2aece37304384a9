"""Policies, promotions, what checks found, who approved, and the verdict."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from governance.models import Team
from policies import incidentmodels as incidentmodels  # Django looks for models here.


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
    note = models.TextField(default="", blank=True, help_text="Why it was changed.")
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
    policies = models.JSONField(default=list, help_text="The policies that applied, and what each asked for.")
    approvals_required = models.IntegerField(default=0)
    decided_at = models.DateTimeField(null=True)
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - null is "none given", kept from unique
    request_digest = models.CharField(max_length=64)
    makers = models.JSONField(default=dict, help_text="Role to the names that the requester gave of who made it.")
    covered_until = models.DateTimeField(null=True, help_text="When the first waiver ends that it passed with.")
    uncovered_at = models.DateTimeField(null=True, help_text="Since then a waiver that it passed with has ended.")

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
            models.Index(
                fields=["covered_until"],
                condition=Q(covered_until__isnull=False, uncovered_at__isnull=True),
                name="promotion_covered",
            ),
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


class EvidencePart(models.Model):
    """Some bytes of a file that its sender has not sent to its end yet."""

    digest = models.CharField(max_length=64, help_text="Of the whole file, as its sender says.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    start = models.BigIntegerField()
    size = models.BigIntegerField()
    name = models.CharField(max_length=200, help_text="In the store.")
    stored_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest", "user", "start"], name="a_part_of_a_file_is_sent_once")
        ]

    def __str__(self) -> str:
        return f"{self.digest} from {self.start}"


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


class ModelAttributions(models.Model):
    """What moved a model's answers, summed up, so that the same question is measured once. Append-only."""

    question = models.CharField(
        max_length=64,
        unique=True,
        help_text="SHA-256 of the files' digests, of what was asked, and of what measured it.",
    )
    attributions = models.JSONField()
    measured_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "model attributions"

    def __str__(self) -> str:
        return self.question


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
    """A decision on a promotion with everything it was derived from; the last one counts. Append-only.

    There is more than one when a waiver was approved after the promotion was blocked.
    """

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="verdicts")
    number = models.SmallIntegerField(default=1)
    state = models.CharField(max_length=10)
    decided_at = models.DateTimeField()
    document = models.JSONField(help_text="Findings with their facts, policies by digest, approvals, versions used.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["promotion", "number"], name="a_promotion_numbers_its_verdicts")]

    def __str__(self) -> str:
        return f"{self.promotion}: {self.state}"


class Scope(models.TextChoices):
    """What a waiver covers."""

    VERSION = "version", "This version"
    MODEL = "model", "Every version of the model"
    TEAM = "team", "Every model of the team"


class WaiverQuerySet(models.QuerySet["Waiver"]):
    def in_force(self, at: datetime) -> Self:
        """Those that cover something at that instant: approved, begun, not revoked and not ended."""
        return self.filter(approved_at__lte=at, starts_at__lte=at, ends_at__gt=at).filter(
            Q(revoked_at__isnull=True) | Q(revoked_at__gt=at)
        )


class Waiver(models.Model):
    """A time-limited exception to one rule as it read when the waiver was asked. Its state follows from its times."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="waivers")
    rule = models.CharField(max_length=80, help_text="The rule's key; another one when the rule asks something else.")
    check_id = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict, help_text="What the rule asked when the waiver was requested.")
    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="waivers")
    scope = models.CharField(max_length=10)
    model = models.UUIDField(null=True)
    model_version = models.UUIDField(null=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    ticket = models.CharField(max_length=200)
    tier = models.CharField(max_length=40, default="", blank=True, help_text="The model's when it was requested.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waivers")
    requested_at = models.DateTimeField(db_default=Now())
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="Exclusive.")
    approvals_required = models.SmallIntegerField(default=1)
    approved_at = models.DateTimeField(null=True, help_text="With the last approval needed; it covers nothing before.")
    refused_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_because = models.TextField(default="", blank=True)
    begun_at = models.DateTimeField(null=True, help_text="When promotions were judged again because it had begun.")
    end_recorded_at = models.DateTimeField(null=True, help_text="When its end was written to the audit log.")
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - null is "none given", kept from unique
    request_digest = models.CharField(max_length=64)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["requested_by", "idempotency_key"], name="a_key_asks_for_one_waiver"),
            models.UniqueConstraint(fields=["id", "requested_by"], name="waiver_with_its_requester"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="waiver_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(ends_at__lte=F("starts_at") + timedelta(days=366)), name="no_waiver_outlasts_a_year"
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True) | Q(refused_at__isnull=True),
                name="a_waiver_is_approved_or_refused",
            ),
            models.CheckConstraint(
                condition=Q(scope="version", model__isnull=False, model_version__isnull=False, team__isnull=True)
                | Q(scope="model", model__isnull=False, model_version__isnull=True, team__isnull=True)
                | Q(scope="team", model__isnull=True, model_version__isnull=True, team__isnull=False),
                name="a_waiver_names_what_it_covers",
            ),
        ]
        indexes = [
            models.Index(fields=["rule", "ends_at"], name="waiver_by_rule"),
            models.Index(fields=["ends_at"], name="waiver_by_end"),
        ]

    def __str__(self) -> str:
        return f"waiver of {self.rule} until {self.ends_at:%Y-%m-%d}"


class WaiverDecision(models.Model):
    """What one person said to a waiver. Append-only, and the database refuses the requester's own (see migration)."""

    waiver = models.ForeignKey(Waiver, on_delete=models.PROTECT, related_name="decisions")
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10)
    reason = models.TextField(default="", blank=True)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["waiver", "user"], name="a_person_decides_on_a_waiver_once"),
            models.CheckConstraint(condition=~Q(user=F("requester")), name="nobody_approves_their_own_waiver"),
            models.CheckConstraint(condition=Q(decision__in=["approve", "refuse"]), name="waiver_decision_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.decision}"


class WaiverUse(models.Model):
    """A verdict let a finding pass because of a waiver. Append-only."""

    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="waiver_uses")
    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="waiver_uses")
    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="waiver_uses")
    waiver = models.ForeignKey(Waiver, on_delete=models.PROTECT, related_name="uses")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["verdict", "finding"], name="a_finding_is_waived_once")]

    def __str__(self) -> str:
        return f"{self.finding} by {self.waiver}"


class Maker(models.Model):
    """A user who made what a promotion is about: the database takes no word of theirs on it. Append-only."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="known_makers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=20, help_text="requester, committer, author, runner, ci_actor or registrant")
    name = models.TextField(default="", blank=True, help_text="As it was given; empty for an account of ours.")
    noted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["promotion", "user", "role"], name="a_maker_is_noted_once")]

    def __str__(self) -> str:
        return f"{self.user}, {self.role} of {self.promotion}"
