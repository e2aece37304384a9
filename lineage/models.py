"""The event log and the graph that is projected from it.

The log is the truth. Every graph table is a pure function of the *set* of events in it: columns are merged with
minimum, maximum, union, or last writer by (event time, digest), so that order and repeats do not matter. Its rows refer
to each other without constraints: see docs/decisions/0007-no-foreign-keys-in-the-graph.md.
Other apps name assets, versions and runs by UUID, which is derived from their identity and survives a rebuild.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Left, Now

from lineage import fieldmodels as fieldmodels  # Django looks for models here.

KNOWN_AT = "When the earliest event that shows it was received."
ALSO_TOLD = "Other tellings that count, as time and receipt in turn; see lineage.tellings."


# What an edge may say of its source and target, along the way of the data. The last three say that both are one thing:
# by another name (in both directions), or by an earlier one.
RELATIONS = ("consumed", "produced", "built_from", "feeds", "alias", "alias_of", "renamed")


class Event(models.Model):
    """What an outside system told us, kept byte for byte (secrets masked). Append-only."""

    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the masked event in canonical form.")
    kind = models.CharField(max_length=10, help_text="run, job, dataset or names")
    event_time = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    run = models.UUIDField(null=True)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    body = models.BinaryField()
    masked = models.BooleanField(db_default=False, help_text="A secret was replaced, so the bytes are ours.")
    warnings = models.JSONField(db_default=models.Value([], models.JSONField()))

    class Meta:
        indexes = [models.Index(fields=["run"], name="event_by_run", condition=Q(run__isnull=False))]

    def __str__(self) -> str:
        return f"{self.kind} event {self.pk}"


class Outbox(models.Model):
    """One event that is not in the graph yet. Written with the event, deleted with its projection."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="outbox")
    error = models.TextField(db_default="", blank=True)
    is_dead = models.BooleanField(db_default=False, help_text="Set aside with its error until someone replays it.")

    class Meta:
        verbose_name_plural = "outbox"
        indexes = [models.Index(fields=["event"], name="outbox_dead_letters", condition=Q(is_dead=True))]

    def __str__(self) -> str:
        return f"event {self.pk}"


class Asset(models.Model):
    """Anything in the graph that can have an owner. Its identity is (family, namespace, name)."""

    uuid = models.UUIDField(unique=True)
    family = models.CharField(max_length=12, help_text="dataset, job or repository: the space of names")
    kind = models.CharField(max_length=12, help_text="dataset, model, job, deployment, repository or name")
    processing = models.CharField(max_length=12, default="", blank=True, help_text="batch, streaming, service or empty")
    namespace = models.TextField()
    name = models.TextField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    shown_at = models.DateTimeField(null=True, help_text="First event that shows more of it than a name.")
    known_at = models.DateTimeField(null=True, help_text=KNOWN_AT)
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)
    folding = models.UUIDField(null=True, help_text="The same for names that may be of one thing, see lineage.names.")
    # Who wrote `kind` and `processing` last.
    kind_set_at = models.DateTimeField(null=True)
    kind_digest = models.BinaryField(max_length=32, null=True)

    class Meta:
        indexes = [
            GinIndex(fields=["name"], name="asset_name_trigrams", opclasses=["gin_trgm_ops"]),
            HashIndex(fields=["name"], name="asset_by_name"),
            models.Index(fields=["kind", "id"], name="asset_by_kind"),
            # The beginning of it, since a namespace may be longer than an index takes.
            models.Index(Left("namespace", 200), name="asset_by_namespace"),
            models.Index(fields=["folding"], name="asset_by_folding"),
        ]

    def __str__(self) -> str:
        return f"{self.namespace} {self.name}"


class AssetKind(models.Model):
    """An asset was said to be of a kind, or only named: first and last at these times, and when that was told."""

    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, related_name="kinds", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=12)
    processing = models.CharField(max_length=12, default="", blank=True)
    first_seen_at = models.DateTimeField()
    known_at = models.DateTimeField(help_text=KNOWN_AT)
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)
    last_seen_at = models.DateTimeField()
    last_digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "kind", "processing"], name="an_asset_is_said_a_kind_once")
        ]
        indexes = [models.Index(fields=["kind", "asset"], name="said_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.asset_id}"


class Word(models.Model):
    """A word of an asset's name, for searches with slips of the pen."""

    word = models.TextField(primary_key=True)

    class Meta:
        indexes = [GinIndex(fields=["word"], name="word_trigrams", opclasses=["gin_trgm_ops"])]

    def __str__(self) -> str:
        return self.word


class AssetVersion(models.Model):
    """One immutable state of an asset that a sender named: dataset version, registry version, commit."""

    uuid = models.UUIDField(unique=True)
    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, related_name="versions", db_index=False, db_constraint=False
    )
    key = models.TextField()
    produced_at = models.DateTimeField(null=True, help_text="First event in which a run wrote it.")
    seen_at = models.DateTimeField(help_text="First event that names it.")
    known_at = models.DateTimeField(help_text=KNOWN_AT)
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)

    class Meta:
        indexes = [models.Index(F("asset"), Coalesce("produced_at", "seen_at").desc(), name="version_by_time")]

    def __str__(self) -> str:
        return self.key


class Run(models.Model):
    """One execution of a job."""

    uuid = models.UUIDField(primary_key=True)
    external_id = models.TextField(help_text="The sender's id, which need not be a UUID.")
    job = models.ForeignKey(Asset, on_delete=models.DO_NOTHING, related_name="runs", db_constraint=False)
    parent = models.UUIDField(null=True)
    root = models.UUIDField(null=True)
    state = models.CharField(max_length=10)
    event_types = models.SmallIntegerField(help_text="Bit set of the event types seen, see lineage.events.EventType.")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_digest = models.BinaryField(max_length=32, null=True)
    first_event_at = models.DateTimeField()
    last_event_at = models.DateTimeField()
    last_digest = models.BinaryField(max_length=32)
    commit = models.ForeignKey(
        AssetVersion, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    commit_set_at = models.DateTimeField(null=True)
    commit_digest = models.BinaryField(max_length=32, null=True)

    class Meta:
        indexes = [
            models.Index(F("job"), F("last_event_at").desc(), name="run_by_job"),
            models.Index(fields=["parent"], name="run_by_parent", condition=Q(parent__isnull=False)),
            models.Index(fields=["commit"], name="run_by_commit", condition=Q(commit__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.external_id


class RunIO(models.Model):
    """A run read or wrote an asset, at a version when the sender pinned one."""

    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, related_name="io", db_index=False, db_constraint=False)
    direction = models.CharField(max_length=6, help_text="input or output")
    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, related_name="io", db_index=False, db_constraint=False
    )
    version = models.ForeignKey(
        AssetVersion, on_delete=models.DO_NOTHING, null=True, related_name="io", db_constraint=False
    )
    joined = models.BooleanField(db_default=False, help_text="Told through joins alone, see lineage.joined.")
    first_seen_at = models.DateTimeField()
    known_at = models.DateTimeField(help_text=KNOWN_AT)
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "direction", "asset", "version"],
                nulls_distinct=False,
                name="a_run_reads_or_writes_a_version_once",
            )
        ]
        indexes = [
            models.Index(F("asset"), F("direction"), F("first_seen_at").desc(), name="io_by_asset"),
            # What an output without a version stands for is looked up among its like.
            models.Index(
                F("asset"),
                F("first_seen_at").desc(),
                name="io_unnamed_outputs",
                condition=Q(direction="output", version__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} of {self.run_id}"


class JoinedIO(models.Model):
    """A run read or wrote a version by another name, which was joined to it; kept so that the join can be undone."""

    run = models.UUIDField()
    direction = models.CharField(max_length=6, help_text="input or output")
    asset = models.ForeignKey(Asset, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    version = models.ForeignKey(
        AssetVersion, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    place = models.ForeignKey(
        Asset,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="The name that was said.",
    )
    job = models.ForeignKey(Asset, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    last_seen_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    known_at = models.DateTimeField(help_text=KNOWN_AT)
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "direction", "asset", "version", "place", "job"],
                nulls_distinct=False,
                name="a_join_is_told_of_a_run_once",
            )
        ]
        indexes = [
            models.Index(fields=["asset", "place"], name="joined_by_pair"),
            models.Index(fields=["job"], name="joined_by_job"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} of {self.run} through a join"


class Edge(models.Model):
    """The map: one asset feeds another, from a time on and until it is closed."""

    source = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, related_name="out_edges", db_index=False, db_constraint=False
    )
    target = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, related_name="in_edges", db_index=False, db_constraint=False
    )
    relation = models.CharField(max_length=12, help_text="See lineage.models.RELATIONS.")
    is_declared = models.BooleanField(help_text="A job event says so; otherwise a run showed it.")
    joined = models.BooleanField(db_default=False, help_text="Told through joins alone, see lineage.joined.")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, help_text="Empty while the edge is current.")
    last_seen_at = models.DateTimeField()
    known_at = models.DateTimeField(null=True, help_text=f"{KNOWN_AT} Of declared edges the declarations know.")
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "target", "relation"],
                condition=Q(is_declared=False),
                name="an_observed_edge_stands_once",
            ),
            models.UniqueConstraint(
                fields=["source", "target", "relation", "valid_from"],
                condition=Q(is_declared=True),
                name="a_declared_edge_begins_once_at_a_time",
            ),
        ]
        indexes = [
            # A walk reads these alone: ids in order, and on another day the beginning too.
            models.Index(
                fields=["target", "source"],
                include=["valid_from"],
                condition=Q(valid_to__isnull=True),
                name="edge_upstream_now",
            ),
            models.Index(
                fields=["source", "target"],
                include=["valid_from"],
                condition=Q(valid_to__isnull=True),
                name="edge_downstream_now",
            ),
            models.Index(
                fields=["target", "source", "valid_to"],
                include=["valid_from"],
                condition=Q(valid_to__isnull=False),
                name="edge_upstream_closed",
            ),
            models.Index(
                fields=["source", "target", "valid_to"],
                include=["valid_from"],
                condition=Q(valid_to__isnull=False),
                name="edge_downstream_closed",
            ),
            # Few edges say that two assets are one.
            models.Index(
                fields=["target", "source"],
                condition=Q(relation__in=["alias", "alias_of", "renamed"]),
                name="edge_of_names",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.relation} {self.target_id}"


class Declaration(models.Model):
    """What one job event said a job reads or writes, or people of an asset: which others are the same, which are not.

    The declared edges are made from all of them.
    """

    job = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, related_name="declarations", db_index=False, db_constraint=False
    )
    direction = models.CharField(max_length=6)
    event_time = models.DateTimeField()
    known_at = models.DateTimeField(help_text="When its event was received.")
    digest = models.BinaryField(max_length=32)
    assets = models.JSONField(help_text="Ids of the assets; an empty list says there are none.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "direction", "digest"], name="a_job_event_declares_once")]

    def __str__(self) -> str:
        return f"{self.direction}s of job {self.job_id}"


class FacetDocument(models.Model):
    """The facets of one asset in one event, stored once per content."""

    uuid = models.UUIDField(primary_key=True)
    body = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["uuid"], name="document_with_tags", condition=Q(body__has_key="tags"))]

    def __str__(self) -> str:
        return str(self.uuid)


class FacetSighting(models.Model):
    """An asset was said to have the facets of a document, first and last at these times."""

    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, related_name="facet_sightings", db_index=False, db_constraint=False
    )
    document = models.ForeignKey(
        FacetDocument, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    first_seen_at = models.DateTimeField()
    known_at = models.DateTimeField(help_text=KNOWN_AT)
    also_told = ArrayField(models.DateTimeField(), null=True, help_text=ALSO_TOLD)
    last_seen_at = models.DateTimeField()
    last_digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset", "document"], name="a_document_is_sighted_once")]
        indexes = [models.Index(fields=["document"], name="sighting_by_document")]

    def __str__(self) -> str:
        return f"facets of {self.asset_id}"


class Observation(models.Model):
    """One value of a KPI of a model version, at a time, perhaps for a segment. No value: it was not a number."""

    version = models.ForeignKey(
        AssetVersion, on_delete=models.DO_NOTHING, related_name="observations", db_index=False, db_constraint=False
    )
    metric = models.TextField()
    segment = models.TextField(default="", blank=True)
    value = models.FloatField(null=True)
    measured_at = models.DateTimeField()
    sample_size = models.BigIntegerField(null=True)
    dataset = models.ForeignKey(
        AssetVersion, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    run = models.UUIDField(null=True)
    # Which event said so; a later one with the same measuring time corrects it.
    reported_at = models.DateTimeField()
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "metric", "segment", "measured_at"],
                name="a_metric_has_one_value_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.value}"


class Remark(models.Model):
    """What one facet that checks read said of a run (no asset) or of a dataset, at a version when the sender named one.

    Of a run and of each thing it spoke of the newest is kept; without a run an event about the dataset itself said it.
    """

    run = models.UUIDField(null=True)
    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    version = models.ForeignKey(
        AssetVersion, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False
    )
    key = models.TextField()
    body = models.JSONField()
    said_at = models.DateTimeField()
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "asset", "version", "key"], nulls_distinct=False, name="a_facet_remarks_once"
            )
        ]
        indexes = [
            models.Index(fields=["version", "key"], name="remark_by_version", condition=Q(version__isnull=False)),
            models.Index(
                fields=["asset", "key"],
                name="remark_by_asset",
                condition=Q(asset__isnull=False, version__isnull=True),
            ),
            # Which version lies at a place; the rest of what is said of it is not searched.
            GinIndex(
                fields=["body"],
                opclasses=["jsonb_path_ops"],
                name="remark_of_files",
                condition=Q(key="assay_modelFiles", version__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.asset_id or self.run}"


class RunDetail(models.Model):
    """What a sender said of a run beyond its inputs and outputs: how it was started, tests, alerts; see `details`."""

    run = models.UUIDField()
    name = models.CharField(max_length=12, help_text="What it is about, see lineage.details.Detail.")
    document = models.UUIDField(help_text="From the digest of the body, so that the same is told once.")
    body = models.JSONField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    last_digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name", "document"], name="a_run_is_told_a_detail_once")]
        indexes = [models.Index(F("name"), F("last_seen_at").desc(), name="detail_by_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.run}"
