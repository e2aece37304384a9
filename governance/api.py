"""Health of the service, and who a token is."""

from datetime import datetime

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import problems, rest
from governance.errors import Unavailable
from governance.models import ApiToken


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing of the database."""
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers and has the tables of this code. An unreachable one becomes 503 in the middleware."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return problems.response(Unavailable("The database is not migrated: run manage.py setup_database."))
    return JsonResponse({"status": "ready"})


class WhoAmI(rest.Body):
    """Whose token this is and what it may do. Without a token: the one who is signed in."""

    user: str
    token: str | None
    scopes: list[str]
    expires_at: datetime | None


class WhoAmIView(APIView):
    scopes = {"GET": None}

    @extend_schema(operation_id="whoami", summary="Whose token this is", responses=rest.schema_of(WhoAmI))
    def get(self, request: Request) -> Response:
        user, token = rest.actor(request), request.auth
        if not isinstance(token, ApiToken):
            return rest.answer(WhoAmI(user=user.username, token=None, scopes=[], expires_at=None))
        return rest.answer(
            WhoAmI(user=user.username, token=token.name, scopes=sorted(token.scopes), expires_at=token.expires_at)
        )
