import pytest
from django.db import connection, connections

from governance.models import AuditEntry, Team
from tests import factories


@pytest.mark.django_db
def test_queries_run_as_the_role_that_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        role, database = cursor.fetchone()

    assert role == connection.settings_dict["USER"]
    assert role != connections["owner"].settings_dict["USER"]
    assert database.startswith("test_")


def test_a_committed_row_is_seen_by_others(committed_db: object) -> None:
    factories.team("seen")

    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM governance_team")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db
def test_nothing_is_left_of_committed_rows() -> None:
    assert not Team.objects.exists()
    assert not AuditEntry.objects.exists()
