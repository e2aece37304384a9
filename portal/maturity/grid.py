"""The grid of the leadership page: one line per team, a number with a shape in each cell, each cell a link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assessments import portfolio
from assessments.framework import Framework, Ladder, Rubric
from assessments.models import Snapshot
from assessments.portfolio import Line, Rated, Steps
from assessments.scoring import MEDIUM_CONFIDENCE, Action
from governance.criticality import Tier
from portal.maturity import figures, words

TOP_SCORE = 7
RANKED_MODELS, RANKED_PEERS = 5, 5
NO_SNAPSHOT = "No snapshot has been taken yet."
NEW_TEAM = "The team came after this snapshot."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number of the portfolio: in figures, with a shape, and in words for those who do not see it."""

    text: str
    words: str
    tone: str
    shape: str
    href: str = ""
    target: str = ""
    # From 0 to 4, how much of the most that can be is reached; None where there is no number.
    heat: int | None = None
    is_unknown: bool = False
    is_provisional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A team by one framework of levels: its level, what that changed by in 90 days, and the rows of a profile."""

    cell: Cell
    change: Cell
    rows: Sequence[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a team does best next."""

    framework: str
    criterion: str
    title: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One team in the grid."""

    line: Line
    name: str
    tier: str
    rank: str
    held: Sequence[Holding]
    sections: Sequence[Cell]
    confidence: Cell
    # Gating criteria of which nothing is known, over all frameworks of levels.
    unknown: int
    step: Step | None
    # Said where there is no step.
    stands: str
    percent: str
    spark: Sequence[str]
    obstacles: Sequence[str]


def grid(
    frameworks: Sequence[Framework],
    lines: Sequence[Line],
    snapshots: Mapping[str, Snapshot | None],
    steps: Steps,
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
    return [_row(line, ladders, rubrics, snapshots, steps, ranks) for line in sorted_lines]


def _row(
    line: Line,
    ladders: Sequence[Ladder],
    rubrics: Sequence[Rubric],
    snapshots: Mapping[str, Snapshot | None],
    steps: Steps,
    ranks: Mapping[str, int],
) -> Row:
    slug = line.slug or words.UNOWNED
    obstacles = reasons(line, snapshots)
    percents = [one.percent_to_target for one in line.rated.values() if one.percent_to_target is not None]
    first = ladders[0] if ladders else None
    return Row(
        line=line,
        name=line.team.name if line.team else "Unowned",
        tier=line.tier.label if line.tier else "",
        rank=str(ranks.get(line.slug, "")),
        held=[_held(ladder, line.rated[ladder.framework], slug, obstacles) for ladder in ladders],
        sections=[
            _section_cell(rubric, section.section, section.title, line.rated[rubric.framework], slug)
            for rubric in rubrics[:1]
            for section in rubric.sections
        ],
        confidence=_confidence_cell(line, ladders, slug),
        unknown=sum(line.rated[ladder.framework].rating.get("proofs", {}).get("unknown", 0) for ladder in ladders),
        step=_step(portfolio.first_step(steps, line.slug)) if line.team else None,
        stands=_stands(line, ladders),
        percent=words.percent(min(percents)) if percents else "",
        spark=figures.sparkline(line.trend, float(first.top)) if first else [],
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


def _held(ladder: Ladder, rated: Rated, slug: str, obstacles: Sequence[str]) -> Holding:
    return Holding(
        cell=level_cell(ladder, rated, slug, obstacles),
        change=_change_cell(ladder, rated, slug),
        rows=[_row_cell(ladder, row.row, row.title, rated, slug) for row in ladder.rows],
    )


def _change_cell(ladder: Ladder, rated: Rated, slug: str) -> Cell:
    href = f"/maturity/teams/{slug}?framework={ladder.framework}#trend-title"
    if rated.change is None:
        said = "nothing to compare with 90 days before"
        return Cell(text="–", words=f"{ladder.title}: {said}", tone="unrated", shape="", href=href)  # noqa: RUF001
    text = words.signed(rated.change)
    tone = "plain" if text.startswith("±") else "rise" if rated.change > 0 else "fall"
    return Cell(text=text, words=f"{ladder.title}: ladder score {text} in 90 days", tone=tone, shape="", href=href)


def _stands(line: Line, ladders: Sequence[Ladder]) -> str:
    """Why a rated team has no next step: nothing is left, but the published level may wait for a second snapshot."""
    cards = [(one.level, one.scorecard.level) for ladder in ladders if (one := line.rated[ladder.framework]).scorecard]
    waits = any(shown is not None and level is not None and level > shown for shown, level in cards)
    return "awaits the next snapshot" if waits else "nothing left"


def _step(first: tuple[str, Action] | None) -> Step | None:
    if first is None:
        return None
    framework, action = first
    return Step(framework=framework, criterion=action.criterion, title=words.title(action.criterion), says=action.says)


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
    said, target = str(rating["says"]), ""
    if rated.target is not None:
        is_met = rated.level >= rated.target
        tone, shape = ("met", "circle-check-filled") if is_met else ("below", "alert-triangle")
        said += f"; {'reaches' if is_met else 'below'} its target {rated.target}"
        target = str(rated.target)
    if rating["is_provisional"]:
        said += "; provisional"
    asterisk = "*" if rating["proofs"]["exempted"] else ""
    return Cell(
        text=f"{rated.level}{asterisk}",
        words=f"{ladder.title}: {said}",
        tone=tone,
        shape=shape,
        target=target,
        heat=_heat(rated.level, ladder.top),
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
        heat=_heat(found["level"], ladder.top),
        href=href,
        is_unknown=found["possible"] > found["level"],
        is_provisional=rated.rating["is_provisional"],
    )


def _section_cell(rubric: Rubric, section: str, title: str, rated: Rated, slug: str) -> Cell:
    href = f"/maturity/teams/{slug}?framework={rubric.framework}#section-{section}"
    score = (rated.sections or {}).get(section)
    if score is None or not rated.is_rated:
        return Cell(text="–", words=f"{title}: no score", tone="unrated", shape="circle-dashed", href=href)  # noqa: RUF001
    return Cell(
        text=f"{score:.1f}",
        words=f"{title}: {score:.1f} of 7, the middle of the team's models",
        tone="plain",
        shape="",
        heat=_heat(score, TOP_SCORE),
        href=href,
    )


def _heat(value: float, top: float) -> int:
    return max(0, min(4, int(4 * value / top)))


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
