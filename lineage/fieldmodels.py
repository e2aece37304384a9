"""The rows of fields, and what people say of assets: tags, other names, and that they are not to be seen.

Apart from the other models because there are many. Of the graph, and written by the projection alone, are FieldMapping,
FieldLink, RunFieldMapping and Drop; what people say names assets by UUID and outlives a rebuild.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5, Now

KNOWN_AT = "When the earliest event that shows it was received."
ALSO_TOLD = "Other tellings that count, as time and receipt in turn; see lineage.tellings."


class FieldMapping(models.Model):
    """Which fields of a dataset come from which, as one job (or an event about the dataset) said. Once per content."""

    uuid = models.UUIDField(primary_key=True)
    target = models.ForeignKey(
        "lineage.Asset", on_delete=models.DO_NOTHING, related_name="field_mappings", db_index=False, db_constraint=False
    )
    job = models.ForeignKey(
        "lineage.Asset", on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    first_seen_at = models.DateTimeField()
    known_at = models.DateTimeField(help_text=KNOWN_AT)
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["target", "job"], name="field_mapping_by_target")]

    def __str__(self) -> str:
        return f"fields of {self.target_id}"


class FieldLink(models.Model):
    """One field depends on another. An empty name of a field stands for the whole dataset."""

    mapping = models.ForeignKey(
        FieldMapping, on_delete=models.DO_NOTHING, related_name="links", db_index=False, db_constraint=False
    )
    source = models.ForeignKey(
        "lineage.Asset", on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    source_field = models.TextField(blank=True)
    target = models.ForeignKey(
        "lineage.Asset", on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    target_field = models.TextField(blank=True)
    is_direct = models.BooleanField(help_text="The value is made of it, not only which rows there are.")
    is_masking = models.BooleanField(help_text="Every way in which it is made hides the value.")
    transformations = models.JSONField(help_text="Type, subtype, description and masking of each.")

    class Meta:
        indexes = [
            models.Index(fields=["mapping"], name="field_link_by_mapping"),
            # Names of fields may be longer than a B-tree holds.
            models.Index(F("target"), MD5("target_field"), name="field_link_upstream"),
            models.Index(F("source"), MD5("source_field"), name="field_link_downstream"),
        ]

    def __str__(self) -> str:
        return f"{self.source_field} to {self.target_field}"


class RunFieldMapping(models.Model):
    """A run said which fields of its output come from which."""

    run = models.ForeignKey(
        "lineage.Run", on_delete=models.DO_NOTHING, related_name="field_mappings", db_index=False, db_constraint=False
    )
    mapping = models.ForeignKey(
        FieldMapping, on_delete=models.DO_NOTHING, related_name="runs", db_index=False, db_constraint=False
    )
    first_seen_at = models.DateTimeField()
    known_at = models.DateTimeField(help_text=KNOWN_AT)
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "mapping"], name="a_run_says_a_mapping_once")]
        indexes = [models.Index(F("mapping"), F("first_seen_at").desc(), name="run_mapping_by_mapping")]

    def __str__(self) -> str:
        return f"fields of run {self.run_id}"


class Drop(models.Model):
    """A dataset was dropped, as an event said. What wrote or read it later shows that it is there again."""

    asset = models.ForeignKey(
        "lineage.Asset", on_delete=models.DO_NOTHING, related_name="drops", db_index=False, db_constraint=False
    )
    event_time = models.DateTimeField()
    known_at = models.DateTimeField(help_text="When its event was received.")
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset", "digest"], name="an_event_drops_an_asset_once")]

    def __str__(self) -> str:
        return f"drop of {self.asset_id}"


class AssetTag(models.Model):
    """A tag that a person gave to an asset or one of its fields, until it was taken away."""

    asset = models.UUIDField(help_text="The asset's UUID, which outlives a rebuild of the graph.")
    field = models.TextField(default="", blank=True, help_text="The path of a field; empty for the whole asset.")
    key = models.CharField(max_length=200)
    value = models.CharField(max_length=200, default="", blank=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(db_default=Now())
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                F("asset"),
                MD5("field"),
                F("key"),
                condition=Q(removed_at__isnull=True),
                name="a_field_has_one_value_of_a_tag",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True, removed_by__isnull=True)
                | Q(removed_at__isnull=False, removed_by__isnull=False),
                name="a_tag_is_removed_by_someone",
            ),
        ]
        indexes = [models.Index(fields=["asset"], name="asset_tag_by_asset")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}" if self.value else self.key


class Naming(models.Model):
    """What someone decided of two names: that they are of one asset, that they are not, or that it is open again."""

    asset = models.UUIDField(help_text="The smaller of the two UUIDs.")
    other = models.UUIDField()
    decision = models.CharField(max_length=10, help_text="confirmed, rejected or undone")
    reason = models.TextField(default="", blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(asset__lt=F("other")), name="a_naming_is_of_two_assets_in_order"),
            models.CheckConstraint(
                condition=Q(decision__in=["confirmed", "rejected", "undone"]), name="naming_decision_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["asset", "other", "-id"], name="naming_by_pair"),
            models.Index(fields=["other"], name="naming_by_other"),
        ]

    def __str__(self) -> str:
        return f"{self.asset} and {self.other}: {self.decision}"


class Hiding(models.Model):
    """An asset that someone hid from lists, with the reason, until someone showed it again."""

    asset = models.UUIDField()
    reason = models.TextField()
    hidden_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    hidden_at = models.DateTimeField(db_default=Now())
    shown_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    shown_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset"], condition=Q(shown_at__isnull=True), name="an_asset_is_hidden_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(shown_at__isnull=True, shown_by__isnull=True)
                | Q(shown_at__isnull=False, shown_by__isnull=False),
                name="an_asset_is_shown_by_someone",
            ),
        ]
        indexes = [models.Index(fields=["asset", "hidden_at"], name="hiding_by_asset")]

    def __str__(self) -> str:
        return f"{self.asset} is hidden: {self.reason}"
