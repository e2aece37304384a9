"""Initiatives: what some teams are to reach by a day. A sponsor opens one, snapshots tell how far it is."""

from collections.abc import Collection, Sequence
from datetime import date

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assessments import burnup, catalogue, records
from assessments.framework import Ladder
from assessments.models import Initiative
from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import Team, User
from governance.permissions import Permission

MAX_TITLE_CHARS = 200
MAX_TEXT_CHARS = 5_000
LONGEST_DAYS = 730


@transaction.atomic
def start(
    *,
    actor: User,
    title: str,
    framework: str,
    teams: Sequence[Team],
    starts_on: date,
    ends_on: date,
    level: int | None = None,
    criteria: Collection[str] = (),
    note: str = "",
) -> Initiative:
    """Open an initiative to reach a level, or chosen criteria, by the end of `ends_on`.

    Raises Denied, NotFound for a framework without levels, and Invalid naming the field.
    """
    permissions.require(actor, Permission.SET_TARGETS)
    if actor.is_service:
        raise Denied("Initiatives are opened by people, not by service accounts.", code="person_needed")
    found = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(framework)
    if not isinstance(found, Ladder):
        raise NotFound(f"There is no framework of levels {framework}.", fields={"framework": "unknown"})
    _check_text(title, note)
    _check_days(starts_on, ends_on)
    if not teams:
        raise _invalid("teams", "Name at least one team.")
    initiative = Initiative.objects.create(
        title=title.strip(),
        framework=framework,
        level=level,
        criteria=_criteria(found, level, criteria),
        starts_on=starts_on,
        ends_on=ends_on,
        note=note.strip(),
        sponsor=actor,
    )
    initiative.teams.set(teams)
    audit.record(
        actor=actor,
        action=Action.INITIATIVE_OPENED,
        subject=subject(initiative),
        detail={
            "title": initiative.title,
            "framework": framework,
            "level": level,
            "criteria": initiative.criteria,
            "teams": sorted(team.slug for team in teams),
            "until": ends_on.isoformat(),
        },
    )
    return initiative


@transaction.atomic
def end(*, actor: User, initiative: Initiative, reason: str) -> Initiative:
    """End one before its time, with the reason. Raises Denied, Invalid, and Conflict when it is closed."""
    permissions.require(actor, Permission.SET_TARGETS)
    if not reason.strip() or len(reason) > MAX_TEXT_CHARS:
        raise _invalid("reason", f"Say why, in at most {MAX_TEXT_CHARS} characters.")
    return _close(initiative, "ended", actor=actor, reason=reason.strip())


def settle(today: date) -> int:
    """Close those whose last day is over, and those that are met before it. Gives how many."""
    closed = 0
    for initiative in Initiative.objects.filter(outcome="", starts_on__lte=today).order_by("id"):
        is_met = records.progress(initiative).is_met
        if is_met or initiative.ends_on < today:
            _close(initiative, "met" if is_met else "missed", actor=None)
            closed += 1
    return closed


@transaction.atomic
def _close(initiative: Initiative, outcome: str, *, actor: User | None, reason: str = "") -> Initiative:
    done = records.progress(initiative)
    # By condition, so that of two who close it one is told that it was closed.
    closed = Initiative.objects.filter(pk=initiative.pk, outcome="").update(
        outcome=outcome, reason=reason, result={"done": done.done, "asked": done.asked}, closed_at=timezone.now()
    )
    if not closed:
        raise Conflict("The initiative is closed already.", code="already_ended")
    initiative.refresh_from_db()
    audit.record(
        actor=actor,
        action=Action.INITIATIVE_CLOSED,
        subject=subject(initiative),
        detail={"outcome": outcome, "done": done.done, "asked": done.asked, "reason": reason},
    )
    return initiative


def subject(initiative: Initiative) -> str:
    """How the audit log names an initiative."""
    return f"initiative:{initiative.pk}"


def _criteria(ladder: Ladder, level: int | None, chosen: Collection[str]) -> list[str]:
    if (level is None) == (not chosen):
        raise _invalid("level", "Give a level to reach, or criteria, and not both.")
    if level is not None and not 1 <= level <= ladder.top:
        raise _invalid("level", f"1 to {ladder.top}.")
    known = {criterion.id for criterion in ladder.criteria}
    if unknown := sorted(set(chosen) - known):
        raise NotFound(f"{ladder.framework} has no criterion {unknown[0]}.", fields={"criteria": "unknown"})
    return [criterion.id for criterion in burnup.covered(ladder.criteria, level=level, chosen=chosen)]


def _check_text(title: str, note: str) -> None:
    if not title.strip() or len(title) > MAX_TITLE_CHARS:
        raise _invalid("title", f"1 to {MAX_TITLE_CHARS} characters.")
    if len(note) > MAX_TEXT_CHARS:
        raise _invalid("note", f"At most {MAX_TEXT_CHARS} characters.")


def _check_days(starts_on: date, ends_on: date) -> None:
    if not 0 < (ends_on - starts_on).days <= LONGEST_DAYS:
        raise _invalid("ends_on", f"After the first day and at most {LONGEST_DAYS} days from it.")


def _invalid(field: str, says: str) -> Invalid:
    return Invalid(f"{field}: {says}", fields={field: says})
