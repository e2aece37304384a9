"""Reminding teams of what comes due: an entry in the audit log, which the team's page and other systems read.

Each answer that expires and each initiative that ends is reminded of once. It is the log that says so, so that no
second record can contradict it.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection, transaction

from assessments import answers, initiatives, records
from assessments.models import Answer, Initiative
from governance import audit
from governance.actions import Action


def send(now: datetime) -> int:
    """Remind of each accepted answer that expires within 30 days, and of each open initiative that ends within 14.

    Gives of how many that was not done before.
    """
    return sum(_of_answer(answer, now) for answer in records.lapsing_soon(now)) + sum(
        _of_initiative(initiative, now) for initiative in records.ending_soon(now.date())
    )


def _of_answer(answer: Answer, now: datetime) -> bool:
    detail = {
        "team": answer.team.slug,
        "framework": answer.framework,
        "criterion": answer.criterion,
        "expires_at": answer.expires_at.isoformat(),
        "days_left": (answer.expires_at - now).days,
    }
    return _remind(Action.ANSWER_REMINDED, answers.subject(answer), detail)


def _of_initiative(initiative: Initiative, now: datetime) -> bool:
    done = records.progress(initiative)
    detail = {
        "title": initiative.title,
        "teams": sorted(team.slug for team in initiative.teams.all()),
        "ends_on": initiative.ends_on.isoformat(),
        "days_left": (initiative.ends_on - now.date()).days,
        "done": done.done,
        "asked": done.asked,
    }
    return _remind(Action.INITIATIVE_REMINDED, initiatives.subject(initiative), detail)


@transaction.atomic
def _remind(action: Action, subject: str, detail: Mapping[str, object]) -> bool:
    if audit.is_recorded(action=action, subject=subject):
        return False
    # Of two that remind at once, the second waits here and finds the entry.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"reminder of {subject}"])
    if audit.is_recorded(action=action, subject=subject):
        return False
    audit.record(actor=None, action=action, subject=subject, detail=detail)
    return True
