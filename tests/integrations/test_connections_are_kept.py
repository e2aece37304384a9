"""Connections are made, changed and ended by those who maintain the team, and their secrets are not to be read."""

from dataclasses import replace

import pytest

from governance.errors import Conflict, Denied, Invalid
from governance.models import AuditEntry, Team, User
from integrations import connections, credentials, sealing
from integrations.connections import Made, Settings
from integrations.models import Connection, ConnectionSecret, Purpose

pytestmark = pytest.mark.django_db
SECRET = "0123456789abcdef-of-the-sender"


def made(actor: User | None, team: Team, *, secret: str = SECRET, slug: str = "circleci") -> Made:
    return connections.create(
        actor=actor,
        team=team,
        slug=slug,
        system="circleci",
        namespace="circleci://circleci.com",
        settings=Settings(title="CircleCI", scheme="circleci"),
        secret=secret,
    )


def test_a_maintainer_connects_a_system_and_an_account_sends_its_events(owner: User, team: Team) -> None:
    connection = made(owner, team).connection

    assert connection.user.username == "connection-circleci"
    assert connection.user.is_service
    (entry,) = AuditEntry.objects.filter(action="connection.created")
    assert (entry.actor, entry.subject) == (owner, "connection:circleci")
    assert SECRET not in str(entry.detail)


def test_others_may_not(member: User, outsider: User, owner: User, team: Team) -> None:
    for actor in (member, outsider):
        with pytest.raises(Denied, match="manage_connections"):
            made(actor, team)
    connection = made(owner, team).connection
    for change in (connections.pause, connections.retire):
        with pytest.raises(Denied):
            change(actor=outsider, connection=connection)
    with pytest.raises(Denied):
        connections.rotate(actor=outsider, connection=connection, purpose=Purpose.INCOMING)


def test_a_secret_is_stored_sealed_and_two_are_good_for_a_while(owner: User, team: Team) -> None:
    connection = made(owner, team).connection
    (first,) = ConnectionSecret.objects.all()
    assert SECRET.encode() not in bytes(first.sealed or b"")

    second = connections.rotate(actor=owner, connection=connection, purpose=Purpose.INCOMING).secret
    assert credentials.incoming(connection) == [second, SECRET]
    with pytest.raises(Conflict, match="retire the older"):
        connections.rotate(actor=owner, connection=connection, purpose=Purpose.INCOMING)
    connections.retire_secret(actor=owner, connection=connection, secret=first.pk)
    assert credentials.incoming(connection) == [second]


def test_under_another_key_a_secret_is_not_read(owner: User, team: Team, settings: object) -> None:
    connection = made(owner, team).connection
    key = settings.SECRET_KEY  # type: ignore[attr-defined]
    settings.SECRET_KEY = "another key of the installation, long enough"  # type: ignore[attr-defined]

    with pytest.raises(sealing.Unreadable, match="rotating"):
        credentials.incoming(connection)
    settings.SECRET_KEY_FALLBACKS = [key]  # type: ignore[attr-defined]
    assert credentials.incoming(connection) == [SECRET]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("scheme", {"scheme": "bearer"}),
        ("options", {"options": {"colour": "red"}}),
        ("networks", {"networks": ["anywhere"]}),
        ("address", {"address": "ftp://ml.example"}),
        ("address", {"address": "https://user:secret@ml.example"}),
        ("window_s", {"window_s": -1}),
        ("auth", {"auth": {"kind": "magic"}}),
        ("outgoing_secret", {"auth": {"kind": "bearer"}}),
        ("poll_interval_s", {"poll_interval_s": 60}),
        ("title", {"title": ""}),
        ("scheme_options", {"scheme_options": {"headers": "x"}}),
    ],
)
def test_a_wrong_setting_is_named(owner: User, team: Team, field: str, change: dict[str, object]) -> None:
    connection = made(owner, team).connection
    wanted = replace(connections.settings_of(connection), **change)  # type: ignore[arg-type]

    with pytest.raises(Invalid) as refusal:
        connections.change(actor=owner, connection=connection, settings=wanted)
    assert field in refusal.value.fields


def test_a_change_tells_what_was_before(owner: User, team: Team) -> None:
    connection = made(owner, team).connection
    wanted = replace(connections.settings_of(connection), networks=("192.0.2.7/24",), title="CI")

    connections.change(actor=owner, connection=connection, settings=wanted)

    assert Connection.objects.get().networks == ["192.0.2.0/24"]
    (entry,) = AuditEntry.objects.filter(action="connection.changed")
    assert entry.detail["before"] == {"title": "CircleCI", "networks": []}


def test_a_paused_one_is_resumed_and_a_retired_one_is_not(owner: User, team: Team) -> None:
    connection = made(owner, team).connection

    assert not connections.pause(actor=owner, connection=connection).is_active
    assert connections.resume(actor=owner, connection=connection).is_active
    connections.retire(actor=owner, connection=connection, reason="We moved.")
    assert credentials.incoming(connection) == []
    with pytest.raises(Conflict, match="retired"):
        connections.resume(actor=owner, connection=connection)
    with pytest.raises(Conflict, match="already"):
        made(owner, team)


@pytest.mark.parametrize("slug", ["", "Circle", "a" * 51, "a--b", "../x"])
def test_a_slug_is_a_slug(owner: User, team: Team, slug: str) -> None:
    with pytest.raises(Invalid, match="slug"):
        made(owner, team, slug=slug)


def test_a_secret_that_can_be_guessed_is_refused(owner: User, team: Team) -> None:
    with pytest.raises(Invalid, match="16 characters"):
        made(owner, team, secret="short")
