"""All teams together over HTTP: what changed between snapshots, the best next steps, sources that fell silent."""

from datetime import datetime

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assessments import editions, portfolio, records, selectors
from assessments.api import documents
from assessments.api.documents import BreakOut, ChangeOut, OnADay, SnapshotOut
from assessments.measures import limits
from governance import openapi, rest
from governance import selectors as people
from governance.tokens import Scope


class MovedOut(rest.Body, frozen=True, kw_only=True):
    """A team whose rating moved; no team: what nobody owns. A level of null is not rated."""

    team: str | None
    level_before: int | None
    level_after: int | None
    changes: list[ChangeOut]


class TransferOut(rest.Body, frozen=True, kw_only=True):
    """A model in production that came from one team to another; null is nobody."""

    model: str
    before: str | None
    after: str | None


class NewExemptionOut(rest.Body, frozen=True, kw_only=True):
    """A criterion that was set aside since. Its reason is for those who may read exemptions."""

    id: int
    team: str
    criterion: str
    granted_at: datetime
    ends_at: datetime


class LimitOut(rest.Body, frozen=True, kw_only=True):
    """What watches a model raises its alerts at another limit than before, as its senders tell."""

    model: str
    kind: str
    watched: str
    before: str
    after: str


class ChangesOut(rest.Body, frozen=True, kw_only=True):
    """What changed in one framework since the published snapshot before; without one, nothing did."""

    snapshot: SnapshotOut
    before: SnapshotOut | None
    moved: list[MovedOut]
    transfers: list[TransferOut]
    exemptions: list[NewExemptionOut]
    breaks: list[BreakOut]
    limits: list[LimitOut]


class SharedActionOut(rest.Body, frozen=True, kw_only=True):
    """A step that helps several teams: `gain` is that of all of them in ladder score."""

    criterion: str
    says: str
    teams: list[str]
    gain: float
    effort: str


class SilentSourceOut(rest.Body, frozen=True, kw_only=True):
    """A service account with a live token that has not been heard for a week."""

    name: str
    heard_at: datetime


class ChangesView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="changes",
        summary="What changed since the published snapshot before, and because of what",
        parameters=openapi.query_parameters(OnADay),
        responses={200: rest.schema_of(ChangesOut)},
    )
    def get(self, request: Request) -> Response:
        asked = rest.query(request, OnADay)
        snapshot = documents.snapshot(asked)
        until = selectors.instant(asked.as_of) or timezone.now()
        earlier = portfolio.before(snapshot)
        exemptions = records.exemptions_granted(earlier.as_of, until) if earlier else ()
        return rest.answer(
            ChangesOut(
                snapshot=documents.snapshot_out(snapshot),
                before=documents.snapshot_out(earlier) if earlier else None,
                moved=[
                    MovedOut(
                        team=one.team.slug if one.team else None,
                        level_before=one.level_before,
                        level_after=one.level_after,
                        changes=[documents.change_out(change) for change in one.changes],
                    )
                    for one in portfolio.moved(snapshot)
                ],
                transfers=[
                    TransferOut(model=one.model, before=one.before or None, after=one.after or None)
                    for one in portfolio.transfers(snapshot)
                ],
                exemptions=[
                    NewExemptionOut(
                        id=one.pk,
                        team=one.team.slug,
                        criterion=one.criterion,
                        granted_at=one.granted_at,
                        ends_at=one.ends_at,
                    )
                    for one in exemptions
                    if one.framework == snapshot.framework
                ],
                breaks=[
                    documents.break_out(one)
                    for one in editions.breaks(snapshot.framework)
                    if earlier and earlier.made_at < one.since <= snapshot.made_at
                ],
                limits=[
                    LimitOut(
                        model=str(one.model), kind=one.kind, watched=one.watched, before=one.before, after=one.after
                    )
                    for one in (limits.moved(earlier.as_of, snapshot.as_of) if earlier else ())
                ],
            )
        )


class NextActionsView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="next_actions",
        summary="The steps that help all teams together most for their effort",
        parameters=openapi.query_parameters(OnADay),
        responses={200: {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object"}}}}},
    )
    def get(self, request: Request) -> Response:
        snapshot = documents.snapshot(rest.query(request, OnADay))
        snapshots = {snapshot.framework: snapshot}
        lines = portfolio.lines(list(people.teams().order_by("slug")), snapshots, at=snapshot.as_of)
        says = {
            one.id: one.next_action for one in portfolio.criteria_of(selectors.framework(snapshot.framework)).values()
        }
        found = [
            SharedActionOut(
                criterion=one.criterion,
                says=says.get(one.criterion, ""),
                teams=list(one.teams),
                gain=one.gain,
                effort=one.effort.value,
            )
            for _, one in portfolio.next_actions(portfolio.steps(snapshots, lines))
        ]
        return rest.answer({"results": found})


class SilentSourcesView(APIView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="silent_sources",
        summary="Sources that have not been heard for seven days, the longest silent first",
        responses={200: {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object"}}}}},
    )
    def get(self, request: Request) -> Response:
        rest.query(request, rest.Body)
        silent = people.silent_senders(timezone.now() - records.SILENT)
        return rest.answer({"results": [SilentSourceOut(name=name, heard_at=at) for name, at in silent]})
