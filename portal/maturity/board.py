"""The leadership page: three tiles, one line per team, what holds back, what moved, what to do, how sure it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from assessments import delivery, portfolio, records
from assessments.burnup import Done
from assessments.framework import Framework, Ladder, Rubric
from assessments.models import Initiative, Snapshot
from assessments.portfolio import Blocker, Line, Rated
from assessments.scoring import MEDIUM_CONFIDENCE
from governance import selectors
from governance.criticality import Tier
from governance.models import Team
from portal.maturity import figures, words
from portal.maturity.figures import Segment, Step

RANKED_MODELS, RANKED_PEERS = 5, 5
NO_SNAPSHOT = "No snapshot has been taken yet."
NEW_TEAM = "The team came after this snapshot."
SHOWN_CHANGES = 6
SILENT = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One framework over all teams."""

    framework: str
    title: str
    steps: Sequence[Step]
    big: str
    name: str
    small: str
    change: str
    exempted: int
    rows: Sequence[tuple[str, Sequence[Step]]]
    facts: Sequence[str]
    is_possible: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number of the portfolio: in figures, with a shape, and in words for those who do not see it."""

    text: str
    words: str
    tone: str
    shape: str
    href: str = ""
    is_unknown: bool = False
    is_provisional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One team in the grid."""

    line: Line
    name: str
    tier: str
    rank: str
    target: str
    levels: Sequence[Cell]
    rows: Sequence[Cell]
    sections: Sequence[Cell]
    confidence: Cell
    percent: str
    spark: str
    obstacles: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A criterion that blocks models, as a bar of failing and unknown."""

    blocker: Blocker
    title: str
    words: str
    bar: Sequence[Segment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An open initiative and how far it is."""

    initiative: Initiative
    done: int
    asked: int
    percent: int
    days_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A next step for the organisation."""

    framework: str
    criterion: str
    title: str
    says: str
    teams: Sequence[str]
    gain: float
    effort: str


def context(*, as_of: datetime | None, tier: str, is_daily: bool, is_ranked: bool) -> dict[str, Any]:
    """What the leadership page shows, of one moment."""
    frameworks = portfolio.frameworks()
    snapshots = {one.framework: portfolio.shown(one.framework, as_of=as_of, is_daily=is_daily) for one in frameworks}
    taken = [one for one in snapshots.values() if one is not None]
    # Snapshots are of their time; what people set is as it stands on the day that is asked for.
    now = as_of or timezone.now()
    at = max((one.as_of for one in taken), default=now)
    lines = portfolio.lines(list(selectors.teams().order_by("name", "slug")), snapshots, at=now)
    if tier:
        lines = [line for line in lines if (line.tier or "") == ("" if tier == "none" else tier)]
    pks = [line.team.pk if line.team else None for line in lines] if tier else None
    changes = [one for snapshot in taken for one in portfolio.moved(snapshot, teams=pks)]
    proofs = portfolio.proofs(lines)
    return {
        "frameworks": frameworks,
        "snapshots": taken,
        "at": at,
        "is_taken": bool(taken),
        "tiles": [tile(one, lines, snapshots[one.framework]) for one in frameworks],
        "ladders": [(one.title, words.publisher(one)) for one in frameworks if isinstance(one, Ladder)],
        "rows_of": next((one.rows for one in frameworks if isinstance(one, Ladder) and one.rows), ()),
        "sections_of": next((one.sections for one in frameworks if isinstance(one, Rubric)), ()),
        "grid": grid(frameworks, lines, snapshots, is_ranked=is_ranked),
        "blockers": held(portfolio.blockers(snapshots, teams=pks)),
        "moved": sorted(changes, key=lambda one: (not one.level_moved, not one.is_gain))[:SHOWN_CHANGES],
        "moved_count": len(changes),
        "transfers": [one for snapshot in taken[:1] for one in portfolio.transfers(snapshot)],
        "exemptions": list(records.exemptions_in_force(now)),
        "actions": suggestions(frameworks, snapshots, lines),
        "initiatives": running(now),
        "proofs": proofs,
        "proof_bar": figures.stacked(
            [
                ("machine", proofs.machine),
                ("reviewed", proofs.reviewed),
                ("unknown", proofs.unknown),
                ("exempt", proofs.exempted),
            ]
        ),
        "lapsing": list(records.lapsing_soon(now)[:5]),
        "outcomes": words.delivered(delivery.of_all(as_of=now)),
        "silent": selectors.silent_senders(now - SILENT)[:5] if as_of is None else [],
        "confidence": confidence(lines),
        "rated": sum(line.is_rated for line in lines),
        "missing": portfolio.missing_facts(snapshots)[:3],
    }


def tile(framework: Framework, lines: Sequence[Line], snapshot: Snapshot | None) -> Tile:
    """A framework of levels as a bar of its levels, a rubric by its lowest section."""
    if isinstance(framework, Rubric):
        return _rubric_tile(framework, lines, snapshot)
    found = portfolio.summary(framework, lines, snapshot)
    names = [level.name for level in framework.levels]
    facts = [f"{found.rated} of {found.teams} teams rated"]
    if found.lowest is not None and found.level is not None:
        facts.append(f"half of them hold this level, the lowest is at {found.lowest}")
    return Tile(
        framework=framework.framework,
        title=framework.title,
        steps=figures.steps(names, found.level, found.possible),
        big="–" if found.level is None else str(found.level),  # noqa: RUF001
        name=words.level_name(framework, found.level) or "Not rated",
        small="" if found.ladder_score is None else f"{found.ladder_score:.2f}",
        change=words.signed(found.change),
        exempted=found.exempted,
        rows=[(row.title, figures.steps(names, found.rows.get(row.row), None)) for row in framework.rows if found.rows],
        facts=facts,
        is_possible=found.possible is not None and found.level is not None and found.possible > found.level,
    )


def _rubric_tile(rubric: Rubric, lines: Sequence[Line], snapshot: Snapshot | None) -> Tile:
    found = portfolio.test_summary(rubric, lines, snapshot)
    title = {section.section: section.title for section in rubric.sections}
    facts = [f"{found.scored} of {found.models} models scored"]
    if found.lowest is not None:
        facts.append(f"lowest model {found.lowest:.1f}")
    if found.deciding:
        facts.append(f"decided by {title[found.deciding].lower()}")
    return Tile(
        framework=rubric.framework,
        title=rubric.title,
        steps=[],
        big="–" if found.median is None else f"{found.median:.1f}",  # noqa: RUF001
        name=portfolio.band(rubric, found.median) or "Not rated",
        small="" if found.median is None else "median of models, out of 7",
        change=words.signed(found.change),
        exempted=0,
        rows=[],
        facts=facts,
    )


def grid(
    frameworks: Sequence[Framework],
    lines: Sequence[Line],
    snapshots: Mapping[str, Snapshot | None],
    *,
    is_ranked: bool,
) -> list[Row]:
    """One row per team, by tier and then name, or by rank within peers."""
    ladders = [one for one in frameworks if isinstance(one, Ladder)]
    rubrics = [one for one in frameworks if isinstance(one, Rubric)]
    order: list[Tier | None] = [*Tier, None]
    ranks = _ranks(ladders, lines) if is_ranked else {}
    sorted_lines = sorted(
        lines,
        key=lambda line: (
            order.index(line.tier),
            ranks.get(line.slug, len(lines) + 1) if is_ranked else 0,
            line.team is None,
            line.team.name.lower() if line.team else "",
        ),
    )
    return [_row(line, ladders, rubrics, snapshots, ranks) for line in sorted_lines]


def _row(
    line: Line,
    ladders: Sequence[Ladder],
    rubrics: Sequence[Rubric],
    snapshots: Mapping[str, Snapshot | None],
    ranks: Mapping[str, int],
) -> Row:
    slug = line.slug or words.UNOWNED
    obstacles = reasons(line, snapshots)
    profile = next((ladder for ladder in ladders if ladder.rows), None)
    percents = [one.percent_to_target for one in line.rated.values() if one.percent_to_target is not None]
    targets = [
        f"{words.publisher(ladder)[0]}{line.rated[ladder.framework].target}"
        for ladder in ladders
        if line.rated[ladder.framework].target is not None
    ]
    first = ladders[0] if ladders else None
    return Row(
        line=line,
        name=line.team.name if line.team else "Unowned",
        tier=line.tier.label if line.tier else "",
        rank=str(ranks.get(line.slug, "")),
        target=" ".join(targets),
        levels=[level_cell(ladder, line.rated[ladder.framework], slug, obstacles) for ladder in ladders],
        rows=[_row_cell(profile, row.row, row.title, line.rated[profile.framework], slug) for row in profile.rows]
        if profile
        else [],
        sections=[
            _section_cell(rubric, section.section, section.title, line.rated[rubric.framework], slug)
            for rubric in rubrics[:1]
            for section in rubric.sections
        ],
        confidence=_confidence_cell(line, ladders, slug),
        percent=words.percent(min(percents)) if percents else "",
        spark=figures.sparkline(line.trend, float(first.top)) if first else "",
        obstacles=obstacles,
    )


def reasons(line: Line, snapshots: Mapping[str, Snapshot | None]) -> list[str]:
    """Why a team is not rated; empty when it is."""
    if line.is_rated:
        return []
    if not any(snapshots.values()):
        return [NO_SNAPSHOT]
    said = [text for one in line.rated.values() for text in one.rating.get("obstacles", ())]
    return list(dict.fromkeys(said)) or [NEW_TEAM]


def level_cell(ladder: Ladder, rated: Rated, slug: str, obstacles: Sequence[str]) -> Cell:
    href = f"/maturity/teams/{slug}?framework={ladder.framework}#criteria"
    if rated.level is None or not rated.is_rated:
        return Cell(
            text="–",  # noqa: RUF001
            words=f"{ladder.title}: not rated. {' '.join(obstacles)}",
            tone="unrated",
            shape="circle-dashed",
            href=href,
        )
    rating = rated.rating
    tone, shape = "plain", ""
    said = str(rating["says"])
    if rated.target is not None:
        is_met = rated.level >= rated.target
        tone, shape = ("met", "circle-check-filled") if is_met else ("below", "alert-triangle")
        said += f"; {'reaches' if is_met else 'below'} its target {rated.target}"
    if rating["is_provisional"]:
        said += "; provisional"
    asterisk = "*" if rating["proofs"]["exempted"] else ""
    return Cell(
        text=f"{rated.level}{asterisk}",
        words=f"{ladder.title}: {said}",
        tone=tone,
        shape=shape,
        href=href,
        is_unknown=(rating["possible"] or 0) > rated.level,
        is_provisional=rating["is_provisional"],
    )


def _row_cell(ladder: Ladder, row: str, title: str, rated: Rated, slug: str) -> Cell:
    href = f"/maturity/teams/{slug}?framework={ladder.framework}#row-{row}"
    found = next((one for one in rated.rating.get("rows", ()) if one["row"] == row), None)
    if found is None or not rated.is_rated:
        return Cell(text="–", words=f"{title}: not rated", tone="unrated", shape="circle-dashed", href=href)  # noqa: RUF001
    return Cell(
        text=str(found["level"]),
        words=f"{title}: level {found['level']}, possible {found['possible']}",
        tone="plain",
        shape="",
        href=href,
        is_unknown=found["possible"] > found["level"],
        is_provisional=rated.rating["is_provisional"],
    )


def _section_cell(rubric: Rubric, section: str, title: str, rated: Rated, slug: str) -> Cell:
    href = f"/maturity/teams/{slug}?framework={rubric.framework}#section-{section}"
    score = (rated.sections or {}).get(section)
    if score is None:
        return Cell(text="–", words=f"{title}: no score", tone="unrated", shape="circle-dashed", href=href)  # noqa: RUF001
    return Cell(
        text=f"{score:.1f}",
        words=f"{title}: {score:.1f} of 7, the middle of the team's models",
        tone="plain",
        shape="",
        href=href,
    )


def _confidence_cell(line: Line, ladders: Sequence[Ladder], slug: str) -> Cell:
    rated = [line.rated[ladder.framework] for ladder in ladders if line.rated[ladder.framework].is_rated]
    href = f"/maturity/teams/{slug}#confidence"
    if not rated:
        return Cell(text="–", words="No confidence: not rated", tone="unrated", shape="circle-dashed", href=href)  # noqa: RUF001
    lowest = min(rated, key=lambda one: float(one.rating["confidence"]))
    mark = words.BANDS[lowest.rating["band"]]
    return Cell(
        text=f"{lowest.rating['confidence']:.2f}",
        words=mark.word,
        tone=mark.tone,
        shape=mark.icon,
        href=href,
    )


def _ranks(ladders: Sequence[Ladder], lines: Sequence[Line]) -> dict[str, int]:
    """Places within peers of one tier: enough models, enough confidence, enough peers. Others have none."""
    if not ladders:
        return {}
    framework = ladders[0].framework
    peers: dict[Tier | None, list[tuple[float, str]]] = {}
    for line in lines:
        rated = line.rated[framework]
        if line.team is None or rated.scorecard is None or rated.scorecard.score is None:
            continue
        if line.models >= RANKED_MODELS and rated.rating["confidence"] >= MEDIUM_CONFIDENCE:
            peers.setdefault(line.tier, []).append((rated.scorecard.score, line.slug))
    found = {}
    for group in peers.values():
        if len(group) >= RANKED_PEERS:
            for score, slug in group:
                found[slug] = 1 + sum(other > score for other, _ in group)
    return found


def held(blockers: Sequence[Blocker]) -> list[Held]:
    most = max((one.models for one in blockers), default=1)
    return [
        Held(
            blocker=one,
            title=words.title(one.criterion),
            words=f"{one.failing} failing, {one.unknown} unknown",
            bar=[
                Segment(name="fail", count=one.failing, start=0.0, width=round(100 * one.failing / most, 2)),
                Segment(
                    name="unknown",
                    count=one.unknown,
                    start=round(100 * one.failing / most, 2),
                    width=round(100 * one.unknown / most, 2),
                ),
            ],
        )
        for one in blockers
    ]


def suggestions(
    frameworks: Sequence[Framework], snapshots: Mapping[str, Snapshot | None], lines: Sequence[Line]
) -> list[Suggestion]:
    says = {
        (one.framework, criterion.id): criterion.next_action
        for one in frameworks
        if isinstance(one, Ladder)
        for criterion in one.criteria
    }
    return [
        Suggestion(
            framework=framework,
            criterion=action.criterion,
            title=words.title(action.criterion),
            says=says.get((framework, action.criterion), ""),
            teams=action.teams,
            gain=action.gain,
            effort=words.EFFORTS[action.effort.value],
        )
        for framework, action in portfolio.next_actions(snapshots, lines)
    ]


def running(at: datetime) -> list[Running]:
    return [how_far(one, at) for one in records.initiatives(is_open=True)[:6]]


def running_of(team: Team) -> list[Running]:
    return [how_far(one, timezone.now()) for one in records.initiatives(is_open=True, team=team)]


def how_far(initiative: Initiative, at: datetime) -> Running:
    """An initiative with what is done: what it came to when it is closed, else as the newest snapshot has it."""
    done = records.progress(initiative) if initiative.result is None else Done(**initiative.result)
    return Running(
        initiative=initiative,
        done=done.done,
        asked=done.asked,
        percent=round(100 * done.done / done.asked) if done.asked else 0,
        days_left=(initiative.ends_on - at.date()).days,
    )


def confidence(lines: Sequence[Line]) -> dict[str, int]:
    """How many ratings are of high, medium and low confidence."""
    counts = {"high": 0, "medium": 0, "low": 0}
    for line in lines:
        for one in line.rated.values():
            if one.is_rated and "band" in one.rating and one.rating["band"] in counts:
                counts[one.rating["band"]] += 1
    return counts
