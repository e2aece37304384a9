import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from governance import ownership, selectors
from governance.errors import Conflict
from governance.models import AuditEntry, OwnerRole, Ownership, Team, User
from tests import factories


@pytest.mark.parametrize("is_owned", [True, False])
def test_each_instant_has_one_owner_and_each_change_its_entry(
    is_owned: bool, committed_db: object, team: Team, administrator: User
) -> None:
    asset = uuid.uuid4()
    if is_owned:
        factories.ownership(asset, OwnerRole.STEWARD, team, since=timezone.now() - timedelta(days=1))
    teams = [factories.team(f"team-{number}") for number in range(6)]
    start = threading.Barrier(len(teams))
    outcomes: list[bool] = []

    def take(team: Team) -> None:
        try:
            start.wait()
            ownership.assign(actor=administrator, asset=asset, role="steward", team=team)
            outcomes.append(True)
        except Conflict:
            outcomes.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(team,)) for team in teams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == len(teams)
    assert any(outcomes)
    assert AuditEntry.objects.count() == sum(outcomes)
    assert Ownership.objects.count() == sum(outcomes) + is_owned
    assert len(selectors.owners(asset)) == 1
