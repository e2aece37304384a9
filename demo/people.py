"""The demo's people by role, their team, and whose model it is."""

import json
import secrets
from pathlib import Path

from django.db import transaction

from demo import train
from governance import ownership, teams, users
from governance.models import OwnerRole, Team, TeamRole, User
from lineage import identity

TEAM = "diabetes-care"
PEOPLE = {"demo-owner": TeamRole.MAINTAINER, "demo-steward": TeamRole.MEMBER, "demo-approver": TeamRole.APPROVER}
SERVICE = "demo-ci"
OWNERS = {
    OwnerRole.BUSINESS_OWNER: "demo-owner",
    OwnerRole.TECHNICAL_OWNER: "demo-owner",
    OwnerRole.STEWARD: "demo-steward",
}


@transaction.atomic
def settle(secrets_file: Path) -> dict[str, str]:
    """Make the people and the team unless they are there, and give the passwords by name."""
    administrator = User.objects.get(username="admin")
    passwords: dict[str, str] = json.loads(secrets_file.read_text()) if secrets_file.exists() else {}
    team = Team.objects.filter(slug=TEAM).first() or teams.create(actor=administrator, slug=TEAM, name="Diabetes care")
    for name, role in PEOPLE.items():
        person = User.objects.filter(username=name).first()
        if person is None:
            passwords[name] = secrets.token_urlsafe(12)
            person = users.create(actor=administrator, username=name, password=passwords[name])
        teams.add_member(actor=administrator, team=team, user=person, role=role)
    service = User.objects.filter(username=SERVICE).first() or users.create(
        actor=administrator, username=SERVICE, is_service=True
    )
    teams.add_member(actor=administrator, team=team, user=service, role=TeamRole.MEMBER)
    model = identity.asset("dataset", train.REGISTRY, train.MODEL)
    for owner_role, name in OWNERS.items():
        ownership.assign(
            actor=administrator, asset=model, role=owner_role, team=team, user=User.objects.get(username=name)
        )
    secrets_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets_file.touch(mode=0o600)
    secrets_file.write_text(json.dumps(passwords, indent=1) + "\n")
    return passwords
