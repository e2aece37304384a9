"""The address that a cluster asks before it serves a model: judged at once from the verdicts, and never stored.

Whoever cannot be believed or read gets an error and no answer; the cluster then does what its `failurePolicy` says,
which is to refuse.
"""

from datetime import datetime
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from governance import problems
from governance.errors import DomainError, NotFound
from integrations import admission, connections, known, parsing, receiver
from integrations.admission import Served
from integrations.models import Connection
from integrations.parsing import Unparsable
from integrations.systems.base import Context, Message
from integrations.systems.kubernetes import KubernetesOptions
from policies import incidents
from policies.incidents import Entry

_ENCODER = msgspec.json.Encoder()


class Admission(APIView):
    """POST /api/v1/hooks/{connection}/admission, and with a secret part between for clusters that can set no header."""

    authentication_classes = []
    permission_classes = []
    scopes = {"POST": None}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer without REST framework's machinery, which would read the body before it is bounded."""
        slug, token = kwargs["slug"], kwargs.get("token", "")
        try:
            match request.method:
                case "POST" | "PUT":
                    return judge(request, slug, token)
                case "OPTIONS":
                    return receiver.willing(request, slug, token)
                case _:
                    return super().dispatch(request, *args, **kwargs)
        except DomainError as error:
            return problems.response(error)
        except UnreadablePostError:
            return problems.response(Unparsable("The body ended before it was complete."))

    @extend_schema(
        operation_id="hooks_admission",
        summary="Whether a cluster may serve what it was asked to",
        description=(
            "An AdmissionReview of admission.k8s.io/v1, as Kubernetes' API server sends it to a validating web hook, "
            "about an InferenceService, a SeldonDeployment or a Model of Seldon Core 2. A model version that no "
            "verdict has let into the stage is refused, where a policy guards that stage; so is one that nobody knows, "
            "unless the connection's option `admit_unknown` is set."
        ),
        auth=[],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="The AdmissionReview that answers.")},
    )
    def post(self, request: Request, slug: str, token: str = "") -> HttpResponse:
        """Only described: `dispatch` answers."""
        raise NotImplementedError


def judge(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Believe, read, decide. Raises DomainError for what cannot be."""
    door, headers, body = receiver.believed(request, slug, token)
    connection = Connection.objects.select_related("user").get(pk=door.connection_id)
    options = connections.options_of(connection)
    if not isinstance(options, KubernetesOptions):
        raise NotFound("Only connections to systems that serve models in Kubernetes judge what a cluster may serve.")
    now = timezone.now()
    context = Context(namespace=connection.namespace, options=options, known=known.Graph(connection))
    document = parsing.parse(body, headers.get("content-type", ""))
    asked = admission.read(document, Message(received_at=now, document=document), context)
    decision = admission.decide(
        asked,
        let_in=_let_in,
        is_guarded=lambda served, stage: _is_guarded(served, stage, now),
        blocked_as=lambda served, stage: _blocked_as(served, stage, now),
        admit_unknown=options.admit_unknown,
    )
    answer = _ENCODER.encode(admission.answer(asked.uid, decision))
    return HttpResponse(answer, content_type="application/json")


def _entry(served: Served, stage: str) -> Entry:
    return incidents.entry(namespace=served.namespace, name=served.name, version=served.version, stage=stage)


def _let_in(served: Served, stage: str) -> bool:
    return _entry(served, stage).is_let_in


def _is_guarded(served: Served, stage: str, now: datetime) -> bool:
    """A model that the graph does not know has no owner and no criticality, by which a policy would be chosen."""
    try:
        return incidents.guarded_as(_entry(served, stage).names, stage, now) is not None
    except NotFound:
        return True


def _blocked_as(served: Served, stage: str, now: datetime) -> str:
    """The other name by which it was blocked, where a policy still judges it by any; else empty."""
    blocked = _entry(served, stage).blocked_as
    is_other = blocked is not None and (blocked.namespace, blocked.name) != (served.namespace, served.name)
    return f"{blocked.namespace} {blocked.name}" if blocked and is_other and _is_guarded(served, stage, now) else ""
