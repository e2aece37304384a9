"""A migration noted as applied whose tables were never made would be found out only when they are missed."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from tests import project
from tests.conftest import CommittedDatabase


def test_the_applications_connection_is_refused_with_the_command_to_use() -> None:
    with pytest.raises(CommandError, match=r"manage\.py setup_database"):
        call_command("migrate", database="default")


def test_without_a_name_it_is_the_owners(committed_db: object) -> None:
    """Nothing is left to do in the test's database, and the application's role has no right to do it."""
    out = io.StringIO()

    call_command("migrate", "--no-color", stdout=out)

    assert "No migrations to apply" in out.getvalue()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'django_migrations'")
        assert cursor.fetchone() == (connections["owner"].settings_dict["USER"],)


def test_an_owner_who_cannot_connect_is_named_by_the_setting(committed_db: CommittedDatabase, tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=project.ROOT,
        env=committed_db.environment | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 1
    assert finished.stderr.startswith("CommandError: The owner of the tables cannot connect; DATABASE_URL")
    assert "Traceback" not in finished.stderr
