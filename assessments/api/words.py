"""What people say and set, over HTTP: answers and reviews, exemptions, targets."""

from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments import answers, exemptions, records, targets
from assessments.answers import EvidenceReference
from assessments.api.documents import TargetOut
from assessments.models import Answer, Exemption, Target
from governance import openapi, rest, selectors
from governance.errors import Denied
from governance.models import User
from governance.tokens import Scope

Word = TypeVar("Word", Answer, Exemption)
ExtentWord = Literal["none", "some", "at_least_half", "most_or_all"]


class EvidenceIn(rest.Body, frozen=True, kw_only=True):
    """A title, and an address or the SHA-256 of a stored file."""

    title: str
    reference: str


class AnswerIn(rest.Body, frozen=True, kw_only=True):
    """An answer of a team to a criterion, for all its models or for one."""

    team: str
    framework: str
    criterion: str
    extent: ExtentWord
    evidence: list[EvidenceIn]
    note: str = ""
    model: UUID | None = None


class ReviewIn(rest.Body, frozen=True, kw_only=True):
    """What an assessor found."""

    decision: Literal["accept", "reject"]
    reason: str = ""


class ReviewOut(rest.Body, frozen=True, kw_only=True):
    reviewer: str
    decision: str
    reason: str
    is_recheck: bool
    reviewed_at: datetime


class AnswerOut(rest.Body, frozen=True, kw_only=True):
    """An answer with its reviews. `standing`: waiting, accepted, rejected, expired or lapsed, and `because` of what."""

    id: int
    team: str
    model: UUID | None
    framework: str
    criterion: str
    catalogue_version: str
    extent: str
    evidence: list[EvidenceIn]
    note: str
    answered_by: str
    answered_at: datetime
    expires_at: datetime
    standing: str
    because: str
    reviews: list[ReviewOut]


class AnswersQuery(rest.Paging, frozen=True, kw_only=True):
    """Which answers, old ones included. Without a team: all that you may read.

    `due`: those that wait for a review, are drawn for a second look this quarter, or expire within 30 days.
    """

    team: str = ""
    framework: str = ""
    criterion: str = ""
    due: Literal["", "review", "recheck", "expiry"] = ""


class ExemptionsQuery(rest.Paging, frozen=True, kw_only=True):
    """Which exemptions, old ones included. Without a team: all that you may read."""

    team: str = ""
    framework: str = ""
    criterion: str = ""


class ExemptionIn(rest.Body, frozen=True, kw_only=True):
    """A criterion to set aside for a team until a time, exclusive, at most 180 days away."""

    team: str
    framework: str
    criterion: str
    reason: str
    until: datetime
    model: UUID | None = None


class ExemptionOut(rest.Body, frozen=True, kw_only=True):
    id: int
    team: str
    model: UUID | None
    framework: str
    criterion: str
    reason: str
    granted_by: str
    granted_at: datetime
    ends_at: datetime


class TargetIn(rest.Body, frozen=True, kw_only=True):
    """The level a team is to reach."""

    team: str
    framework: str
    level: int
    reason: str = ""


class TargetsQuery(rest.Paging, frozen=True, kw_only=True):
    """The targets of a team, the newest first; of each framework the first one stands."""

    team: str


def answer_out(one: Answer, at: datetime) -> AnswerOut:
    standing = records.standing(one, at)
    said = sorted(one.reviews.all(), key=lambda review: review.reviewed_at)
    return AnswerOut(
        id=one.pk,
        team=one.team.slug,
        model=one.model,
        framework=one.framework,
        criterion=one.criterion,
        catalogue_version=one.catalogue_version,
        extent=one.extent,
        evidence=[EvidenceIn(title=given["title"], reference=given["reference"]) for given in one.evidence],
        note=one.note,
        answered_by=one.answered_by.username,
        answered_at=one.answered_at,
        expires_at=one.expires_at,
        standing=standing.word,
        because=standing.because,
        reviews=[
            ReviewOut(
                reviewer=review.reviewer.username,
                decision=review.decision,
                reason=review.reason,
                is_recheck=review.is_recheck,
                reviewed_at=review.reviewed_at,
            )
            for review in said
        ],
    )


def exemption_out(one: Exemption) -> ExemptionOut:
    return ExemptionOut(
        id=one.pk,
        team=one.team.slug,
        model=one.model,
        framework=one.framework,
        criterion=one.criterion,
        reason=one.reason,
        granted_by=one.granted_by.username,
        granted_at=one.granted_at,
        ends_at=one.ends_at,
    )


def target_out(one: Target) -> TargetOut:
    return TargetOut(
        framework=one.framework,
        level=one.level,
        reason=one.reason,
        set_by=one.set_by.username,
        set_at=one.set_at,
    )


def _narrowed(found: QuerySet[Word], asked: AnswersQuery | ExemptionsQuery, actor: User) -> QuerySet[Word]:
    """What was asked for of answers or exemptions. Raises Denied for a team that the actor may not read."""
    if asked.team:
        team = selectors.team(asked.team)
        records.require_reader(actor, team)
        found = found.filter(team=team)
    if asked.framework:
        found = found.filter(framework=asked.framework)
    if asked.criterion:
        found = found.filter(criterion=asked.criterion)
    return found


def _due(what: str, actor: User, now: datetime) -> list[int]:
    """The answers with which something is to be done. Raises Denied for the draw, which is for who reads all."""
    match what:
        case "review":
            return [one.pk for one in records.waiting_for_review(now)]
        case "expiry":
            return [one.pk for one in records.lapsing_soon(now)]
        case _:
            if not records.may_read_all(actor):
                raise Denied("The draw is read by assessors, sponsors and auditors.", code="permission_missing")
            return [one.pk for one in answers.due_for_recheck(now)]


class AnswersView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.MATURITY_WRITE}

    @extend_schema(
        operation_id="answers_list",
        summary="Answers with their reviews, the newest first",
        parameters=openapi.query_parameters(AnswersQuery),
        responses={200: rest.page_schema(rest.schema_of(AnswerOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, AnswersQuery)
        actor = rest.actor(request)
        now = timezone.now()
        found = _narrowed(records.visible_answers(actor), asked, actor)
        if asked.due:
            found = found.filter(pk__in=_due(asked.due, actor, now))
        pages = rest.Cursor()
        return pages.get_paginated_response([answer_out(one, now) for one in pages.paginate_queryset(found, request)])

    @extend_schema(
        operation_id="answer_give",
        summary="Answer a criterion for a team you manage",
        request={"application/json": rest.schema_of(AnswerIn)},
        responses={201: rest.schema_of(AnswerOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, AnswerIn)
        given = answers.give(
            actor=rest.actor(request),
            team=selectors.team(asked.team),
            framework=asked.framework,
            criterion=asked.criterion,
            extent=asked.extent,
            evidence=[EvidenceReference(title=one.title, reference=one.reference) for one in asked.evidence],
            note=asked.note,
            model=asked.model,
        )
        return rest.answer(answer_out(given, timezone.now()), status=201)


class AnswerView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="answer", summary="One answer", responses={200: rest.schema_of(AnswerOut)})
    def get(self, request: Request, answer: int) -> Response:
        return rest.answer(answer_out(records.answer(rest.actor(request), answer), timezone.now()))


class ReviewsView(APIView):
    scopes = {"POST": Scope.MATURITY_WRITE}

    @extend_schema(
        operation_id="answer_review",
        summary="Accept or reject an answer of another team",
        request={"application/json": rest.schema_of(ReviewIn)},
        responses={201: rest.schema_of(AnswerOut)},
    )
    def post(self, request: Request, answer: int) -> Response:
        said = rest.read(request, ReviewIn)
        actor = rest.actor(request)
        answers.review(actor=actor, answer=records.answer(actor, answer), decision=said.decision, reason=said.reason)
        return rest.answer(answer_out(records.answer(actor, answer), timezone.now()), status=201)


class ExemptionsView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.MATURITY_WRITE}

    @extend_schema(
        operation_id="exemptions_list",
        summary="Exemptions, those that ended included, the newest first",
        parameters=openapi.query_parameters(ExemptionsQuery),
        responses={200: rest.page_schema(rest.schema_of(ExemptionOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, ExemptionsQuery)
        actor = rest.actor(request)
        found = _narrowed(records.visible_exemptions(actor), asked, actor)
        pages = rest.Cursor()
        return pages.get_paginated_response([exemption_out(one) for one in pages.paginate_queryset(found, request)])

    @extend_schema(
        operation_id="exemption_grant",
        summary="Set a criterion aside for another team, for a time",
        request={"application/json": rest.schema_of(ExemptionIn)},
        responses={201: rest.schema_of(ExemptionOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, ExemptionIn)
        granted = exemptions.grant(
            actor=rest.actor(request),
            team=selectors.team(asked.team),
            framework=asked.framework,
            criterion=asked.criterion,
            reason=asked.reason,
            until=asked.until,
            model=asked.model,
        )
        return rest.answer(exemption_out(granted), status=201)


class ExemptionEndView(APIView):
    scopes = {"POST": Scope.MATURITY_WRITE}

    @extend_schema(
        operation_id="exemption_end",
        summary="End an exemption now",
        request=None,
        responses={200: rest.schema_of(ExemptionOut)},
    )
    def post(self, request: Request, exemption: int) -> Response:
        actor = rest.actor(request)
        ended = exemptions.end(actor=actor, exemption=records.exemption(actor, exemption))
        return rest.answer(exemption_out(ended))


class TargetsView(APIView):
    scopes = {"GET": Scope.READ, "POST": Scope.MATURITY_WRITE}

    @extend_schema(
        operation_id="targets_list",
        summary="The targets of a team, old ones included",
        parameters=openapi.query_parameters(TargetsQuery),
        responses={200: rest.page_schema(rest.schema_of(TargetOut))},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, TargetsQuery)
        pages = rest.Cursor()
        found = records.target_history(selectors.team(asked.team))
        return pages.get_paginated_response([target_out(one) for one in pages.paginate_queryset(found, request)])

    @extend_schema(
        operation_id="target_set",
        summary="Set the level that a team is to reach",
        request={"application/json": rest.schema_of(TargetIn)},
        responses={201: rest.schema_of(TargetOut)},
    )
    def post(self, request: Request) -> Response:
        asked = rest.read(request, TargetIn)
        target = targets.set_level(
            actor=rest.actor(request),
            team=selectors.team(asked.team),
            framework=asked.framework,
            level=asked.level,
            reason=asked.reason,
        )
        return rest.answer(target_out(target), status=201)
