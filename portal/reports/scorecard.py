"""The scorecard of a team on paper, and what it shares with that of all teams: the numbers are the snapshots'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from assessments import exports, portfolio, records
from assessments.framework import Framework, Ladder
from assessments.models import Snapshot
from governance import selectors
from governance.errors import NotFound
from governance.models import Team, User
from portal.maturity import board, words
from portal.maturity import team as teams
from portal.maturity.figures import Chart
from portal.maturity.team import Tile
from portal.reports import pdf

SHOWN_TEAMS = 20
# Of a long list of criteria the page shows these first; the attachment has all of them.
SHOWN_CRITERIA = 30
SHOWN_SOURCES = 60
HOLDS = frozenset({"pass", "not_applicable"})
READERS = "For the people of this organisation who may sign in to Assay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One team by one framework of levels: what does not hold, what moved, what to do."""

    framework: Framework
    tile: Tile
    lacking: Sequence[teams.Asked]
    left_out: int
    holding: int
    criteria: int
    actions: Sequence[teams.NextStep]
    changed: Sequence[tuple[Any, str]]
    model_counts: Sequence[tuple[str, int]]
    # How well the evidence covers the claim, in words.
    confidence: str
    chart: Chart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfTeam:
    """Everything a report says of one team."""

    name: str
    slug: str
    tiles: Sequence[Tile]
    pages: Sequence[Page]
    models: Sequence[teams.ModelRow]
    initiatives: Sequence[board.Running]
    exemptions: Sequence[Any]
    sentences: Sequence[str]
    obstacles: Sequence[str]
    outcomes: Sequence[words.Outcome]
    leads: Sequence[User]


def of_team(team: Team, *, as_of: datetime | None = None, is_daily: bool = False) -> bytes:
    """The report of one team as PDF. Raises NotFound before the first snapshot."""
    snapshots = taken(as_of, is_daily)
    context = frame(snapshots, as_of) | {
        "kind": "Maturity scorecard",
        "team": _team(team, as_of, is_daily),
    }
    return pdf.render(
        "reports/scorecard.html",
        context,
        title=f"Maturity of {team.name}",
        attachments={"scorecard.json": attachment(snapshots, team)},
    )


def taken(as_of: datetime | None, is_daily: bool) -> list[Snapshot]:
    """The snapshots to print. Raises NotFound before the first."""
    found = [portfolio.shown(one.framework, as_of=as_of, is_daily=is_daily) for one in portfolio.frameworks()]
    listed = [one for one in found if one is not None]
    if not listed:
        raise NotFound(
            "Not rated: no snapshot has been taken by then, so there is nothing to print.",
            fields={"as_of": "no snapshot"},
        )
    return listed


def frame(snapshots: Sequence[Snapshot], as_of: datetime | None) -> dict[str, Any]:
    """What every scorecard says of itself: of which snapshots it is, and by which catalogues."""
    numbers = ", ".join(f"{one.framework} {one.number} ({one.digest[:12]})" for one in snapshots)
    # Sources are known as they are today alone.
    sources = selectors.silent_senders(timezone.now()) if as_of is None else []
    return {
        "identity": f"{READERS} · snapshots {numbers}",
        "snapshots": snapshots,
        "at": max(one.as_of for one in snapshots),
        "frameworks": portfolio.frameworks(),
        "is_generated": selectors.is_generated(),
        "sources": sources[:SHOWN_SOURCES],
        "sources_left": max(0, len(sources) - SHOWN_SOURCES),
    }


def attachment(snapshots: Sequence[Snapshot], team: Team | None) -> dict[str, Any]:
    """The snapshots' own documents: of the team with its models, or of all teams."""
    found = []
    for snapshot in snapshots:
        cards = snapshot.scorecards.select_related("team", "snapshot").order_by("team__slug", "model")
        cards = cards.filter(team=team) if team else cards.filter(model=None)
        found.append(exports.head(snapshot) | {"scorecards": [exports.whole(card) for card in cards]})
    return {"snapshots": found}


def _team(team: Team, as_of: datetime | None, is_daily: bool) -> OfTeam:
    told = {one.framework: teams.context(team, one, as_of=as_of, is_daily=is_daily) for one in portfolio.frameworks()}
    first = next(iter(told.values()))
    pages = [_page(one, told[one.framework]) for one in portfolio.frameworks() if isinstance(one, Ladder)]
    rubric = next((slug for slug, context in told.items() if not context["is_ladder"]), None)
    now = as_of or timezone.now()
    return OfTeam(
        name=team.name,
        slug=team.slug,
        tiles=first["tiles"],
        pages=pages,
        models=told[rubric]["models"] if rubric else first["models"],
        initiatives=first["initiatives"],
        exemptions=[one for one in records.exemptions_in_force(now) if one.team_id == team.pk],
        sentences=_sentences(first["tiles"], pages),
        obstacles=first["obstacles"],
        outcomes=first["outcomes"],
        leads=first["leads"],
    )


def _page(ladder: Ladder, told: Mapping[str, Any]) -> Page:
    is_rated = not told["obstacles"]
    asked = [one for group in told["groups"] for one in group.asked] if is_rated else []
    lacking = [one for one in asked if one.result["status"] not in HOLDS]
    # What is known to be wrong first; within that, in the order of levels.
    lacking.sort(key=lambda one: one.result["status"] != "fail")
    return Page(
        framework=ladder,
        tile=next(tile for tile in told["tiles"] if tile.framework == ladder.framework),
        lacking=lacking[:SHOWN_CRITERIA],
        left_out=max(0, len(lacking) - SHOWN_CRITERIA),
        holding=len(asked) - len(lacking),
        criteria=len(asked),
        actions=told["actions"],
        changed=told["changed"],
        model_counts=told["model_counts"],
        confidence=confidence(told["scorecard"].rating) if is_rated else "",
        chart=told["chart"],
    )


def confidence(rating: Mapping[str, Any]) -> str:
    """How well the evidence covers the claim, in words."""
    proofs = rating["proofs"]
    provisional = " The level is provisional." if rating["is_provisional"] else ""
    band = words.BANDS[rating["band"]].word
    return (
        f"{band}, {rating['confidence']:.2f}: of the gating criteria {proofs['machine']} are"
        f" measured, {proofs['reviewed']} rest on reviewed answers, {proofs['unknown']} are unknown and"
        f" {proofs['exempted']} exempt.{provisional}"
    )


def _sentences(tiles: Sequence[Tile], pages: Sequence[Page]) -> list[str]:
    """Where the team stands, what moved, and what blocks most: made from the numbers alone."""
    stands = "; ".join(f"{tile.title}: {tile.says}" for tile in tiles)
    moved = [change for page in pages for change, _ in page.changed]
    better = sum(change.after == "pass" for change in moved)
    worse = sum(change.before == "pass" for change in moved)
    failing = [one for page in pages for one in page.lacking if one.result["status"] == "fail"]
    unknown = sum(one.result["status"] in {"unknown", "expired"} for page in pages for one in page.lacking)
    first = f", first of all {failing[0].title.lower()}" if failing else ""
    return [
        f"{stands}.",
        f"Since the published snapshot before, criteria that came to pass: {better}; that no longer pass: {worse}."
        if moved
        else "Nothing moved since the published snapshot before.",
        f"Of the criteria listed here, failing: {len(failing)}{first}; unknown: {unknown}, neither good nor bad.",
    ]
