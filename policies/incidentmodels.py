"""The rows of incidents. Apart from the other models because there are many."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Incident(models.Model):
    """Something about a model version that is live is not as it must be, until it is closed."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=200, help_text="What it is about; one incident at a time is open about it.")
    model = models.UUIDField()
    model_version = models.UUIDField()
    namespace = models.TextField()
    model_name = models.TextField()
    version = models.TextField()
    stage = models.CharField(max_length=100)
    severity = models.CharField(max_length=10)
    headline = models.TextField()
    detail = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_as = models.CharField(max_length=20, default="", blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(default="", blank=True, help_text="Why a person closed it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(closed_at=None), name="an_incident_is_open_once"),
            models.CheckConstraint(
                condition=Q(closed_at=None) ^ ~Q(closed_as=""), name="an_incident_says_how_it_ended"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["unapproved", "uncovered", "alert"]), name="incident_kind_is_known"
            ),
        ]
        indexes = [
            models.Index(F("opened_at").desc(), name="incident_by_time"),
            models.Index(fields=["model", "opened_at"], name="incident_by_model"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.model_name} {self.version}"
