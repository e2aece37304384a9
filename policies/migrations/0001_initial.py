import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from governance.database import AppendOnly


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "verbose_name_plural": "policies",
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("digest", models.CharField(help_text="SHA-256 of the text, hexadecimal.", max_length=64)),
                ("document", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="policies.policy"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Promotion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("model", models.UUIDField()),
                ("model_version", models.UUIDField()),
                ("namespace", models.TextField()),
                ("model_name", models.TextField()),
                ("version", models.TextField()),
                ("stage", models.CharField(max_length=100)),
                ("commit", models.CharField(blank=True, default="", max_length=200)),
                ("note", models.TextField(blank=True, default="")),
                ("evidence", models.JSONField(default=dict, help_text="Name of a file to its SHA-256.")),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "watermark",
                    models.BigIntegerField(
                        help_text="Events up to this id count; checks wait until they are in the graph."
                    ),
                ),
                ("state", models.CharField(default="checking", max_length=10)),
                ("approvals_required", models.IntegerField(default=0)),
                ("decided_at", models.DateTimeField(null=True)),
                ("idempotency_key", models.CharField(max_length=200, null=True)),
                ("request_digest", models.CharField(max_length=64)),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promotions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.IntegerField()),
                ("check_id", models.CharField(max_length=60)),
                ("mode", models.CharField(max_length=10)),
                ("parameters", models.JSONField(default=dict)),
                ("is_done", models.BooleanField(default=False)),
                (
                    "leased_until",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), help_text="A worker is at it until then."
                    ),
                ),
                ("attempts", models.SmallIntegerField(default=0)),
                ("outcome", models.CharField(blank=True, default="", max_length=20)),
                ("summary", models.TextField(blank=True, default="")),
                ("measured", models.JSONField(null=True)),
                ("required", models.JSONField(null=True)),
                ("evidence", models.JSONField(null=True)),
                (
                    "facts",
                    models.JSONField(default=dict, help_text="What the check knew, so that it can be judged again."),
                ),
                ("judged_at", models.DateTimeField(null=True)),
                (
                    "policy_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policies.policyversion",
                    ),
                ),
                (
                    "promotion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="findings", to="policies.promotion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("decision", models.CharField(max_length=10)),
                ("reason", models.TextField(blank=True, default="")),
                ("decided_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "promotion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="approvals", to="policies.promotion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Verdict",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(max_length=10)),
                ("decided_at", models.DateTimeField()),
                (
                    "document",
                    models.JSONField(
                        help_text="Findings with their facts, policies by digest, approvals, versions used."
                    ),
                ),
                (
                    "promotion",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="verdict", to="policies.promotion"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(fields=("policy", "number"), name="a_policy_numbers_its_versions"),
        ),
        migrations.AddIndex(
            model_name="promotion",
            index=models.Index(
                models.F("model"),
                models.F("stage"),
                models.OrderBy(models.F("decided_at"), descending=True),
                name="promotion_by_model",
            ),
        ),
        migrations.AddIndex(
            model_name="promotion",
            index=models.Index(
                condition=models.Q(("state", "checking")), fields=["id"], name="promotion_being_checked"
            ),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.UniqueConstraint(fields=("requested_by", "idempotency_key"), name="a_key_asks_once"),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.UniqueConstraint(fields=("id", "requested_by"), name="promotion_with_its_requester"),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["checking", "waiting", "blocked", "passed", "withdrawn"])),
                name="promotion_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("state__in", ["checking", "waiting"])),
                    models.Q(("decided_at__isnull", False), ("state__in", ["blocked", "passed", "withdrawn"])),
                    _connector="OR",
                ),
                name="a_final_state_has_its_time",
            ),
        ),
        migrations.AddIndex(
            model_name="finding",
            index=models.Index(condition=models.Q(("is_done", False)), fields=["leased_until"], name="finding_pending"),
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.UniqueConstraint(fields=("promotion", "position"), name="a_rule_is_applied_once"),
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_done", True), ("outcome", ""), _connector="XOR"),
                name="a_finding_is_done_when_it_has_an_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(fields=("promotion", "user"), name="a_person_decides_once"),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(("user", models.F("requester")), _negated=True),
                name="nobody_approves_their_own_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ["approve", "reject"])), name="decision_is_known"
            ),
        ),
        AppendOnly("policies_policyversion"),
        AppendOnly("policies_verdict"),
        # An approval copies its promotion's requester, and the copy cannot differ: so the check that nobody approves
        # their own request holds whatever the code does.
        migrations.RunSQL(
            "ALTER TABLE policies_approval ADD CONSTRAINT approval_names_the_requester "
            "FOREIGN KEY (promotion_id, requester_id) REFERENCES policies_promotion (id, requested_by_id)",
            "ALTER TABLE policies_approval DROP CONSTRAINT approval_names_the_requester",
        ),
    ]
