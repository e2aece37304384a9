"""Reminding teams of answers that expire: an entry in the audit log, which the team's page and other systems read.

Each answer is reminded of once. It is the log that says so, so that no second record can contradict it.
"""

from datetime import datetime

from django.db import connection, transaction

from assessments import answers, records
from assessments.models import Answer
from governance import audit
from governance.actions import Action


def send(now: datetime) -> int:
    """Remind of each accepted answer that expires within 30 days, if that was not done; gives of how many."""
    return sum(_remind(answer, now) for answer in records.lapsing_soon(now))


@transaction.atomic
def _remind(answer: Answer, now: datetime) -> bool:
    subject = answers.subject(answer)
    if audit.is_recorded(action=Action.ANSWER_REMINDED, subject=subject):
        return False
    # Of two that remind at once, the second waits here and finds the entry.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"reminder of {subject}"])
    if audit.is_recorded(action=Action.ANSWER_REMINDED, subject=subject):
        return False
    audit.record(
        actor=None,
        action=Action.ANSWER_REMINDED,
        subject=subject,
        detail={
            "team": answer.team.slug,
            "framework": answer.framework,
            "criterion": answer.criterion,
            "expires_at": answer.expires_at.isoformat(),
            "days_left": (answer.expires_at - now).days,
        },
    )
    return True
