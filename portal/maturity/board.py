"""The leadership page: three tiles, one line per team, what holds back, what moved, what to do, how sure it is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from assessments import delivery, portfolio, records
from assessments.burnup import Done
from assessments.framework import Framework, Ladder, Rubric
from assessments.models import Initiative, Snapshot
from assessments.portfolio import Blocker, Line, Steps
from governance import selectors
from governance.models import Team
from portal.maturity import figures, moving, words
from portal.maturity.figures import Segment, Step
from portal.maturity.grid import PAGE, grid

SHORT = 8
SHOWN_INITIATIVES = 6


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
    # Open ones that have taken it up: their sponsors answer for it, until their last days.
    initiatives: Sequence[Initiative]


def context(
    *, as_of: datetime | None, tier: str, is_daily: bool, is_ranked: bool, number: int | None = None
) -> dict[str, Any]:
    """What the leadership page shows, of one moment; with a page of the teams, or with all of them."""
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
    proofs = portfolio.proofs(lines)
    steps = portfolio.steps(snapshots, lines)
    under_way = list(records.initiatives(is_open=True))
    rubrics = [one for one in frameworks if isinstance(one, Rubric)]
    part = slice(None) if number is None else slice((number - 1) * PAGE, number * PAGE)
    rows = grid(frameworks, lines, snapshots, steps, is_ranked=is_ranked, part=part)
    return {
        "frameworks": frameworks,
        "snapshots": taken,
        "numbers": [(words.publisher(one), found) for one in frameworks if (found := snapshots[one.framework])],
        "catalogues": sorted({one.catalogue_version for one in taken}),
        "at": at,
        "is_taken": bool(taken),
        "tiles": [tile(one, lines, snapshots[one.framework]) for one in frameworks],
        "heads": heads(frameworks),
        # Of how many columns the levels, rows and sections are.
        "span": sum(2 + len(one.rows) for one in frameworks if isinstance(one, Ladder))
        + sum(len(one.sections) for one in rubrics[:1]),
        "rubric": rubrics[0] if rubrics else None,
        "sections_of": rubrics[0].sections if rubrics else (),
        "has_tiers": any(line.tier for line in lines),
        "grid": rows,
        "team_count": len(lines),
        "from": (part.start or 0) + 1,
        "until": (part.start or 0) + len(rows),
        "number": number,
        "has_more": part.stop is not None and part.stop < len(lines),
        "blockers": held(portfolio.blockers(snapshots, teams=pks)),
        "movement": moving.movement(taken, lines, at=now),
        "exemptions": list(records.exemptions_in_force(now)),
        "actions": suggestions(frameworks, steps, under_way),
        "initiatives": [how_far(one, now) for one in under_way[:SHOWN_INITIATIVES]],
        "proofs": proofs,
        "proof_bar": figures.proven(asdict(proofs)),
        "lapsing": list(records.lapsing_soon(now)),
        "outcomes": words.delivered(delivery.of_all(as_of=now)),
        "silent": selectors.silent_senders(now - records.SILENT) if as_of is None else [],
        "confidence": confidence(lines),
        "rated": sum(line.is_rated for line in lines),
    }


def heads(frameworks: Sequence[Framework]) -> list[tuple[str, str, Sequence[tuple[str, str]]]]:
    """Of each framework of levels: its title, its publisher, and its rows with the last word of each."""
    return [
        (one.title, words.publisher(one), [(row.title, _short(row.title)) for row in one.rows])
        for one in frameworks
        if isinstance(one, Ladder)
    ]


def _short(title: str) -> str:
    """The last word of a row's title, cut where a column would become wide."""
    word = words.last(title)
    return word if len(word) <= SHORT else f"{word[: SHORT - 2]}."


def tile(framework: Framework, lines: Sequence[Line], snapshot: Snapshot | None) -> Tile:
    """A framework of levels as a bar of its levels, a rubric by its lowest section."""
    if isinstance(framework, Rubric):
        return _rubric_tile(framework, lines, snapshot)
    found = portfolio.summary(framework, lines, snapshot)
    names = [level.name for level in framework.levels]
    facts = [] if found.rated == found.teams else [f"{found.rated} of {found.teams} rated"]
    if found.lowest is not None:
        facts.append(f"lowest {found.lowest}")
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
    facts = [] if found.scored == found.models else [f"{found.scored} of {found.models} scored"]
    if found.lowest is not None:
        facts.append(f"lowest {found.lowest:.1f}")
    if found.deciding:
        facts.append(f"decided by {title[found.deciding].lower()}")
    return Tile(
        framework=rubric.framework,
        title=rubric.title,
        steps=[],
        big="–" if found.median is None else f"{found.median:.1f}",  # noqa: RUF001
        name=portfolio.band(rubric, found.median) or "Not rated",
        small="" if found.median is None else "median model, of 7",
        change=words.signed(found.change),
        exempted=0,
        rows=[],
        facts=facts,
    )


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


def suggestions(frameworks: Sequence[Framework], steps: Steps, under_way: Sequence[Initiative]) -> list[Suggestion]:
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
            initiatives=taken_up(under_way, framework, action.criterion),
        )
        for framework, action in portfolio.next_actions(steps)
    ]


def taken_up(under_way: Sequence[Initiative], framework: str, criterion: str) -> list[Initiative]:
    """Those that are to bring a criterion about, the first to end first."""
    return [one for one in under_way if one.framework == framework and criterion in one.criteria]


def ending_of(team: Team) -> list[Running]:
    """The team's initiatives that come due."""
    now = timezone.now()
    return [how_far(one, now) for one in records.ending_soon(now.date(), team=team)]


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
