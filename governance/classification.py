"""Saying how critical a model is, what its data are, and when it is done. What held before stays as history."""

import difflib
from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from governance import audit, criticality, ownership, permissions
from governance.actions import Action
from governance.criticality import DataClass, Goal, Tier
from governance.errors import Denied, Invalid
from governance.models import Classification, User
from governance.permissions import Permission

MAX_CHARS = 5_000


@transaction.atomic
def classify(
    *,
    actor: User,
    asset: UUID,
    tier: str,
    data_classes: Sequence[str] = (),
    goals: Sequence[Goal] = (),
    done_when: str = "",
    reason: str,
) -> tuple[Classification, bool]:
    """What the asset is from now on; gives it and whether it is new. What is said again unchanged stays as it is.

    Its owners say so. A less critical tier, or none, needs the permission to manage policies as well: nobody escapes a
    policy by calling a model harmless. Raises Denied and Invalid.
    """
    with connection.cursor() as cursor:
        # One after the other, each judged by what the one before left.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"classification of {asset}"])
    permissions.require(actor, Permission.MANAGE_OWNERSHIP, asset=asset)
    classes = sorted({_word(DataClass, "data_classes", word) for word in data_classes})
    chosen = _word(Tier, "tier", tier) if tier else ""
    _check(goals, done_when, reason)
    now = timezone.now()
    before = Classification.objects.of(asset).at(now).first()
    _refuse_lowering(actor, before, chosen, classes)
    said = [msgspec.to_builtins(goal) for goal in goals]
    if before is not None:
        if (before.tier, before.data_classes, before.goals, before.done_when) == (chosen, classes, said, done_when):
            return before, False
        before.period = DateTimeTZRange(before.period.lower, now, "[)")
        before.save(update_fields=["period"])
    classified = Classification.objects.create(
        asset=asset,
        tier=chosen,
        data_classes=classes,
        goals=said,
        done_when=done_when,
        reason=reason,
        set_by=actor,
        period=DateTimeTZRange(now, None, "[)"),
    )
    audit.record(
        actor=actor,
        action=Action.ASSET_CLASSIFIED,
        subject=ownership.subject(asset),
        detail={
            "tier": chosen,
            "data_classes": classes,
            "goals": said,
            "done_when": done_when,
            "reason": reason,
            "tier_before": before.tier if before else "",
        },
    )
    return classified, True


def _refuse_lowering(actor: User, before: Classification | None, tier: str, classes: Sequence[str]) -> None:
    if before is None or permissions.may(actor, Permission.MANAGE_POLICIES):
        return
    if criticality.is_lowered(before.tier, tier):
        raise Denied(
            f"The tier is {before.tier}: making it less critical takes someone who manages policies.",
            fields={"tier": "Less critical than before."},
            code="permission_missing",
        )
    if missing := sorted(set(before.data_classes) - set(classes)):
        raise Denied(
            f"Taking away the data class {missing[0]} takes someone who manages policies.",
            fields={"data_classes": f"{missing[0]} was set before."},
            code="permission_missing",
        )


def _word(kind: type[StrEnum], field: str, word: str) -> str:
    try:
        return kind(word).value
    except ValueError:
        near = difflib.get_close_matches(word, list(kind), n=1)
        says = f"{word[:50]!r} is not one of {', '.join(kind)}{f'; did you mean {near[0]}?' if near else '.'}"
        raise Invalid(f"{field}: {says}", fields={field: says}) from None


def _check(goals: Sequence[Goal], done_when: str, reason: str) -> None:
    if problem := criticality.problem(goals):
        raise Invalid(f"goals: {problem}.", fields={"goals": f"{problem}."})
    if not reason.strip():
        raise Invalid("reason: must not be empty.", fields={"reason": "Say why, for those who ask later."})
    for name, text in (("done_when", done_when), ("reason", reason)):
        if len(text) > MAX_CHARS:
            says = f"Longer than {MAX_CHARS} characters."
            raise Invalid(f"{name}: {says}", fields={name: says})
