import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from governance import tokens
from governance.models import ApiToken, AuditEntry, User

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_issue_token_prints_the_token_alone(member: User) -> None:
    printed = run("issue_token", "--user", "member", "--scope", "read", "--scope", "lineage:write", "--name", "CI")

    found = tokens.authenticate(printed.strip())
    assert printed == printed.strip() + "\n"
    assert found.user == member
    assert found.scopes == ["lineage:write", "read"]
    assert found.name == "CI"
    assert AuditEntry.objects.get().actor is None


def test_issue_token_takes_the_days_until_it_expires(member: User) -> None:
    run("issue_token", "--user", "member", "--scope", "all", "--expires-days", "3")

    left = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--user", "nobody", "--scope", "all"], "no account nobody"),
        (["--user", "member", "--scope", "everything"], "scopes: Unknown: everything"),
        (
            ["--user", "member", "--scope", "all", "--expires-days", "0"],
            "--expires-days: '0' is not a whole number from 1 to 366",
        ),
        (["--user", "member", "--scope", "all", "--expires-days", "367"], "--expires-days"),
        (["--user", "member", "--scope", "all", "--expires-days", "99999999999"], "--expires-days"),
        (["--user", "member", "--scope", "all", "--name", ""], "name: A token needs a name"),
        (["--user", "member"], "--scope"),
    ],
)
def test_issue_token_says_what_is_wrong(arguments: list[str], says: str, member: User) -> None:
    with pytest.raises(CommandError, match=says):
        run("issue_token", *arguments)

    assert not ApiToken.objects.exists()


def test_create_user_prints_the_password_it_made(client: Client) -> None:
    password = run("create_user", "dana", "--first-name", "Dana", "--permission", "read_audit").strip()

    dana = User.objects.get(username="dana")
    assert dana.check_password(password)
    assert dana.has_perm("governance.read_audit")
    assert not dana.is_superuser
    assert client.login(username="dana", password=password)
    assert AuditEntry.objects.get().subject == "user:dana"


def test_create_user_reads_the_password_from_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\nnot this\n"))

    printed = run("create_user", "dana", "--password-stdin", "--administrator")

    dana = User.objects.get(username="dana")
    assert printed == ""
    assert dana.check_password("correct horse battery")
    assert dana.is_superuser


def test_a_service_has_no_password() -> None:
    assert run("create_user", "ci", "--service") == ""

    service = User.objects.get(username="ci")
    assert service.is_service
    assert not service.has_usable_password()


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (["member"], "", "an account member already"),
        (["has space"], "", "username"),
        (["x" * 151], "", "username"),
        (["dana", "--email", "nowhere"], "", "email"),
        (["dana", "--password-stdin"], "1234\n", "password"),
        (["dana", "--password-stdin"], "\n", "password"),
        (["ci", "--service", "--password-stdin"], "correct horse battery\n", "service account cannot sign in"),
        (["dana", "--permission", "everything"], "", "--permission"),
    ],
)
def test_create_user_says_what_is_wrong(
    arguments: list[str], stdin: str, says: str, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))

    with pytest.raises(CommandError, match=says):
        run("create_user", *arguments)

    assert User.objects.count() == 1
    assert not AuditEntry.objects.exists()
