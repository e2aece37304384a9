"""Answers, reviews, exemptions, targets, and the snapshots of what teams came to.

Frameworks and criteria are named by their slugs, which the catalogue never reuses; models by their UUIDs in the graph.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from governance.models import Team


class Answer(models.Model):
    """What a team answered to one criterion, for all its models or for one. Append-only: a new answer is a new row."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="answers")
    model = models.UUIDField(null=True, help_text="The model's UUID in the graph; null speaks for the whole team.")
    framework = models.CharField(max_length=80)
    criterion = models.CharField(max_length=80)
    catalogue_version = models.CharField(max_length=200, help_text="The version that the question was asked in.")
    extent = models.CharField(max_length=20, help_text="How much of it is so: none, some, at_least_half, most_or_all.")
    evidence = models.JSONField(help_text="List of titles with references: addresses or SHA-256 digests.")
    note = models.TextField(default="", blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="answers")
    answered_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="From then on it counts as unknown.")

    class Meta:
        constraints = [
            # What the reviews refer to, so that nobody reviews their own answer.
            models.UniqueConstraint(fields=["id", "answered_by"], name="answer_with_who_answered"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("answered_at")), name="an_answer_expires_later"),
            models.CheckConstraint(
                condition=Q(extent__in=["none", "some", "at_least_half", "most_or_all"]), name="answer_extent_is_known"
            ),
        ]
        indexes = [models.Index(F("team"), F("framework"), F("criterion"), F("id").desc(), name="answer_by_team")]

    def __str__(self) -> str:
        return f"{self.team} on {self.criterion}: {self.extent}"


class AnswerReview(models.Model):
    """What another person, outside the team, found of an answer: at first, or when it was drawn again. Append-only."""

    answer = models.ForeignKey(Answer, on_delete=models.PROTECT, related_name="reviews")
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    is_recheck = models.BooleanField(default=False)
    decision = models.CharField(max_length=10)
    reason = models.TextField(default="", blank=True)
    reviewed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["answer", "reviewer"], name="a_person_reviews_an_answer_once"),
            models.UniqueConstraint(
                fields=["answer"], condition=Q(is_recheck=False), name="an_answer_is_reviewed_once"
            ),
            models.CheckConstraint(condition=~Q(reviewer=F("answered_by")), name="nobody_reviews_their_own_answer"),
            models.CheckConstraint(condition=Q(decision__in=["accept", "reject"]), name="review_decision_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.answer}: {self.decision}"


class AnswerLapse(models.Model):
    """A measure or a second look contradicted an answer, so it never counts again. Append-only."""

    answer = models.OneToOneField(Answer, on_delete=models.PROTECT, related_name="lapse")
    because = models.TextField()
    lapsed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.answer}: {self.because}"


class Exemption(models.Model):
    """A criterion set aside for a team (or one model) for a time, by someone outside the team. Never a pass."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="exemptions")
    model = models.UUIDField(null=True, help_text="The model's UUID in the graph; null exempts the whole team.")
    framework = models.CharField(max_length=80)
    criterion = models.CharField(max_length=80)
    reason = models.TextField()
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="Exclusive.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gte=F("granted_at")), name="exemption_ends_after_it_begins"),
        ]
        indexes = [models.Index(fields=["team", "framework", "criterion", "ends_at"], name="exemption_by_team")]

    def __str__(self) -> str:
        return f"{self.team} exempt from {self.criterion} until {self.ends_at:%Y-%m-%d}"


class Target(models.Model):
    """The level a team is to reach, as a sponsor set it. Append-only: the newest one stands."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="targets")
    framework = models.CharField(max_length=80)
    level = models.SmallIntegerField()
    reason = models.TextField(default="", blank=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(F("team"), F("framework"), F("id").desc(), name="target_by_team")]

    def __str__(self) -> str:
        return f"{self.team}: {self.framework} level {self.level}"


class Initiative(models.Model):
    """Criteria that some teams are to reach by a day, as a sponsor opened it. It keeps what it came to."""

    title = models.CharField(max_length=200)
    framework = models.CharField(max_length=80)
    level = models.SmallIntegerField(null=True, help_text="The level to reach; null when criteria were chosen.")
    criteria = models.JSONField(help_text="The criteria it covers, as they were when it was opened.")
    teams = models.ManyToManyField(Team, related_name="initiatives")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="Inclusive.")
    note = models.TextField(default="", blank=True)
    sponsor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(db_default=Now())
    outcome = models.CharField(max_length=10, default="", blank=True, help_text="Empty while it runs.")
    reason = models.TextField(default="", blank=True, help_text="Why it ended before its time.")
    result = models.JSONField(null=True, help_text="What was done of what was asked when it closed.")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="initiative_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "met", "missed", "ended"]), name="initiative_outcome_is_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", closed_at=None) | (~Q(outcome="") & Q(closed_at__isnull=False)),
                name="a_closed_initiative_has_its_outcome",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Snapshot(models.Model):
    """What every team came to by one framework at one time. Append-only; each names the digest of the one before."""

    framework = models.CharField(max_length=80)
    number = models.IntegerField()
    kind = models.CharField(max_length=12, help_text="computed, published or restatement")
    catalogue_version = models.CharField(max_length=200)
    catalogue_digest = models.CharField(max_length=64)
    as_of = models.DateTimeField(help_text="The time it speaks of.")
    made_at = models.DateTimeField(help_text="The time it was made.")
    watermark = models.BigIntegerField(help_text="Events up to this id were known.")
    restates = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="restatements")
    reason = models.TextField(default="", blank=True)
    previous_digest = models.CharField(max_length=64, blank=True, help_text="Empty for the first of a framework.")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["framework", "number"], name="a_framework_numbers_its_snapshots"),
            models.UniqueConstraint(fields=["framework", "previous_digest"], name="a_snapshot_has_one_successor"),
            models.UniqueConstraint(
                fields=["framework", "as_of", "catalogue_version"],
                condition=Q(kind="published"),
                name="a_time_is_published_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["computed", "published", "restatement"]), name="snapshot_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind="restatement", restates__isnull=False) | (~Q(kind="restatement") & Q(restates=None)),
                name="a_restatement_names_what_it_restates",
            ),
        ]
        indexes = [models.Index(F("framework"), F("as_of").desc(), name="snapshot_by_time")]

    def __str__(self) -> str:
        return f"{self.framework} {self.number}"


class Scorecard(models.Model):
    """What one team, or one of its models, came to in a snapshot, with enough to explain every number. Append-only."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="scorecards")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="scorecards")
    model = models.UUIDField(null=True, help_text="The model's UUID in the graph; null is the team as a whole.")
    level = models.SmallIntegerField(null=True, help_text="As computed; null is not rated.")
    published_level = models.SmallIntegerField(null=True, help_text="After hysteresis.")
    score = models.FloatField(null=True, help_text="Ladder score, or the score of a rubric of tests.")
    rating = models.JSONField()
    results = models.JSONField(help_text="One document per criterion or test.")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["snapshot", "team", "model"], nulls_distinct=False, name="a_snapshot_has_one_scorecard_each"
            )
        ]
        indexes = [models.Index(F("team"), F("model"), F("snapshot").desc(), name="scorecard_by_team")]

    def __str__(self) -> str:
        return f"{self.team or 'unowned'} in {self.snapshot}"


class Reexamination(models.Model):
    """That a published snapshot was looked at again because events came late, and what came of it. Append-only."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="reexaminations")
    watermark = models.BigIntegerField(help_text="Events up to this one are looked at.")
    late_events = models.BigIntegerField()
    restatement = models.ForeignKey(
        Snapshot, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: nothing came out otherwise."
    )
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "watermark"], name="late_events_are_looked_at_once"),
            models.CheckConstraint(condition=Q(late_events__gt=0), name="a_reexamination_has_late_events"),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot} up to event {self.watermark}"


class CatalogueVersion(models.Model):
    """A framework as teams were rated by it, kept so that it can be scored beside its successor. Append-only."""

    framework = models.CharField(max_length=80)
    version = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    document = models.JSONField(help_text="All that the framework says.")
    first_used_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(F("framework"), F("first_used_at").desc(), name="catalogue_by_framework")]

    def __str__(self) -> str:
        return f"{self.framework} {self.version}"


class DeliveryRecord(models.Model):
    """How changes reached production at one time: of one team, of what nobody owns, or of all. Append-only."""

    as_of = models.DateTimeField()
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    is_whole = models.BooleanField(help_text="Of everything together, rather than of the team.")
    document = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["as_of", "is_whole", "team"], nulls_distinct=False, name="a_delivery_is_recorded_once"
            )
        ]

    def __str__(self) -> str:
        return f"{'all' if self.is_whole else self.team or 'unowned'} at {self.as_of}"
