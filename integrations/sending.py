"""Sending what was composed: the requests of a notice in their order, each tried until it is taken or given up."""

import random
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from governance.errors import Invalid
from integrations import edge, systems
from integrations.edge import Answer, Unreachable
from integrations.models import Connection
from integrations.notices import Request
from integrations.outmodels import Dispatch, DispatchState

# What asks for another try: overload, a gateway, a fault that passes. Of all else the sender would hear the same again.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=2)
MAX_ATTEMPTS = 15
MAX_ERROR_CHARS = 500
# How long a worker may be at one request before another takes it.
LEASE = timedelta(minutes=5)


def send_due() -> int:
    """Send what is due, one by one, and say how many that were. Others may do the same at the same time."""
    count = 0
    while (dispatch := _take()) is not None:
        _send(dispatch)
        count += 1
    return count


def _due() -> QuerySet[Dispatch]:
    """Of each notice the first request that is not sent yet, unless one before it was given up."""
    earlier = Dispatch.objects.filter(notice=OuterRef("notice"), number__lt=OuterRef("number")).exclude(
        state=DispatchState.SENT
    )
    active = {"notice__outlet__is_active": True, "notice__outlet__connection__is_active": True}
    return Dispatch.objects.filter(due_at__lte=timezone.now(), **active).exclude(Exists(earlier)).order_by("due_at")


@transaction.atomic
def _take() -> Dispatch | None:
    """One request, leased to this worker: sending itself happens outside of any transaction."""
    found = _due().select_for_update(skip_locked=True, of=("self",)).first()
    if found is not None:
        Dispatch.objects.filter(pk=found.pk).update(due_at=timezone.now() + LEASE)
    return found


def _send(dispatch: Dispatch) -> None:
    connection = dispatch.notice.outlet.connection
    request = Request(method=dispatch.method, path=dispatch.path, document=dispatch.document, headers=dispatch.headers)
    answer, problem, is_passing = _tried(connection, request)
    dispatch.attempts += 1
    dispatch.status = answer.status if answer else None
    now = timezone.now()
    if answer is not None and (200 <= answer.status < 300 or _is_accepted(dispatch, answer)):
        dispatch.state, dispatch.error, dispatch.due_at, dispatch.ended_at = DispatchState.SENT, "", None, now
    elif is_passing and dispatch.attempts < MAX_ATTEMPTS:
        dispatch.error, dispatch.due_at = problem, now + _wait(dispatch.attempts)
    else:
        dispatch.state, dispatch.error = DispatchState.GIVEN_UP, problem
        dispatch.due_at, dispatch.ended_at = None, now
    dispatch.save(update_fields=["attempts", "status", "state", "error", "due_at", "ended_at"])
    if dispatch.state != DispatchState.SENT:
        _note_failure(connection, problem, now)
    elif not systems.BY_SLUG[connection.system].handled:
        # Nothing comes from it by which it could be seen to work.
        Connection.objects.filter(pk=connection.pk).update(last_success_at=now)


def _tried(connection: Connection, request: Request) -> tuple[Answer | None, str, bool]:
    """The answer if there was one, what was wrong, and whether that may pass."""
    try:
        with edge.of(connection) as way:
            answer = way.send(request)
    except Unreachable as error:
        return None, error.message[:MAX_ERROR_CHARS], True
    except Invalid as error:
        return None, error.message[:MAX_ERROR_CHARS], False
    said = " ".join(answer.text.split())[: MAX_ERROR_CHARS - 20]
    return answer, f"Answered {answer.status}: {said}".replace("\x00", ""), answer.status in PASSING


def _is_accepted(dispatch: Dispatch, answer: Answer) -> bool:
    return any(answer.status == status and text in answer.text for status, text in dispatch.accepts)


def _wait(attempts: int) -> timedelta:
    """Twice as long each time, with a part of chance so that what failed together does not come again together."""
    longest: timedelta = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
    part: float = random.uniform(0.75, 1.0)  # noqa: S311 - nothing secret
    return longest * part


def _note_failure(connection: Connection, problem: str, now: datetime) -> None:
    Connection.objects.filter(pk=connection.pk).update(last_failure_at=now, last_error=problem)
