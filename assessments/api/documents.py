"""What the addresses of maturity answer with, and how they ask."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from assessments import exports, portfolio, scoring, selectors
from assessments.changes import Change
from assessments.editions import Break
from assessments.models import Scorecard, Snapshot
from assessments.scoring import Action
from governance import rest
from governance.errors import Invalid, NotFound
from governance.models import Team
from lineage import selectors as graph
from policies import selectors as gate

Document = dict[str, Any]
# A framework without a name in the query: the first of levels by its slug.
DEFAULT_FRAMEWORK = "google-mlops"


class SnapshotOut(rest.Body, frozen=True, kw_only=True):
    """What a snapshot is of. `digest` chains it to the one before."""

    framework: str
    number: int
    kind: str
    catalogue_version: str
    catalogue_digest: str
    as_of: datetime
    made_at: datetime
    watermark: int
    restates: int | None
    reason: str
    previous_digest: str
    digest: str


class TargetOut(rest.Body, frozen=True, kw_only=True):
    """The level a team is to reach, as a sponsor set it."""

    framework: str
    level: int
    reason: str
    set_by: str
    set_at: datetime


class ActionOut(rest.Body, frozen=True, kw_only=True):
    """A step that raises the ladder score; `gain` is by how much, `effort` s, m or l."""

    criterion: str
    says: str
    gain: float
    effort: str
    gain_by_effort: float
    needs_a_source: bool
    missing: list[str]


class ChangeOut(rest.Body, frozen=True, kw_only=True):
    """A criterion whose status moved since the published scorecard before, and the assets that came and went."""

    criterion: str
    before: str
    after: str
    appeared: list[str]
    resolved: list[str]


class BreakOut(rest.Body, frozen=True, kw_only=True):
    """Another catalogue version in use from a time on, what differs, and until when both are scored."""

    since: datetime
    before: str
    after: str
    added: list[str]
    removed: list[str]
    changed: list[str]
    scored_beside_until: datetime


class ScorecardRow(rest.Body, frozen=True, kw_only=True):
    """One team or model in a list; no team: what nobody owns. `rating` is the headline with its confidence."""

    id: int
    team: str | None
    model: UUID | None
    framework: str
    snapshot: int
    as_of: datetime
    level: int | None
    published_level: int | None
    score: float | None
    rating: dict[str, Any]
    digest: str


class ModelRow(rest.Body, frozen=True, kw_only=True):
    """A model of the team in production."""

    model: UUID
    name: str
    level: int | None
    score: float | None


class ScorecardOut(rest.Body, frozen=True, kw_only=True):
    """One team or model by one framework, with enough to explain every number.

    `beside`: the same by the catalogue before, while both are scored.
    """

    id: int
    team: str | None
    model: UUID | None
    snapshot: SnapshotOut
    level: int | None
    published_level: int | None
    score: float | None
    rating: dict[str, Any]
    results: list[dict[str, Any]]
    target: TargetOut | None
    percent_to_target: float | None
    next_actions: list[ActionOut]
    changed: list[ChangeOut]
    models: list[ModelRow]
    beside: ScorecardRow | None
    digest: str


class MissOut(rest.Body, frozen=True, kw_only=True):
    """An item that does not count as good. `what` it is: asset, version, run or promotion; empty when it is gone."""

    team: str | None
    criterion: str
    asset: str
    what: str
    label: str
    state: str
    missing: list[str]


class OnADay(rest.Body, frozen=True, kw_only=True):
    """Which framework, and as of which time: the newest published snapshot of then, or with `daily` the newest."""

    framework: str = DEFAULT_FRAMEWORK
    as_of: str | None = None
    daily: bool = False


def snapshot(asked: OnADay) -> Snapshot:
    """The snapshot that a query speaks of. Raises NotFound, naming the reason why a team is not rated."""
    if asked.framework not in {one.framework for one in portfolio.frameworks()}:
        raise NotFound(f"There is no framework {asked.framework}.", fields={"framework": "unknown"})
    found = portfolio.shown(asked.framework, as_of=selectors.instant(asked.as_of), is_daily=asked.daily)
    if found is None:
        raise NotFound(
            f"Not rated: no snapshot of {asked.framework} had been taken by then.", fields={"framework": "no snapshot"}
        )
    return found


def snapshot_out(one: Snapshot) -> SnapshotOut:
    return SnapshotOut(**exports.head(one))


def row_out(card: Scorecard) -> ScorecardRow:
    return ScorecardRow(**exports.row(card))


def scorecard_out(card: Scorecard) -> ScorecardOut:
    target = selectors.target(card.snapshot.framework, card.team) if card.team else None
    models = list(card.snapshot.scorecards.filter(team=card.team).exclude(model=None).order_by("model"))
    names = graph.named([one.model for one in models if one.model])
    return ScorecardOut(
        id=card.pk,
        team=card.team.slug if card.team else None,
        model=card.model,
        snapshot=snapshot_out(card.snapshot),
        level=card.level,
        published_level=card.published_level,
        score=card.score,
        rating=card.rating,
        results=card.results,
        target=None
        if target is None
        else TargetOut(
            framework=target.framework,
            level=target.level,
            reason=target.reason,
            set_by=target.set_by.username,
            set_at=target.set_at,
        ),
        percent_to_target=percent_to_target(card, target.level if target else None),
        next_actions=[action_out(action) for action in actions(card)],
        changed=[change_out(change) for change in selectors.changed(card)],
        models=[
            ModelRow(
                model=one.model,
                name=names[one.model].name if one.model in names else "",
                level=one.level,
                score=one.score,
            )
            for one in models
            if one.model is not None and card.model is None
        ],
        beside=row_out(before) if (before := selectors.beside(card)) else None,
        digest=card.digest,
    )


def actions(card: Scorecard) -> list[Action]:
    """The next steps; none by a rubric, or by a catalogue that has changed since."""
    return selectors.next_actions(card) if portfolio.plan_of(card.snapshot) else []


def percent_to_target(card: Scorecard, level: int | None) -> float | None:
    plan = portfolio.plan_of(card.snapshot)
    if plan is None or level is None or card.level is None:
        return None
    return scoring.percent_to_target(plan, selectors.results_of(card), level)


def action_out(action: Action) -> ActionOut:
    return ActionOut(
        criterion=action.criterion,
        says=action.says,
        gain=action.gain,
        effort=action.effort.value,
        gain_by_effort=action.gain_by_effort,
        needs_a_source=action.needs_a_source,
        missing=list(action.missing),
    )


def change_out(change: Change) -> ChangeOut:
    return ChangeOut(
        criterion=change.criterion,
        before=change.before,
        after=change.after,
        appeared=list(change.appeared),
        resolved=list(change.resolved),
    )


def break_out(one: Break) -> BreakOut:
    return BreakOut(
        since=one.since,
        before=one.before,
        after=one.after,
        added=list(one.added),
        removed=list(one.removed),
        changed=list(one.changed),
        scored_beside_until=one.scored_beside_until,
    )


def misses_out(found: Iterable[tuple[Team | None, str, Document]]) -> list[MissOut]:
    """Misses with what each of their UUIDs is now: in the graph, or at the gate."""
    listed = list(found)
    uuids = {UUID(miss["asset"]) for _, _, miss in listed}
    named = graph.named(uuids)
    promotions = (
        {one.uuid for one in gate.promotions().filter(uuid__in=uuids - named.keys())} if uuids - named.keys() else set()
    )
    return [
        MissOut(
            team=team.slug if team else None,
            criterion=criterion,
            asset=miss["asset"],
            what=named[uuid].what
            if (uuid := UUID(miss["asset"])) in named
            else "promotion"
            if uuid in promotions
            else "",
            label=miss["label"],
            state=miss["state"],
            missing=miss["missing"],
        )
        for team, criterion, miss in listed
    ]


def offset(cursor: str) -> int:
    """The place in a list that never changes, such as the misses of a snapshot."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise Invalid("cursor: not one of this list.", fields={"cursor": "Not one of this list."})
    return int(cursor)


def first(asked: rest.Paging) -> int:
    """The place of the first row of a page. Raises Invalid for a cursor or a limit that cannot be."""
    if not 1 <= asked.limit <= rest.MAX_PAGE_SIZE:
        says = f"Not between 1 and {rest.MAX_PAGE_SIZE}."
        raise Invalid(f"limit: {says}", fields={"limit": says})
    return offset(asked.cursor)


def page(rows: list[Any], asked: rest.Paging) -> Document:
    """One page of a list that never changes."""
    begin = first(asked)
    body: Document = {
        "results": rows[begin : begin + asked.limit],
        "next": str(begin + asked.limit) if len(rows) > begin + asked.limit else None,
    }
    return body | {"count": len(rows)} if asked.count else body
