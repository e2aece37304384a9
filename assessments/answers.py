"""Answers to what no machine can measure: given by the team, reviewed by another person, expiring, lapsing."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from assessments import catalogue
from assessments.framework import Criterion, Extent, Ladder, ScoredTest
from assessments.models import Answer, AnswerLapse, AnswerReview
from governance import audit, permissions, selectors
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import Team, User
from governance.permissions import Permission

FALLBACK_EXPIRES_AFTER_DAYS = 180
MAX_TEXT_CHARS = 5_000
MAX_EVIDENCE = 50
# One reviewed answer in so many is drawn each quarter and looked at again.
RECHECKED_PART = 10
_REFERENCE = re.compile(r"https?://\S+|[0-9a-f]{64}")


class EvidenceReference(TypedDict):
    """Something that supports an answer: its title, and its address or the SHA-256 of a stored file."""

    title: str
    reference: str


@transaction.atomic
def give(
    *,
    actor: User,
    team: Team,
    framework: str,
    criterion: str,
    extent: str,
    evidence: Sequence[EvidenceReference],
    note: str = "",
    model: UUID | None = None,
    given_at: datetime | None = None,
) -> Answer:
    """Answer a criterion for the team, or for one of its models. The answer counts once someone else has reviewed it.

    `given_at` enters an answer that was given before, elsewhere: it counts and expires from then, and the audit log
    says when it was entered. Raises Denied, NotFound for an unknown criterion, and Invalid naming the field.
    """
    permissions.require(actor, Permission.MANAGE_TEAM, team=team)
    if actor.is_service:
        raise Denied("Answers are for people, not for service accounts.", code="person_needed")
    asked, version = question(framework, criterion)
    if extent not in set(Extent):
        says = f"Not one of {', '.join(Extent)}."
        raise Invalid(f"extent: {says}", fields={"extent": says})
    _check(evidence, note)
    now = timezone.now()
    when = _earlier("given_at", given_at, now)
    given = Answer.objects.create(
        team=team,
        model=model,
        framework=framework,
        criterion=criterion,
        catalogue_version=version,
        extent=extent,
        evidence=list(evidence),
        note=note.strip(),
        answered_by=actor,
        answered_at=when,
        expires_at=when + timedelta(days=expires_after_days(asked)),
    )
    audit.record(
        actor=actor,
        action=Action.ANSWER_GIVEN,
        subject=subject(given),
        detail={
            "team": team.slug,
            "criterion": criterion,
            "extent": extent,
            "model": str(model) if model else None,
            "given_at": when.isoformat(),
        },
    )
    return given


@transaction.atomic
def review(
    *, actor: User, answer: Answer, decision: str, reason: str = "", reviewed_at: datetime | None = None
) -> AnswerReview:
    """Accept or reject an answer. Done by an assessor who is not of the team and did not answer.

    The first review decides whether the answer counts. A later one is a second look, which makes it lapse when it
    rejects. `reviewed_at` enters a review that was made before, elsewhere. Raises Denied, Invalid, and Conflict when
    the actor has reviewed it before.
    """
    if decision not in {"accept", "reject"}:
        raise Invalid("decision: accept or reject.", fields={"decision": "Accept or reject."})
    if decision == "reject" and not reason.strip():
        raise Invalid("reason: say why it is rejected.", fields={"reason": "Say why it is rejected."})
    if len(reason) > MAX_TEXT_CHARS:
        raise Invalid("reason: too long.", fields={"reason": f"Longer than {MAX_TEXT_CHARS} characters."})
    _require_assessor(actor, answer)
    when = _earlier("reviewed_at", reviewed_at, timezone.now())
    if when < answer.answered_at:
        raise Invalid("reviewed_at: before the answer.", fields={"reviewed_at": "Before the answer."})
    # One at a time, so that of two first reviews the second one finds that it is a second look. Rows that are never
    # changed cannot be locked by the application's role.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"review of {subject(answer)}"])
    is_recheck = answer.reviews.exists()
    try:
        with transaction.atomic():
            found = AnswerReview.objects.create(
                answer=answer,
                answered_by_id=answer.answered_by_id,
                reviewer=actor,
                is_recheck=is_recheck,
                decision=decision,
                reason=reason.strip(),
                reviewed_at=when,
            )
    except IntegrityError:
        raise Conflict("You have reviewed this answer already.", code="already_reviewed") from None
    audit.record(
        actor=actor,
        action=Action.ANSWER_RECHECKED if is_recheck else Action.ANSWER_REVIEWED,
        subject=subject(answer),
        detail={"decision": decision, "reason": found.reason, "reviewed_at": when.isoformat()},
    )
    if is_recheck and decision == "reject":
        lapse(answer=answer, because=f"A second look rejected the answer: {found.reason}")
    return found


@transaction.atomic
def lapse(*, answer: Answer, because: str, at: datetime | None = None) -> bool:
    """Let an answer never count again from a time on (now when absent). Whether this is what made it lapse."""
    defaults = {"because": because, "lapsed_at": at or timezone.now()}
    _, is_new = AnswerLapse.objects.get_or_create(answer=answer, defaults=defaults)
    if is_new:
        audit.record(actor=None, action=Action.ANSWER_LAPSED, subject=subject(answer), detail={"because": because})
    return is_new


def due_for_recheck(at: datetime) -> list[Answer]:
    """The reviewed answers drawn in the quarter of that time that nobody has looked at again, the oldest first.

    The draw is fixed for a quarter, and nobody without the installation's key can tell it beforehand.
    """
    valid = (
        Answer.objects.filter(expires_at__gt=at, answered_at__lte=at, lapse=None)
        .filter(reviews__is_recheck=False, reviews__decision="accept")
        .exclude(reviews__is_recheck=True, reviews__reviewed_at__gte=_quarter_began(at))
        .select_related("team", "answered_by")
        .order_by("answered_at", "id")
    )
    quarter = f"{at.year}-{(at.month - 1) // 3 + 1}"
    return [answer for answer in valid if _is_drawn(answer.pk, quarter)]


def question(framework: str, criterion: str) -> tuple[Criterion | ScoredTest, str]:
    """The criterion or test that people may answer, and its catalogue version. Raises NotFound and Invalid."""
    found = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(framework)
    if found is None:
        raise NotFound(f"There is no framework {framework}.", fields={"framework": "unknown"})
    listed: Sequence[Criterion | ScoredTest] = found.criteria if isinstance(found, Ladder) else found.tests
    asked = next((one for one in listed if one.id == criterion), None)
    if asked is None:
        raise NotFound(f"{framework} has no criterion {criterion}.", fields={"criterion": "unknown"})
    if isinstance(asked, Criterion) and asked.attestation is None and not asked.attested_fallback:
        says = "Measured from facts: an answer would change nothing."
        raise Invalid(f"criterion: {says}", fields={"criterion": says})
    return asked, found.version


def expires_after_days(asked: Criterion | ScoredTest) -> int:
    return asked.attestation.expires_after_days if asked.attestation else FALLBACK_EXPIRES_AFTER_DAYS


def subject(answer: Answer) -> str:
    """How the audit log names an answer."""
    return f"answer:{answer.pk}"


def _require_assessor(actor: User, answer: Answer) -> None:
    if answer.answered_by_id == actor.pk:
        raise Denied("Nobody reviews what they answered: ask an assessor outside the team.", code="own_answer")
    if actor.is_service:
        raise Denied("Reviews are for people, not for service accounts.", code="person_needed")
    permissions.require(actor, Permission.ASSESS)
    require_outsider(actor, answer.team)


def require_outsider(actor: User, team: Team) -> None:
    """Raise Denied for members of the team, whatever their rights."""
    if selectors.members(team).filter(user=actor).exists():
        raise Denied(f"You are a member of {team.slug}: ask an assessor outside the team.", code="own_team")


def _earlier(field: str, said: datetime | None, now: datetime) -> datetime:
    """The time that was said, or now. Raises Invalid for one that has not come."""
    if said is not None and said > now:
        raise Invalid(f"{field}: lies in the future.", fields={field: "Lies in the future."})
    return said or now


def _check(evidence: Sequence[EvidenceReference], note: str) -> None:
    if not 1 <= len(evidence) <= MAX_EVIDENCE:
        says = f"1 to {MAX_EVIDENCE} references that support the answer."
        raise Invalid(f"evidence: {says}", fields={"evidence": says})
    for number, one in enumerate(evidence):
        if not one["title"].strip() or len(one["title"]) > 300:
            says = "1 to 300 characters."
            raise Invalid(f"evidence[{number}].title: {says}", fields={f"evidence[{number}].title": says})
        if not _REFERENCE.fullmatch(one["reference"]) or len(one["reference"]) > 2_000:
            says = "An http or https address, or the SHA-256 of a file in lower-case hexadecimal."
            raise Invalid(f"evidence[{number}].reference: {says}", fields={f"evidence[{number}].reference": says})
    if len(note) > MAX_TEXT_CHARS:
        raise Invalid("note: too long.", fields={"note": f"Longer than {MAX_TEXT_CHARS} characters."})


def _quarter_began(at: datetime) -> datetime:
    return at.replace(month=(at.month - 1) // 3 * 3 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def _is_drawn(answer: int, quarter: str) -> bool:
    drawn = hmac.new(settings.SECRET_KEY.encode(), f"recheck {quarter} {answer}".encode(), hashlib.sha256)
    return int.from_bytes(drawn.digest()[:8]) % RECHECKED_PART == 0
