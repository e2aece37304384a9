"""The floor that ingest is measured against: a bare Django view that validates an event and inserts it.

No token, no masking, no digest, no outbox, no limits: what this framework, driver and database cost at the
least on this machine, with synchronous commit. Run under granian like the service: `granian --interface
wsgi bench.floor:application`, with FLOOR_DATABASE_URL naming a database that `prepare` has made ready.
"""

import os
from typing import Any

import msgspec
import psycopg
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

TABLE = """
CREATE TABLE IF NOT EXISTS floor_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL DEFAULT now(),
  run uuid NOT NULL,
  body bytea NOT NULL
)
"""

INSERT_ONE = "INSERT INTO floor_event (run, body) VALUES (%b::text::uuid, %b)"
INSERT_MANY = "INSERT INTO floor_event (run, body) SELECT * FROM unnest(%b::text[]::uuid[], %b::bytea[])"


class Run(msgspec.Struct):
    runId: str  # noqa: N815 - OpenLineage's spelling
    facets: dict[str, Any] = {}


class Job(msgspec.Struct):
    namespace: str
    name: str
    facets: dict[str, Any] = {}


class Dataset(msgspec.Struct):
    namespace: str
    name: str
    facets: dict[str, Any] = {}


class RunEvent(msgspec.Struct):
    eventTime: str  # noqa: N815
    producer: str
    schemaURL: str  # noqa: N815
    run: Run
    job: Job
    eventType: str = ""  # noqa: N815
    inputs: list[Dataset] = []
    outputs: list[Dataset] = []


ONE = msgspec.json.Decoder(RunEvent)
MANY = msgspec.json.Decoder(list[msgspec.Raw])


def prepare(database_url: str) -> None:
    """An empty table for the events."""
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute("DROP TABLE IF EXISTS floor_event")
        database.execute(TABLE)


def _cursor() -> psycopg.Cursor[Any]:
    """psycopg's own cursor: it binds on the server and prepares, which Django's default one does not."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def one(request: HttpRequest) -> HttpResponse:
    """Validate one event, insert it, commit."""
    body = request.body
    event = ONE.decode(body)
    _cursor().execute(INSERT_ONE, [event.run.runId, body])
    return HttpResponse(b"{}", status=201, content_type="application/json")


def many(request: HttpRequest) -> HttpResponse:
    """Validate the events of an array, insert them with one statement, commit."""
    bodies = [bytes(raw) for raw in MANY.decode(request.body)]
    runs = [ONE.decode(body).run.runId for body in bodies]
    _cursor().execute(INSERT_MANY, [runs, bodies])
    return HttpResponse(b"{}", status=200, content_type="application/json")


def ready(request: HttpRequest) -> HttpResponse:
    """The database answers."""
    _cursor().execute("SELECT 1")
    return HttpResponse(b"{}", content_type="application/json")


urlpatterns = [path("one", one), path("many", many), path("ready", ready)]


def make_application() -> WSGIHandler:
    parts = psycopg.conninfo.conninfo_to_dict(os.environ["FLOOR_DATABASE_URL"])
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="bench.floor",
        DATA_UPLOAD_MAX_MEMORY_SIZE=None,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts["dbname"],
                "USER": parts.get("user", ""),
                "PASSWORD": parts.get("password", ""),
                "HOST": parts.get("host", ""),
                "PORT": str(parts.get("port", "")),
                "CONN_MAX_AGE": None,
            }
        },
    )
    return get_wsgi_application()


if "FLOOR_DATABASE_URL" in os.environ:
    application = make_application()
