import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from governance import tokens, users
from governance.actions import Action
from governance.errors import Conflict, Denied, Invalid, Unauthenticated
from governance.models import ApiToken, AuditEntry, Membership, User
from tests import factories

pytestmark = pytest.mark.django_db


def test_its_tokens_and_sessions_end_with_it(administrator: User, member: User, client: Client) -> None:
    secrets = [factories.secret(member) for _ in range(2)]
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/whoami").status_code == 200

    assert users.deactivate(actor=administrator, user=member) == 2

    assert client.get("/api/v1/whoami").status_code == 401
    for secret in secrets:
        with pytest.raises(Unauthenticated, match="revoked"):
            tokens.authenticate(secret)
    with pytest.raises(Invalid, match="not active"):
        tokens.issue(actor=administrator, user=member, scopes=["read"], name="late")


def test_nothing_of_it_comes_back_with_the_account(administrator: User, member: User, client: Client) -> None:
    secret = factories.secret(member)
    member.set_password("correct horse battery")
    member.save()
    client.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    users.deactivate(actor=administrator, user=member)

    User.objects.filter(pk=member.pk).update(is_active=True)

    assert client.get("/api/v1/whoami").status_code == 401
    assert not client.login(username="member", password="correct horse battery")
    with pytest.raises(Unauthenticated, match="revoked"):
        tokens.authenticate(secret)


def test_every_change_is_on_record_and_history_stays(administrator: User, member: User) -> None:
    factories.secret(member)
    before = AuditEntry.objects.count()

    users.deactivate(actor=administrator, user=member)

    revoked, deactivated = AuditEntry.objects.order_by("id")[before:]
    assert revoked.action == Action.TOKEN_REVOKED
    assert (deactivated.actor, deactivated.action, deactivated.subject, deactivated.detail) == (
        administrator,
        Action.USER_DEACTIVATED,
        "user:member",
        {"tokens_revoked": 1},
    )
    assert Membership.objects.filter(user=member).exists()


def test_only_administrators_end_accounts(owner: User, member: User) -> None:
    with pytest.raises(Denied):
        users.deactivate(actor=owner, user=member)

    assert User.objects.get(pk=member.pk).is_active


def test_twice_is_refused_and_changes_nothing(administrator: User, member: User) -> None:
    users.deactivate(actor=administrator, user=member)
    before = AuditEntry.objects.count()

    with pytest.raises(Conflict, match="not active any more"):
        users.deactivate(actor=administrator, user=member)

    assert AuditEntry.objects.count() == before


def test_the_operator_ends_one_from_the_command_line(member: User) -> None:
    factories.secret(member)
    out = io.StringIO()

    call_command("deactivate_user", "member", stdout=out)

    assert "tokens revoked: 1" in out.getvalue()
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert AuditEntry.objects.get(action=Action.USER_DEACTIVATED).actor is None


@pytest.mark.parametrize(("username", "says"), [("nobody", "no account nobody"), ("gone", "not active any more")])
def test_the_command_says_what_is_wrong(username: str, says: str) -> None:
    factories.user("gone", is_active=False)

    with pytest.raises(CommandError, match=says):
        call_command("deactivate_user", username)
