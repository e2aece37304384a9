"""The test database, and the people that every test knows.

Tests run as the application's own role, so that what that role may not do fails in tests as it fails in production. The
owner's connection only makes the database, and empties it after tests that committed.
"""

import gc
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import override_settings, setup_databases, teardown_databases
from hypothesis import HealthCheck
from hypothesis import settings as law_settings
from psycopg import sql
from pytest_django import DjangoDbBlocker

from governance.models import OwnerRole, Team, TeamRole, User
from tests import factories

# A change lands or not by what it is: laws try the same examples each time, however slow the machine. Looking for new
# ones is work of its own: `--hypothesis-profile=search`, with `--hypothesis-seed` to choose which.
law_settings.register_profile(
    "landing", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
law_settings.register_profile("search", law_settings.get_profile("landing"), derandomize=False, max_examples=500)
law_settings.load_profile("landing")

# What migrations fill and every test may rely on.
KEPT_TABLES = frozenset({"django_migrations", "django_content_type", "auth_permission"})


# The server ends its own work on a database before it drops it, and waits 5 s for that: a busy machine needs longer.
LEFT_AFTER_S = 60

# Such tests take seconds each, most of which nobody uses a processor in.
TAKE_LONG = ("faults", "slow", "browser")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first: at the end of the run, what is left is short and keeps all processes busy."""
    long = {item.path for item in items if any(item.get_closest_marker(mark) for mark in TAKE_LONG)}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_createdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Make the test database through the owner, whichever aliases the tests name.

    pytest-django sets up only the aliases that the marks name. That would be "default" alone: the database it mirrors
    would never be made, and tests would run on the real one.
    """
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=request.config.option.verbose,
            interactive=False,
            aliases={"default": None, "owner": None},
            serialized_aliases=[],
            keepdb=django_db_keepdb and not django_db_createdb,
        )
        application, owner = connections["default"].settings_dict, connections["owner"].settings_dict
        assert application["NAME"] == owner["NAME"], "The application's role must use the test database."
        assert application["USER"] != owner["USER"], "Tests must not run as the owner of the tables."
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            connections["default"].close()
            _drop(made, verbosity=request.config.option.verbose)


def _drop(made: list[tuple[BaseDatabaseWrapper, str, bool]], *, verbosity: int) -> None:
    """Drop the test database, once those have left who are about to; the error names those who stay."""
    gc.collect()  # What a thread had open that has ended is closed with it, but no sooner than it is collected.
    until = time.monotonic() + LEFT_AFTER_S
    while True:
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT pid, usename, application_name FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            others = cursor.fetchall()
        try:
            teardown_databases(made, verbosity=verbosity)
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.ObjectInUse) or time.monotonic() > until:
                error.add_note(f"At the test database just before: {others}")
                raise
            time.sleep(1)


@pytest.fixture(scope="session", autouse=True)
def static_files_by_their_own_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Pages can be drawn in tests without collecting the static files first."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    root = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=root, STORAGES=django_settings.STORAGES | {"staticfiles": plain}):
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedDatabase:
    """A test database whose rows are really committed, and how another process of ours reaches it."""

    environment: dict[str, str]


@pytest.fixture
def committed_db(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[CommittedDatabase]:
    """Real commits, for tests with threads or other processes. Every table is emptied afterwards."""
    if request.node.get_closest_marker("django_db"):
        pytest.fail("A test takes either the mark django_db, which rolls back, or the fixture committed_db.")
    environment = {
        **os.environ,
        "DATABASE_URL": _url("owner"),
        "DATABASE_APP_URL": _url("default"),
        "ASSAY_SECRET_KEY": django_settings.SECRET_KEY,
    }
    with django_db_blocker.unblock():
        try:
            yield CommittedDatabase(environment=environment)
        finally:
            connections["default"].close()
            empty_tables()


def _url(alias: str) -> str:
    """The address of a connection as DATABASE_URL spells it."""
    given = connections[alias].settings_dict
    user, password, host = (quote(str(given[key]), safe="") for key in ("USER", "PASSWORD", "HOST"))
    address = f":{password}@" if password else "@"
    # A folder of a Unix socket has slashes, which only the query can carry.
    place = (
        f"?{urlencode({'host': given['HOST'], 'port': given['PORT']})}" if str(given["HOST"]).startswith("/") else ""
    )
    server = "" if place else f"{host}:{given['PORT']}" if given["PORT"] else host
    return f"postgresql://{user}{address}{server}/{quote(str(given['NAME']), safe='')}{place}"


def empty_tables() -> None:
    """Empty every table that holds rows. What is append-only for everyone else, its owner may empty."""
    with connections["owner"].cursor() as cursor:
        # A forgotten transaction of the test would block this for ever; the error names the fault.
        cursor.execute("SET lock_timeout = '120s'")
        tables = [name for name in connections["owner"].introspection.table_names(cursor) if name not in KEPT_TABLES]
        filled = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(name), sql.Identifier(name))
            for name in tables
        )
        cursor.execute(filled)
        emptied = [row[0] for row in cursor.fetchall()]
        if not emptied:
            return
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'refuse_change' AND tgparentid = 0"
        )
        guarded = [row[0] for row in cursor.fetchall()]
        for verb in ("DISABLE", "ENABLE"):
            for name in guarded:
                cursor.execute(f'ALTER TABLE "{name}" {verb} TRIGGER refuse_change')
            if verb == "DISABLE":
                cursor.execute(
                    sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(
                        sql.SQL(", ").join(map(sql.Identifier, emptied))
                    )
                )


# --- The people of every test ------------------------------------------------------------------------------------


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> None:
    """The database is open before the first row is made, wherever the test names committed_db among its arguments."""
    if "committed_db" in request.fixturenames:
        request.getfixturevalue("committed_db")


@pytest.fixture
def team(rows: None) -> Team:
    """The team that owns `asset`. A test that uses it needs the mark django_db or the fixture committed_db."""
    return factories.team("credit")


@pytest.fixture
def other_team(rows: None) -> Team:
    return factories.team("marketing")


@pytest.fixture
def owner(team: Team) -> User:
    """A maintainer of the team, and its asset's business owner."""
    return factories.member(team, "owner", role=TeamRole.MAINTAINER)


@pytest.fixture
def member(team: Team) -> User:
    return factories.member(team, "member", role=TeamRole.MEMBER)


@pytest.fixture
def approver(team: Team) -> User:
    return factories.member(team, "approver", role=TeamRole.APPROVER)


@pytest.fixture
def outsider(other_team: Team) -> User:
    """A maintainer, but of another team."""
    return factories.member(other_team, "outsider", role=TeamRole.MAINTAINER)


@pytest.fixture
def auditor(rows: None) -> User:
    return factories.auditor("auditor")


@pytest.fixture
def administrator(rows: None) -> User:
    return factories.user("administrator", is_superuser=True)


@pytest.fixture
def asset(team: Team, owner: User) -> uuid.UUID:
    """An asset that the team owns in all three roles, its owner by name as business owner."""
    asset = uuid.uuid4()
    for role in OwnerRole:
        factories.ownership(asset, role, team, user=owner if role is OwnerRole.BUSINESS_OWNER else None)
    return asset
