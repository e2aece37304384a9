"""The scorecards of all teams on paper: a summary, what moved, what to do, a page for each rated team, an appendix.

Everything is read for all teams at once: the number of queries does not grow with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from assessments import aggregates, delivery, portfolio, records, selectors
from assessments.framework import Framework, Ladder, Rubric
from assessments.models import Scorecard, Snapshot, Target
from portal.maturity import board, words
from portal.maturity import team as teams
from portal.maturity.board import Running
from portal.maturity.figures import Chart
from portal.maturity.grid import Row
from portal.maturity.team import Asked, Tile
from portal.reports import pdf, scorecard

# Of a team's page, so that it is one page; the attachment has everything.
SHOWN_CRITERIA = 16
SHOWN_MOVED = 20
# Lower than on a page of one team, so that all frameworks stand on one.
CHART_HEIGHT = 110.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A criterion that a team does not hold."""

    publisher: str
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How many criteria of a framework of levels a team holds, its models by level, and how sure that is."""

    publisher: str
    holding: int
    criteria: int
    models: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPage:
    """One rated team."""

    name: str
    tiles: Sequence[Tile]
    holding: Sequence[Holding]
    lacking: Sequence[Lack]
    left_out: int
    outcomes: Sequence[words.Outcome]
    initiatives: Sequence[Running]


def of_all(*, as_of: datetime | None = None, is_daily: bool = False) -> bytes:
    """The report of all teams as PDF. Raises NotFound before the first snapshot."""
    told = context(as_of=as_of, is_daily=is_daily)
    return pdf.render(
        "reports/organisation.html",
        told,
        title="Maturity of all teams",
        attachments={"scorecards.json": scorecard.attachment(told["snapshots"], None)},
        more_pages=len(told["pages"]),
    )


def context(*, as_of: datetime | None = None, is_daily: bool = False) -> dict[str, Any]:
    """What the report says. Raises NotFound before the first snapshot."""
    snapshots = scorecard.taken(as_of, is_daily)
    told = board.context(as_of=as_of, tier="", is_daily=is_daily, is_ranked=False)
    now = as_of or timezone.now()
    running = [board.how_far(one, now) for one in records.initiatives(is_open=True)]
    rated = [row for row in told["grid"] if not row.obstacles]
    return (
        told
        | scorecard.frame(snapshots, as_of)
        | {
            "kind": "Maturity scorecard",
            "sentences": _sentences(told),
            "shown_teams": scorecard.SHOWN_TEAMS,
            "charts": _charts(snapshots),
            "moved": told["movement"].moved[:SHOWN_MOVED],
            "running": running,
            "pages": _pages(rated, snapshots, running, now=now, as_of=as_of),
            "unrated": [row for row in told["grid"] if row.obstacles],
        }
    )


def _charts(snapshots: Sequence[Snapshot]) -> list[tuple[Framework, Chart]]:
    """The middle of all teams (or of all models, by a rubric) in the published snapshots of a year."""
    known = {one.framework: one for one in portfolio.frameworks()}
    found = []
    for snapshot in snapshots:
        framework = known[snapshot.framework]
        points = aggregates.medians(snapshot, of_models=isinstance(framework, Rubric))
        chart = teams.chart(framework, points, height=CHART_HEIGHT)
        if chart is not None:
            found.append((framework, chart))
    return found


def _pages(
    rows: Sequence[Row],
    snapshots: Sequence[Snapshot],
    running: Sequence[Running],
    *,
    now: datetime,
    as_of: datetime | None,
) -> list[TeamPage]:
    """The pages of teams in the order of the rows."""
    cards = {one.framework: {card.team_id: card for card in selectors.scorecards(one)} for one in snapshots}
    levels = {one.framework: aggregates.model_levels(one) for one in snapshots}
    shown = {one.framework: one for one in snapshots}
    targets = records.targets_at(now)
    outcomes = delivery.of_teams(as_of=as_of)
    open_for: dict[int, list[Running]] = {}
    for one in running:
        for team in one.initiative.teams.all():
            open_for.setdefault(team.pk, []).append(one)
    found = []
    for row in rows:
        pk = row.line.team.pk if row.line.team else None
        own = {slug: by_team[pk] for slug, by_team in cards.items() if pk in by_team}
        found.append(
            _page(
                row,
                own,
                {slug: target for (team, slug), target in targets.items() if team == pk},
                shown,
                {slug: by_team.get(pk, []) for slug, by_team in levels.items()},
                outcomes.get(pk),
                open_for.get(pk, []) if pk is not None else [],
            )
        )
    return found


def _page(
    row: Row,
    own: Mapping[str, Scorecard],
    targets: Mapping[str, Target],
    shown: Mapping[str, Snapshot],
    levels: Mapping[str, Sequence[int | None]],
    outcomes: Mapping[str, Any] | None,
    running: Sequence[Running],
) -> TeamPage:
    frameworks = portfolio.frameworks()
    lacking: list[Lack] = []
    holding: list[Holding] = []
    for one in frameworks:
        card = own.get(one.framework)
        if not isinstance(one, Ladder) or card is None or card.level is None:
            continue
        asked = [each for group in teams.groups(one, card) for each in group.asked]
        lacks = [each for each in asked if each.result["status"] not in scorecard.HOLDS]
        lacking += [Lack(publisher=words.publisher(one), asked=each) for each in lacks]
        counts = ", ".join(f"{title} {count}" for title, count in teams.counts(one, levels[one.framework]) if count)
        holding.append(
            Holding(
                publisher=words.publisher(one),
                holding=len(asked) - len(lacks),
                criteria=len(asked),
                models=counts.lower(),
                confidence=scorecard.confidence(card.rating),
            )
        )
    # What is known to be wrong first, what gates before what advises, low levels before high ones.
    lacking.sort(
        key=lambda one: (
            one.asked.result["status"] != "fail",
            not one.asked.criterion.gating,
            one.asked.criterion.level,
        )
    )
    return TeamPage(
        name=row.name,
        tiles=[teams.tile(one, own.get(one.framework), targets.get(one.framework), shown) for one in frameworks],
        holding=holding,
        lacking=lacking[:SHOWN_CRITERIA],
        left_out=max(0, len(lacking) - SHOWN_CRITERIA),
        outcomes=words.delivered(outcomes),
        initiatives=running,
    )


def _sentences(told: Mapping[str, Any]) -> list[str]:
    """Where all teams stand, what moved, and what blocks most: made from the numbers alone."""
    stands = "; ".join(f"{tile.title}: {tile.big} ({tile.name})" for tile in told["tiles"])
    movement = told["movement"]
    blockers = told["blockers"]
    most = f"{blockers[0].title} keeps most models from their next level ({blockers[0].words})." if blockers else ""
    return [
        f"{told['rated']} of {len(told['grid'])} teams are rated. {stands}.",
        f"Since the published snapshot before, levels gained: {movement.gained}; lost: {movement.lost}.",
        most or "No model in production is kept from a level.",
    ]
