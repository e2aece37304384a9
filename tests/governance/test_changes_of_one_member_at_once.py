import threading

from django.db import connection

from governance import teams
from governance.models import Membership, Team, TeamPermission, TeamRole, User
from governance.permissions import GRANTED


def test_the_permissions_are_those_of_the_role_that_stays(committed_db: object, team: Team, owner: User) -> None:
    joining = User.objects.create(username="joining")
    start = threading.Barrier(2)

    def join(role: str) -> None:
        try:
            start.wait()
            for _ in range(5):
                teams.add_member(
                    actor=User.objects.get(username="owner"),
                    team=team,
                    user=User.objects.get(username="joining"),
                    role=role,
                )
        finally:
            connection.close()

    threads = [threading.Thread(target=join, args=(role,)) for role in ("member", "maintainer")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    role = TeamRole(Membership.objects.get(user=joining).role)
    held = TeamPermission.objects.filter(user=joining).values_list("permission__codename", flat=True)
    assert sorted(held) == sorted(permission.value for permission in GRANTED[role])
