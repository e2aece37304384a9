"""The two database roles: migration operations, the router that keeps migrations with the owner, the pool. And how a
statement is given many values."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from psycopg import sql


def array(values: Iterable[object]) -> str:
    """Numbers or UUIDs for a parameter that the statement casts to an array of them.

    The driver takes longer to write a list of some hundreds than the database to answer.
    """
    return "{" + ",".join(map(str, values)) + "}"


class Router:
    """Every query goes to the application's role; only the owner's connection migrates."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"

    def allow_relation(self, left: models.Model, right: models.Model, **hints: Any) -> bool:
        return True


def renew_pool() -> None:
    """Let go of every pooled connection that the server has ended.

    Called when one of them was found dead, so that a restart of the database costs one request, not one for each.
    """
    pool = connection.pool  # type: ignore[attr-defined]
    if pool is not None:
        pool.check()


def application_role() -> sql.Identifier:
    return sql.Identifier(settings.DATABASES["default"]["USER"])


def run(schema_editor: BaseDatabaseSchemaEditor, statement: sql.Composable) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statement)


class CreateApplicationRole(Operation):
    """Make the application's login and let it read and write every table the owner will create, but not truncate."""

    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        application = settings.DATABASES["default"]
        role, name = application_role(), application["USER"]
        # Two installations in one cluster share the role, and may come here at the same time.
        run(schema_editor, sql.SQL("SELECT pg_advisory_xact_lock(hashtext('assay application role'))"))
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
            exists = cursor.fetchone() is not None
        if not exists or settings.DATABASE_APP_IS_OURS:
            run(
                schema_editor,
                sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                    sql.SQL("ALTER" if exists else "CREATE"), role, sql.Literal(application["PASSWORD"])
                ),
            )
        for statement in (
            "GRANT USAGE ON SCHEMA public TO {}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
        ):
            run(schema_editor, sql.SQL(statement).format(role))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """The role stays: other databases of the cluster may use it."""

    def describe(self) -> str:
        return "Create the application's database role"


class AppendOnly(Operation):
    """Rows of `table` may be added and read, never changed: the role lacks the right, and a trigger refuses the rest.

    The trigger has no way round it (django-pgtrigger's has one: any role may set its ignore variable).
    """

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = sql.Identifier(self.table)
        run(
            schema_editor,
            sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(table, application_role()),
        )
        run(
            schema_editor,
            sql.SQL(
                "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; "
                "END $$"
            ),
        )
        run(
            schema_editor,
            sql.SQL(
                "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            ).format(table),
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = sql.Identifier(self.table)
        run(schema_editor, sql.SQL("DROP TRIGGER refuse_change ON {}").format(table))
        run(schema_editor, sql.SQL("GRANT UPDATE, DELETE ON {} TO {}").format(table, application_role()))

    def describe(self) -> str:
        return f"Make {self.table} append-only"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.table], {})
