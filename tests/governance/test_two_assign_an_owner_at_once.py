import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from governance import ownership, selectors
from governance.errors import Denied
from governance.models import AuditEntry, OwnerRole, Ownership, Team, User
from tests import factories


def at_once(*calls: Callable[[], object]) -> None:
    """Run all calls at the same time, each in a thread with a connection of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        try:
            start.wait()
            call()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("is_owned", [True, False])
def test_each_instant_has_one_owner_and_each_change_its_entry(
    is_owned: bool, committed_db: object, team: Team, administrator: User
) -> None:
    asset = uuid.uuid4()
    if is_owned:
        factories.ownership(asset, OwnerRole.STEWARD, team, since=timezone.now() - timedelta(days=1))
    teams = [factories.team(f"team-{number}") for number in range(6)]

    def take(team: Team) -> Callable[[], object]:
        return lambda: ownership.assign(actor=administrator, asset=asset, role="steward", team=team)

    at_once(*(take(team) for team in teams))

    assert AuditEntry.objects.count() == len(teams)
    periods = [one.period for one in Ownership.objects.order_by("period")]
    assert len(periods) == len(teams) + is_owned
    assert [before.upper for before in periods[:-1]] == [after.lower for after in periods[1:]]
    assert len(selectors.owners(asset)) == 1


def test_what_nobody_owns_goes_to_one_of_two_teams_that_take_it(
    committed_db: object, team: Team, other_team: Team, member: User, outsider: User
) -> None:
    asset = uuid.uuid4()
    refused: list[str] = []

    def take(actor: User, role: str, team: Team) -> None:
        try:
            ownership.assign(actor=actor, asset=asset, role=role, team=team)
        except Denied:
            refused.append(actor.username)

    at_once(
        lambda: take(member, "steward", team),
        lambda: take(outsider, "business_owner", other_team),
    )

    assert len(refused) == 1
    assert Ownership.objects.count() == 1
