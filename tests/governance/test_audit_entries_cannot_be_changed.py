"""The application's role adds to the audit log and reads it. Every way to change it is tried, and refused."""

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.utils import ProgrammingError

from governance import audit, teams
from governance.actions import Action
from governance.models import AuditEntry, Team, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(administrator: User) -> AuditEntry:
    return audit.record(actor=administrator, action=Action.TEAM_CREATED, subject="team:credit", detail={"name": "x"})


def attempt(statement: str) -> str:
    """Run the statement as the application's role and give the refusal."""
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return str(refused.value)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE governance_auditentry SET detail = '{}'",
        "DELETE FROM governance_auditentry",
        "TRUNCATE governance_auditentry",
        "TRUNCATE governance_auditentry CASCADE",
        "ALTER TABLE governance_auditentry DISABLE TRIGGER refuse_change",
        "ALTER TABLE governance_auditentry DISABLE TRIGGER ALL",
        "DROP TRIGGER refuse_change ON governance_auditentry",
        "DROP TABLE governance_auditentry",
        "ALTER TABLE governance_auditentry OWNER TO CURRENT_USER",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE RULE hidden AS ON INSERT TO governance_auditentry DO INSTEAD NOTHING",
        "INSERT INTO governance_auditentry (id, action, subject, detail) VALUES (1, 'x', 'x', '{}') "
        "ON CONFLICT (id) DO UPDATE SET detail = '{}'",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_role_cannot(statement: str, entry: AuditEntry) -> None:
    refusal = attempt(statement)

    assert "permission denied" in refusal or "must be owner" in refusal or "must be able to SET ROLE" in refusal
    assert AuditEntry.objects.get(pk=entry.pk).detail == {"name": "x"}


def test_the_application_role_cannot_become_the_owner(entry: AuditEntry) -> None:
    owner = connections["owner"].settings_dict["USER"]

    assert "permission denied to set role" in attempt(f'SET ROLE "{owner}"')


def test_the_application_role_cannot_grant_itself_the_right(entry: AuditEntry) -> None:
    with connection.cursor() as cursor:
        # PostgreSQL only warns that nothing was granted.
        cursor.execute("GRANT UPDATE, DELETE, TRUNCATE ON governance_auditentry TO CURRENT_USER")

    assert "permission denied" in attempt("DELETE FROM governance_auditentry")


def test_the_variable_that_other_protections_obey_changes_nothing(entry: AuditEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL pgtrigger.ignore = '{governance_auditentry:refuse_change}'")

    assert "permission denied" in attempt("DELETE FROM governance_auditentry")


def test_the_orm_cannot_either(entry: AuditEntry) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        entry.delete()
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        AuditEntry.objects.update(subject="team:other")


@pytest.mark.django_db(databases=["default", "owner"])
@pytest.mark.parametrize(
    "statement", ["UPDATE governance_auditentry SET detail = '{}'", "TRUNCATE governance_auditentry CASCADE"]
)
def test_even_the_owner_is_stopped_by_the_trigger(statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute(statement)


def test_change_and_entry_are_kept_together_or_not_at_all(administrator: User) -> None:
    with transaction.atomic():
        teams.create(actor=administrator, slug="fraud", name="Fraud")
        assert AuditEntry.objects.filter(subject="team:fraud").exists()
        transaction.set_rollback(True)

    assert not Team.objects.filter(slug="fraud").exists()
    assert not AuditEntry.objects.filter(subject="team:fraud").exists()


def test_a_change_whose_entry_cannot_be_written_is_undone(administrator: User) -> None:
    @transaction.atomic
    def change() -> None:
        Team.objects.create(slug="fraud", name="Fraud")
        audit.record(actor=administrator, action=Action.TEAM_CREATED, subject="longer than its column" * 10)

    with pytest.raises(DatabaseError):
        change()

    assert not Team.objects.filter(slug="fraud").exists()
