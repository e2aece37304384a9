"""Races on real commits: the last two checks, two workers at one finding, two requests with one key, two approvals."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from governance.errors import DomainError
from governance.models import Team, TeamRole, User
from policies import approvals, checking
from policies.models import Promotion, Verdict
from tests import factories
from tests.policies import stories

pytestmark = pytest.mark.usefixtures("committed_db")


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call gave or raised, all of them begun together, each on a connection of its own."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return call()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


@pytest.fixture
def promotion(rows: None, team: Team, member: User) -> Promotion:
    stories.publish()
    stories.owned(team)
    stories.grow(stories.trained("1"))
    return stories.ask(member)


@pytest.mark.parametrize("attempt", range(5))
def test_the_last_checks_finish_together_and_one_decides(promotion: Promotion, attempt: int) -> None:
    pks = list(promotion.findings.values_list("pk", flat=True))

    at_once(*(lambda pk=pk: checking.check([pk]) for pk in pks), *(lambda pk=pk: checking.check([pk]) for pk in pks))

    promotion.refresh_from_db()
    assert promotion.state == "waiting"
    assert set(promotion.findings.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize("attempt", range(5))
def test_workers_with_the_same_message_share_the_work(promotion: Promotion, attempt: int) -> None:
    pks = stories.pending(promotion)

    at_once(lambda: checking.check(pks), lambda: checking.check(pks), lambda: checking.check(pks))

    promotion.refresh_from_db()
    assert promotion.state == "waiting"
    assert set(promotion.findings.values_list("attempts", flat=True)) == {1}


def test_two_requests_with_one_key_ask_once(promotion: Promotion, member: User) -> None:
    asked = at_once(*[lambda: stories.ask(member, idempotency_key="k")] * 3)

    assert len({found.pk for found in asked}) == 1


def test_two_approvals_at_once_make_one_verdict(promotion: Promotion, team: Team) -> None:
    stories.judge(promotion)
    people = [factories.member(team, f"approver-{number}", role=TeamRole.APPROVER) for number in range(3)]

    at_once(
        *(
            lambda person=person: approvals.record(actor=person, promotion=promotion, decision="approve")
            for person in people
        )
    )

    promotion.refresh_from_db()
    assert promotion.state == "passed"
    assert Verdict.objects.filter(promotion=promotion).count() == 1
