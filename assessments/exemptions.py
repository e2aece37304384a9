"""Setting a criterion aside for a team for a time: it is left out of the sums and never counts as a pass."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assessments import answers, catalogue
from assessments.framework import Ladder
from assessments.models import Exemption
from governance import audit, permissions
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import Team, User
from governance.permissions import Permission

LONGEST = timedelta(days=180)
MAX_REASON_CHARS = 5_000


@transaction.atomic
def grant(
    *,
    actor: User,
    team: Team,
    framework: str,
    criterion: str,
    reason: str,
    until: datetime,
    model: UUID | None = None,
) -> Exemption:
    """Exempt the team (or one of its models) until that time, exclusive. Done by an assessor outside the team.

    Raises Denied, NotFound for an unknown criterion, and Invalid without a reason or beyond 180 days.
    """
    permissions.require(actor, Permission.ASSESS)
    if actor.is_service:
        raise Denied("Exemptions are granted by people, not by service accounts.", code="person_needed")
    answers.require_outsider(actor, team)
    found = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(framework)
    if found is None:
        raise NotFound(f"There is no framework {framework}.", fields={"framework": "unknown"})
    listed = found.criteria if isinstance(found, Ladder) else found.tests
    if criterion not in {one.id for one in listed}:
        raise NotFound(f"{framework} has no criterion {criterion}.", fields={"criterion": "unknown"})
    if not reason.strip() or len(reason) > MAX_REASON_CHARS:
        says = f"Say why, in at most {MAX_REASON_CHARS} characters."
        raise Invalid(f"reason: {says}", fields={"reason": says})
    now = timezone.now()
    if not now < until <= now + LONGEST:
        says = f"After now and at most {LONGEST.days} days away."
        raise Invalid(f"until: {says}", fields={"until": says})
    exemption = Exemption.objects.create(
        team=team,
        model=model,
        framework=framework,
        criterion=criterion,
        reason=reason.strip(),
        granted_by=actor,
        granted_at=now,
        ends_at=until,
    )
    audit.record(
        actor=actor,
        action=Action.EXEMPTION_GRANTED,
        subject=subject(exemption),
        detail={"team": team.slug, "criterion": criterion, "reason": exemption.reason, "until": until.isoformat()},
    )
    return exemption


@transaction.atomic
def end(*, actor: User, exemption: Exemption) -> Exemption:
    """End an exemption now. Any assessor may, and the team itself. Raises Denied, and Conflict when it has ended."""
    if not permissions.may(actor, Permission.MANAGE_TEAM, team=exemption.team):
        permissions.require(actor, Permission.ASSESS)
    now = timezone.now()
    # By condition, so that of two who end it one is told that it had ended.
    if not Exemption.objects.filter(pk=exemption.pk, ends_at__gt=now).update(ends_at=now):
        raise Conflict("The exemption has ended already.", code="already_ended")
    exemption.refresh_from_db()
    audit.record(actor=actor, action=Action.EXEMPTION_ENDED, subject=subject(exemption), detail={})
    return exemption


def subject(exemption: Exemption) -> str:
    """How the audit log names an exemption."""
    return f"exemption:{exemption.pk}"
