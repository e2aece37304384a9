"""Reminding teams of what comes due: an entry in the audit log, which the team's page and other systems read.

Each answer that expires, each initiative that ends and each source that falls silent is reminded of once, and each
initiative under way once a week.
It is the log that says so, so that no second record can contradict it. An entry has what it says in one sentence and
the page that it is about, for those who pass it on.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection, transaction

from assessments import answers, initiatives, records, snapshots
from assessments.models import Answer, Initiative
from governance import audit, selectors
from governance.actions import Action


def send(now: datetime) -> int:
    """Remind of each accepted answer that expires within 30 days, of each open initiative that ends within 14, and of
    each source that was heard before and not for seven days.

    Gives of how many that was not done before.
    """
    return (
        sum(_of_answer(answer, now) for answer in records.lapsing_soon(now))
        + sum(_of_initiative(initiative, now) for initiative in records.ending_soon(now.date()))
        + sum(_of_source(name, heard_at) for name, heard_at in selectors.silent_senders(now - records.SILENT))
    )


def report(now: datetime) -> int:
    """Say of each initiative under way how far it is, once in the week that begins on Monday 00:00 UTC.

    Gives of how many that was not done before.
    """
    week = snapshots.week_began(now)
    return sum(
        _of_initiative(initiative, now, action=Action.INITIATIVE_REPORTED, since=week)
        for initiative in records.under_way(now.date())
    )


def _of_answer(answer: Answer, now: datetime) -> bool:
    days = (answer.expires_at - now).days
    detail = {
        "team": answer.team.slug,
        "framework": answer.framework,
        "criterion": answer.criterion,
        "expires_at": answer.expires_at.isoformat(),
        "days_left": days,
        "says": f"The answer of {answer.team.name} to {answer.criterion} expires in {_days(days)}.",
        "page": f"/maturity/teams/{answer.team.slug}/criteria/{answer.framework}/{answer.criterion}",
    }
    return _remind(Action.ANSWER_REMINDED, answers.subject(answer), detail)


def _of_source(name: str, heard_at: datetime) -> bool:
    """Once for each silence: a source that is heard again may fall silent again."""
    detail = {
        "heard_at": heard_at.isoformat(),
        "says": f"{name} has not been heard since {heard_at:%Y-%m-%d}; what it told counts less from day to day.",
        "page": "/maturity/reviews",
    }
    return _remind(Action.SOURCE_SILENT, f"user:{name}", detail, since=heard_at)


def _of_initiative(
    initiative: Initiative,
    now: datetime,
    *,
    action: Action = Action.INITIATIVE_REMINDED,
    since: datetime | None = None,
) -> bool:
    done = records.progress(initiative)
    days = (initiative.ends_on - now.date()).days
    detail = {
        "title": initiative.title,
        "teams": sorted(team.slug for team in initiative.teams.all()),
        "ends_on": initiative.ends_on.isoformat(),
        "days_left": days,
        "done": done.done,
        "asked": done.asked,
        "says": f"{initiative.title}: {done.done:,} of {done.asked:,} items are done, {_days(days)} left.",
        "page": f"/maturity/initiatives/{initiative.pk}",
    }
    return _remind(action, initiatives.subject(initiative), detail, since=since)


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


@transaction.atomic
def _remind(action: Action, subject: str, detail: Mapping[str, object], *, since: datetime | None = None) -> bool:
    if audit.is_recorded(action=action, subject=subject, since=since):
        return False
    # Of two that remind at once, the second waits here and finds the entry.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"reminder of {subject}"])
    if audit.is_recorded(action=action, subject=subject, since=since):
        return False
    audit.record(actor=None, action=action, subject=subject, detail=detail)
    return True
