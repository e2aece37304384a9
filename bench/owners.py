"""Gives models their three owners inside the service's own process. Run by `bench.gate`.

echo '[["namespace", "model"]]' | DJANGO_SETTINGS_MODULE=governance.settings python -m bench.owners
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
django.setup()

from governance import ownership, teams  # noqa: E402 - needs the settings
from governance.models import OwnerRole, Team, User  # noqa: E402
from lineage import selectors  # noqa: E402
from lineage.identity import Kind  # noqa: E402

TEAM = "bench"


def main() -> None:
    actor = User.objects.get(username="admin")
    team = Team.objects.filter(slug=TEAM).first() or teams.create(actor=actor, slug=TEAM, name="Bench")
    for namespace, name in json.load(sys.stdin):
        asset = selectors.asset_named(kind=Kind.MODEL, namespace=namespace, name=name)
        for role in OwnerRole.values:
            ownership.assign(actor=actor, asset=asset.uuid, role=role, team=team)


if __name__ == "__main__":
    main()
