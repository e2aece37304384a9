"""The rows of what goes out: outlets, notices given through them, the requests that carry these, what others ask.

Apart from the other models because there are many.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class DispatchState(models.TextChoices):
    """What became of a request. Given up: refused for good, or tried for too long."""

    PENDING = "pending"
    SENT = "sent"
    GIVEN_UP = "given_up"


class QuestionState(models.TextChoices):
    """How a question stands. Told: that nothing is known yet. Expired: nobody asked the gate in time."""

    OPEN = "open"
    TOLD = "told"
    ANSWERED = "answered"
    EXPIRED = "expired"


class ClaimState(models.TextChoices):
    """How a claim stands. Unguarded: no policy judges who comes into the stage. Superseded: another came after it."""

    OPEN = "open"
    APPROVED = "approved"
    UNGUARDED = "unguarded"
    UNAPPROVED = "unapproved"
    SUPERSEDED = "superseded"


class Outlet(models.Model):
    """That and how a connection carries out what Assay decides."""

    connection = models.OneToOneField("integrations.Connection", on_delete=models.CASCADE, related_name="outlet")
    kinds = ArrayField(models.CharField(max_length=10), help_text="The notices that it carries.")
    setting = models.JSONField(default=dict, help_text="Of the form of the carrier's setting.")
    is_active = models.BooleanField(default=True)
    since = models.DateTimeField(db_default=Now(), help_text="What was decided before is not carried out.")

    def __str__(self) -> str:
        return f"outlet of {self.connection_id}"


class Notice(models.Model):
    """What was told through an outlet, once for each thing that it is about."""

    outlet = models.ForeignKey(Outlet, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10)
    subject = models.CharField(max_length=100, help_text="The verdict, incident or claim that it is about.")
    document = models.JSONField()
    composed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["outlet", "kind", "subject"], name="a_notice_is_given_once"),
        ]
        indexes = [models.Index(F("outlet"), F("id").desc(), name="notice_by_outlet")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Dispatch(models.Model):
    """One request of a notice, tried until it is taken or given up."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="dispatches")
    number = models.SmallIntegerField(help_text="Its place among the requests of the notice; they go in order.")
    method = models.CharField(max_length=10)
    path = models.TextField()
    headers = models.JSONField(default=dict)
    document = models.JSONField(null=True)
    accepts = models.JSONField(default=list, help_text="Answers beside 2xx that will do: status and text.")
    state = models.CharField(max_length=10, default="pending")
    due_at = models.DateTimeField(null=True, help_text="When it is tried next; empty: there is nothing to do.")
    attempts = models.IntegerField(default=0)
    status = models.IntegerField(null=True, help_text="The last answer's.")
    error = models.TextField(default="", blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "dispatches"
        constraints = [
            models.UniqueConstraint(fields=["notice", "number"], name="a_notice_numbers_its_dispatches"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "sent", "given_up"]), name="dispatch_state_is_known"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="dispatch_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class ReleaseQuestion(models.Model):
    """Another system waits to hear whether something may go on; answered from the newest promotion of it."""

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="questions")
    callback = models.TextField()
    stage = models.CharField(max_length=100)
    commit = models.CharField(max_length=200, default="", blank=True)
    model = models.TextField(default="", blank=True)
    version = models.TextField(default="", blank=True)
    about = models.JSONField(default=dict, help_text="What the answer has to name, in the system's own words.")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, default="open")
    answer = models.CharField(max_length=10, default="", blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "callback", "stage"], name="a_question_is_asked_once"),
        ]
        indexes = [
            models.Index(fields=["asked_at"], name="question_open", condition=Q(state__in=["open", "told"])),
        ]

    def __str__(self) -> str:
        return f"{self.stage}: {self.state}"


class LiveClaim(models.Model):
    """A system says that a model version is live at a stage; compared with the verdicts."""

    connection = models.ForeignKey("integrations.Connection", on_delete=models.CASCADE, related_name="claims")
    namespace = models.TextField()
    model = models.TextField()
    version = models.TextField()
    stage = models.CharField(max_length=100)
    how = models.TextField(help_text="What was seen: an alias that was moved, say.")
    claimed_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="open")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "namespace", "model", "stage", "claimed_at"], name="a_claim_is_made_once"
            ),
        ]
        indexes = [models.Index(fields=["id"], name="claim_open", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.model} {self.version} in {self.stage}"
