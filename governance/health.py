"""Health and figures of the service, for probes and collectors."""

from functools import cache

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from governance import metrics, problems, rest
from governance.errors import DomainError, Unauthenticated, Unavailable
from governance.tokens import Scope


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing of the database, so that its absence does not restart the process."""
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers and has the tables of this code. An unreachable one becomes 503 in the middleware."""
    if missing := newest_migrations() - MigrationRecorder(connection).applied_migrations().keys():
        names = ", ".join(sorted(".".join(migration) for migration in missing))
        return problems.response(Unavailable(f"The database lacks {names}: run manage.py setup_database."))
    return JsonResponse({"status": "ready"})


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """The metrics for Prometheus: for tokens with the scope read and people signed in, or for all by setting."""
    try:
        if not settings.METRICS_PUBLIC:
            _authorise(request)
    except DomainError as error:
        return problems.response(error)
    encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encoder(metrics.registry()), content_type=content_type)


@cache
def newest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of each app in this code; it is applied only after all before it."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _authorise(request: HttpRequest) -> None:
    token = rest.bearer(request)
    if token is not None:
        rest.require_scope(token, Scope.READ)
    elif not request.user.is_authenticated:
        raise Unauthenticated(rest.SIGN_IN)
