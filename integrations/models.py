"""Connections to outside systems, what came through them, and what they call the things of the graph.

The graph is made from the event log alone. Rows here say how events came to be, and are not needed to make it again.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from governance.models import Team, User
from integrations import outmodels as outmodels  # Django looks for models here.


class Purpose(models.TextChoices):
    """Which way a secret goes: the system proves itself with it, or we do."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class DeliveryState(models.TextChoices):
    """What became of a delivery.

    Ignored: its type brings nothing, such as a test ping. Unknown: its type is not known to the system's module.
    Refused: the payload lacks what a fact needs. Failed: the fault is ours, and it is tried again.
    """

    RECEIVED = "received"
    TRANSLATED = "translated"
    IGNORED = "ignored"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    FAILED = "failed"


class Via(models.TextChoices):
    """How a message came."""

    WEBHOOK = "webhook"
    POLL = "poll"
    IMPORT = "import"


class JoinRule(models.TextChoices):
    """By what a name of a system's is joined: it is the name of a model, or the address of the files of a version."""

    NAME = "name"
    FILES = "files"


class JoinState(models.TextChoices):
    """Whether a name of a system's is a model of the graph, or a version of one.

    Automatic: the only one that the rule finds. Proposed: one of several, for people to say.
    """

    AUTOMATIC = "automatic"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Connection(models.Model):
    """One configured instance of an outside system: how it proves itself, where it is asked, how it is doing."""

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    system = models.CharField(max_length=50, help_text="The slug of its system, see integrations.systems.")
    namespace = models.TextField(help_text="Names the instance in the graph: mlflow://ml.example.")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="connections")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="connection",
        help_text="The service account that sends its events.",
    )
    options = models.JSONField(default=dict, help_text="Of the form of the system's options.")
    scheme = models.CharField(max_length=30, blank=True, help_text="How deliveries are proven; empty takes none.")
    scheme_options = models.JSONField(default=dict, help_text="See integrations.proofs.SchemeOptions.")
    window_s = models.IntegerField(
        null=True, help_text="How old a signed time may be; empty is the scheme's own, 0 is any age."
    )
    networks = ArrayField(
        models.CharField(max_length=50), default=list, help_text="Where deliveries may come from; empty is anywhere."
    )
    address = models.TextField(blank=True, help_text="The base of what it is asked and told.")
    auth = models.JSONField(default=dict, help_text="How we prove ourselves, see integrations.authentication.Auth.")
    is_active = models.BooleanField(default=True, help_text="A paused one takes and asks nothing.")
    created_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True, help_text="For good: its secrets are retired too.")

    poll_interval_s = models.IntegerField(null=True, help_text="Empty: it is not polled.")
    poll_cursor = models.JSONField(default=dict, help_text="Where the next poll goes on; the system's module reads it.")
    poll_at = models.DateTimeField(null=True, help_text="When it is polled next.")
    poll_failures = models.IntegerField(default=0, help_text="Polls that failed since one did not.")

    last_success_at = models.DateTimeField(null=True, help_text="When something of it last became facts.")
    last_failure_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="", blank=True, help_text="What went wrong at the last failure.")
    last_untrusted_at = models.DateTimeField(null=True)
    last_untrusted = models.TextField(default="", blank=True, help_text="Why a delivery was last not believed.")

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(is_active=False), name="a_retired_connection_is_not_active"
            ),
            models.CheckConstraint(
                condition=Q(poll_interval_s__isnull=True) | Q(poll_interval_s__gte=10),
                name="a_connection_is_polled_every_10_s_at_most",
            ),
        ]
        indexes = [
            models.Index(
                fields=["poll_at"], name="connection_to_poll", condition=Q(is_active=True, poll_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return self.slug


class ConnectionSecret(models.Model):
    """A secret of a connection, sealed; of the secret part of an address only the digest is kept."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="secrets")
    purpose = models.CharField(max_length=10)
    place = models.SmallIntegerField(help_text="1 or 2: two are live while one replaces the other.")
    sealed = models.BinaryField(null=True, help_text="Encrypted, see integrations.sealing.")
    digest = models.BinaryField(max_length=32, null=True, help_text="SHA-256 of the secret part of an address.")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "purpose", "place"],
                condition=Q(retired_at__isnull=True),
                name="a_place_holds_one_live_secret",
            ),
            models.CheckConstraint(condition=Q(place__in=[1, 2]), name="at_most_two_secrets_are_live"),
            models.CheckConstraint(
                condition=Q(purpose__in=["incoming", "outgoing"]), name="purpose_of_a_secret_is_known"
            ),
            models.CheckConstraint(
                condition=Q(sealed__isnull=False, digest__isnull=True) | Q(sealed__isnull=True, digest__isnull=False),
                name="a_secret_is_sealed_or_a_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} secret {self.pk} of {self.connection_id}"


class Delivery(models.Model):
    """One message as it came, kept for a time to be translated, looked at and translated again."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    key = models.TextField(help_text="The sender's name of it, else the digest of its body: one row for each.")
    via = models.CharField(max_length=10, db_default="webhook")
    type = models.TextField(blank=True, db_default="", help_text="The system's word for what it tells.")
    headers = models.JSONField(db_default=models.Value({}, models.JSONField()), help_text="Those that are kept.")
    body = models.BinaryField()
    received_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, db_default="received")
    due_at = models.DateTimeField(null=True, help_text="When it is to be translated; empty: there is nothing to do.")
    attempts = models.IntegerField(db_default=0)
    translated_at = models.DateTimeField(null=True)
    events = models.IntegerField(db_default=0, help_text="How many events it became, those known before included.")
    error = models.TextField(blank=True, db_default="")
    unresolved = ArrayField(
        models.TextField(), null=True, help_text="Models and files that it names and the graph does not know."
    )

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["connection", "key"], name="a_delivery_is_stored_once"),
        ]
        indexes = [
            models.Index(F("connection"), F("id").desc(), name="delivery_by_connection"),
            models.Index(fields=["due_at"], name="delivery_to_translate", condition=Q(due_at__isnull=False)),
            models.Index(fields=["received_at"], name="delivery_by_time"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class Reading(models.Model):
    """One poll of a connection, or one import of its files."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="readings", db_index=False)
    via = models.CharField(max_length=10, help_text="poll or import")
    source = models.TextField(blank=True, default="", help_text="The file or folder of an import.")
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, help_text="Empty while it runs, or when it was interrupted.")
    messages = models.IntegerField(default=0)
    events = models.IntegerField(default=0)
    new = models.IntegerField(default=0, help_text="Events that the log did not have.")
    refused = models.IntegerField(default=0)
    errors = models.JSONField(default=list, help_text="What the first refused messages lacked.")
    error = models.TextField(blank=True, default="", help_text="Why it ended before its end.")
    cursor = models.JSONField(default=dict, help_text="How far it came.")

    class Meta:
        indexes = [models.Index(F("connection"), F("id").desc(), name="reading_by_connection")]

    def __str__(self) -> str:
        return f"{self.via} {self.pk}"


class Join(models.Model):
    """What a connection's payloads say for a model or its files, and the model of the graph that it may be."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="joins")
    rule = models.CharField(max_length=5, db_default="name", default="name")
    name = models.TextField(help_text="As the payloads have it; an address without credentials.")
    asset = models.UUIDField(help_text="The model's UUID, which outlives a rebuild of the graph.")
    model_namespace = models.TextField()
    model_name = models.TextField()
    version = models.TextField(
        blank=True, default="", db_default="", help_text="Of which the files are; empty: of any, by name."
    )
    said_namespace = models.TextField(
        blank=True, default="", db_default="", help_text="What the name is in the graph unless it is joined."
    )
    said_name = models.TextField(blank=True, default="", db_default="")
    found_at = models.TextField(
        blank=True, default="", db_default="", help_text="The place of its files that the registration told."
    )
    state = models.CharField(max_length=10)
    noted_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "rule", "name", "asset", "version"], name="a_join_stands_once"
            ),
            models.UniqueConstraint(
                fields=["connection", "rule", "name"],
                condition=Q(state__in=["confirmed", "automatic"]),
                name="a_name_is_joined_to_one_model",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["automatic", "proposed", "confirmed", "rejected"]), name="join_state_is_known"
            ),
            models.CheckConstraint(condition=Q(rule__in=["name", "files"]), name="join_rule_is_known"),
        ]
        # Decisions on files hold for all connections.
        indexes = [
            models.Index(fields=["name"], name="join_by_files", condition=Q(rule="files")),
            models.Index(fields=["asset"], name="join_by_model"),
        ]

    def __str__(self) -> str:
        return f"{self.name} is {self.model_namespace} {self.model_name}"
