"""Everything that a team's rating rests on, in one document: what an auditor keeps."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments import delivery, exports, records, selectors
from assessments.api import documents, words
from assessments.api.documents import OnADay, SnapshotOut, TargetOut
from assessments.api.words import AnswerOut, ExemptionOut
from governance import openapi, rest
from governance import selectors as people
from governance.tokens import Scope


class EvidenceOut(rest.Body, frozen=True, kw_only=True):
    """The scorecard as its snapshot keeps it, and all that people said and set until then, what ended included.

    The digest of the snapshot is over its scorecards and the snapshot before, so that a copy can be compared.
    """

    team: str
    snapshot: SnapshotOut
    scorecard: dict[str, Any]
    answers: list[AnswerOut]
    exemptions: list[ExemptionOut]
    targets: list[TargetOut]
    delivery: dict[str, Any] | None


class EvidenceView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="team_evidence",
        summary="What a team's rating rests on: results, answers with reviews, exemptions, targets; for its readers",
        parameters=openapi.query_parameters(OnADay),
        responses={200: rest.schema_of(EvidenceOut)},
    )
    def get(self, request: Request, slug: str) -> Response:
        asked, actor = rest.query(request, OnADay), rest.actor(request)
        team = people.team(slug)
        records.require_reader(actor, team)
        snapshot = documents.snapshot(asked)
        until = selectors.instant(asked.as_of) or timezone.now()
        said = records.visible_answers(actor).filter(team=team, framework=snapshot.framework, answered_at__lte=until)
        return rest.answer(
            EvidenceOut(
                team=team.slug,
                snapshot=documents.snapshot_out(snapshot),
                scorecard=exports.whole(selectors.scorecard(snapshot, team=team)),
                answers=[words.answer_out(one, until) for one in said.order_by("id")],
                exemptions=[
                    words.exemption_out(one)
                    for one in records.exemptions_of(team, snapshot.framework).filter(granted_at__lte=until)
                ],
                targets=[
                    words.target_out(one)
                    for one in records.target_history(team).filter(framework=snapshot.framework, set_at__lte=until)
                ],
                delivery=dict(kept) if (kept := delivery.of_team(team, as_of=snapshot.as_of)) else None,
            )
        )
