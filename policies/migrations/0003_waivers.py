import datetime
import uuid

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from governance.database import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0004_identities"),
        ("policies", "0002_evidence"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Maker",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        help_text="requester, committer, author, runner, ci_actor or registrant", max_length=20
                    ),
                ),
                (
                    "name",
                    models.TextField(
                        blank=True, default="", help_text="As it was given; empty for an account of ours."
                    ),
                ),
                ("noted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Waiver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                (
                    "rule",
                    models.CharField(
                        help_text="The rule's key; another one when the rule asks something else.", max_length=80
                    ),
                ),
                ("check_id", models.CharField(max_length=60)),
                (
                    "parameters",
                    models.JSONField(default=dict, help_text="What the rule asked when the waiver was requested."),
                ),
                ("scope", models.CharField(max_length=10)),
                ("model", models.UUIDField(null=True)),
                ("model_version", models.UUIDField(null=True)),
                ("reason", models.TextField()),
                ("ticket", models.CharField(max_length=200)),
                (
                    "tier",
                    models.CharField(
                        blank=True, default="", help_text="The model's when it was requested.", max_length=40
                    ),
                ),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(help_text="Exclusive.")),
                ("approvals_required", models.SmallIntegerField(default=1)),
                (
                    "approved_at",
                    models.DateTimeField(
                        help_text="With the last approval needed; it covers nothing before.", null=True
                    ),
                ),
                ("refused_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_because", models.TextField(blank=True, default="")),
                (
                    "begun_at",
                    models.DateTimeField(
                        help_text="When promotions were judged again because it had begun.", null=True
                    ),
                ),
                (
                    "end_recorded_at",
                    models.DateTimeField(help_text="When its end was written to the audit log.", null=True),
                ),
                ("idempotency_key", models.CharField(max_length=200, null=True)),
                ("request_digest", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="WaiverDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("decision", models.CharField(max_length=10)),
                ("reason", models.TextField(blank=True, default="")),
                ("decided_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="WaiverUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
        ),
        migrations.AddField(
            model_name="promotion",
            name="covered_until",
            field=models.DateTimeField(help_text="When the first waiver ends that it passed with.", null=True),
        ),
        migrations.AddField(
            model_name="promotion",
            name="makers",
            field=models.JSONField(default=dict, help_text="Role to the names that the requester gave of who made it."),
        ),
        migrations.AddField(
            model_name="promotion",
            name="uncovered_at",
            field=models.DateTimeField(help_text="Since then a waiver that it passed with has ended.", null=True),
        ),
        migrations.AddField(
            model_name="verdict",
            name="number",
            field=models.SmallIntegerField(default=1),
        ),
        migrations.AlterField(
            model_name="verdict",
            name="promotion",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="verdicts", to="policies.promotion"
            ),
        ),
        migrations.AddIndex(
            model_name="promotion",
            index=models.Index(
                condition=models.Q(("covered_until__isnull", False), ("uncovered_at__isnull", True)),
                fields=["covered_until"],
                name="promotion_covered",
            ),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.UniqueConstraint(fields=("promotion", "number"), name="a_promotion_numbers_its_verdicts"),
        ),
        migrations.AddField(
            model_name="maker",
            name="promotion",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="known_makers", to="policies.promotion"
            ),
        ),
        migrations.AddField(
            model_name="maker",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="policies.policy"
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="promotion",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="policies.promotion"
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="requested_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="revoked_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="team",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="governance.team"
            ),
        ),
        migrations.AddField(
            model_name="waiverdecision",
            name="requester",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="waiverdecision",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="waiverdecision",
            name="waiver",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="policies.waiver"
            ),
        ),
        migrations.AddField(
            model_name="waiveruse",
            name="finding",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="waiver_uses", to="policies.finding"
            ),
        ),
        migrations.AddField(
            model_name="waiveruse",
            name="promotion",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="waiver_uses", to="policies.promotion"
            ),
        ),
        migrations.AddField(
            model_name="waiveruse",
            name="verdict",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="waiver_uses", to="policies.verdict"
            ),
        ),
        migrations.AddField(
            model_name="waiveruse",
            name="waiver",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="policies.waiver"
            ),
        ),
        migrations.AddConstraint(
            model_name="maker",
            constraint=models.UniqueConstraint(fields=("promotion", "user", "role"), name="a_maker_is_noted_once"),
        ),
        migrations.AddIndex(
            model_name="waiver",
            index=models.Index(fields=["rule", "ends_at"], name="waiver_by_rule"),
        ),
        migrations.AddIndex(
            model_name="waiver",
            index=models.Index(fields=["ends_at"], name="waiver_by_end"),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.UniqueConstraint(
                fields=("requested_by", "idempotency_key"), name="a_key_asks_for_one_waiver"
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.UniqueConstraint(fields=("id", "requested_by"), name="waiver_with_its_requester"),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="waiver_ends_after_it_starts"
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "ends_at__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("starts_at"), "+", models.Value(datetime.timedelta(days=366))
                        ),
                    )
                ),
                name="no_waiver_outlasts_a_year",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(("approved_at__isnull", True), ("refused_at__isnull", True), _connector="OR"),
                name="a_waiver_is_approved_or_refused",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("model__isnull", False),
                        ("model_version__isnull", False),
                        ("scope", "version"),
                        ("team__isnull", True),
                    ),
                    models.Q(
                        ("model__isnull", False),
                        ("model_version__isnull", True),
                        ("scope", "model"),
                        ("team__isnull", True),
                    ),
                    models.Q(
                        ("model__isnull", True),
                        ("model_version__isnull", True),
                        ("scope", "team"),
                        ("team__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="a_waiver_names_what_it_covers",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiverdecision",
            constraint=models.UniqueConstraint(fields=("waiver", "user"), name="a_person_decides_on_a_waiver_once"),
        ),
        migrations.AddConstraint(
            model_name="waiverdecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("user", models.F("requester")), _negated=True),
                name="nobody_approves_their_own_waiver",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiverdecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ["approve", "refuse"])), name="waiver_decision_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="waiveruse",
            constraint=models.UniqueConstraint(fields=("verdict", "finding"), name="a_finding_is_waived_once"),
        ),
        AppendOnly("policies_approval"),
        AppendOnly("policies_waiverdecision"),
        AppendOnly("policies_waiveruse"),
        AppendOnly("policies_maker"),
        # As with approvals: the copy of the waiver's requester cannot differ, so the check on it always holds.
        migrations.RunSQL(
            "ALTER TABLE policies_waiverdecision ADD CONSTRAINT waiver_decision_names_the_requester "
            "FOREIGN KEY (waiver_id, requester_id) REFERENCES policies_waiver (id, requested_by_id)",
            "ALTER TABLE policies_waiverdecision DROP CONSTRAINT waiver_decision_names_the_requester",
        ),
        # Who made a version is known in another table than what is decided about it, so a trigger compares them.
        migrations.RunSQL(
            """
            CREATE FUNCTION refuse_makers_approval() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (
                    SELECT FROM policies_maker WHERE promotion_id = NEW.promotion_id AND user_id = NEW.user_id
                ) THEN
                    RAISE EXCEPTION 'nobody approves what they made' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse_makers_approval BEFORE INSERT OR UPDATE ON policies_approval
            FOR EACH ROW EXECUTE FUNCTION refuse_makers_approval();

            CREATE FUNCTION refuse_makers_waiver_decision() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (
                    SELECT FROM policies_waiver w JOIN policies_maker m ON m.promotion_id = w.promotion_id
                    WHERE w.id = NEW.waiver_id AND m.user_id = NEW.user_id
                ) THEN
                    RAISE EXCEPTION 'nobody decides on a waiver for what they made' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse_makers_waiver_decision BEFORE INSERT OR UPDATE ON policies_waiverdecision
            FOR EACH ROW EXECUTE FUNCTION refuse_makers_waiver_decision();
            """,
            """
            DROP TRIGGER refuse_makers_approval ON policies_approval;
            DROP FUNCTION refuse_makers_approval();
            DROP TRIGGER refuse_makers_waiver_decision ON policies_waiverdecision;
            DROP FUNCTION refuse_makers_waiver_decision();
            """,
        ),
    ]
