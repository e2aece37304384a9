"""The grid of the leadership page: one line per team, a number with a shape in each cell, each cell a link.

There are thousands of cells on a page, so a cell says only what its number, its row and its column do not say already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from assessments import portfolio
from assessments.framework import Framework, Ladder, Rubric
from assessments.models import Snapshot
from assessments.portfolio import Line, Rated, Steps
from assessments.scoring import MEDIUM_CONFIDENCE, Action
from governance.criticality import Tier
from portal.maturity import figures, words

TOP_SCORE = 7
RANKED_MODELS, RANKED_PEERS = 5, 5
# Teams on one page.
PAGE = 75
NO_SNAPSHOT = "No snapshot has been taken yet."
NEW_TEAM = "The team came after this snapshot."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number of the portfolio: in figures, with a shape, and in words what these do not tell on their own."""

    text: str
    href: str
    words: str = ""
    tone: str = "plain"
    shape: str = ""
    target: str = ""
    # From 0 to 4, how much of the most that can be is reached; None where there is no number.
    heat: int | None = None
    is_unknown: bool = False
    is_provisional: bool = False
    # On a phone only some cells are there: those that are kept, and narrow ones, which are nowhere else.
    place: Literal["", "kept", "narrow"] = ""

    @property
    def is_drawn(self) -> bool:
        """Whether it says something by shape or pattern, which is to be heard as well."""
        return bool(self.shape or self.target or self.is_unknown or self.is_provisional)


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
    # Gating criteria of which nothing is known, over all frameworks of levels; None where nobody looked.
    unknown: int | None
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
    part: slice = slice(None),
) -> list[Row]:
    """One row per team, by tier and then name, or by rank within peers; of all, or of a part of them."""
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
    return [_row(line, ladders, rubrics, snapshots, steps, ranks) for line in sorted_lines[part]]


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
    proofs = [said for ladder in ladders if (said := line.rated[ladder.framework].rating.get("proofs"))]
    return Row(
        line=line,
        name=line.team.name if line.team else "Unowned",
        tier=line.tier.label if line.tier else "",
        rank=str(ranks.get(line.slug, "")),
        held=[_held(ladder, line.rated[ladder.framework], slug, obstacles) for ladder in ladders],
        sections=[
            _section_cell(rubric, section.section, line.rated[rubric.framework], slug)
            for rubric in rubrics[:1]
            for section in rubric.sections
        ],
        confidence=_confidence_cell(line, ladders, slug),
        unknown=sum(one["unknown"] for one in proofs) if proofs else None,
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
        rows=[_row_cell(ladder, row.row, rated, slug) for row in ladder.rows],
    )


def _change_cell(ladder: Ladder, rated: Rated, slug: str) -> Cell:
    href = f"/maturity/teams/{slug}?framework={ladder.framework}#trend-title"
    if rated.change is None:
        return Cell(text="–", words="nothing to compare with 90 days before", tone="unrated", href=href)  # noqa: RUF001
    text = words.signed(rated.change)
    tone = "plain" if text.startswith("±") else "rise" if rated.change > 0 else "fall"
    return Cell(text=text, tone=tone, href=href)


def _stands(line: Line, ladders: Sequence[Ladder]) -> str:
    """Why a rated team has no next step: nothing is left, but the published level may wait for a second snapshot."""
    cards = [(one.level, one.scorecard.level) for ladder in ladders if (one := line.rated[ladder.framework]).scorecard]
    waits = any(shown is not None and level is not None and level > shown for shown, level in cards)
    return "awaits the next snapshot" if waits else "nothing left"


def _step(first: tuple[str, Action] | None) -> Step | None:
    if first is None:
        return None
    framework, action = first
    return Step(framework=framework, criterion=action.criterion, title=words.title(action.criterion))


def level_cell(ladder: Ladder, rated: Rated, slug: str, obstacles: Sequence[str]) -> Cell:
    href = f"/maturity/teams/{slug}?framework={ladder.framework}#criteria"
    if rated.level is None or not rated.is_rated:
        return Cell(
            text="–",  # noqa: RUF001
            words="not rated",
            tone="unrated",
            shape="circle-dashed",
            href=href,
            place="narrow" if obstacles else "kept",
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
        words=said,
        tone=tone,
        shape=shape,
        target=target,
        heat=_heat(rated.level, ladder.top),
        href=href,
        is_unknown=(rating["possible"] or 0) > rated.level,
        is_provisional=rating["is_provisional"],
        place="kept",
    )


def _row_cell(ladder: Ladder, row: str, rated: Rated, slug: str) -> Cell:
    href = f"/maturity/teams/{slug}?framework={ladder.framework}#row-{row}"
    found = next((one for one in rated.rating.get("rows", ()) if one["row"] == row), None)
    if found is None or not rated.is_rated:
        return Cell(text="–", words="not rated", tone="unrated", href=href)  # noqa: RUF001
    possible = found["possible"] if found["possible"] > found["level"] else None
    return Cell(
        text=str(found["level"]),
        words=_row_words(found["level"], possible, is_provisional=rated.rating["is_provisional"]),
        heat=_heat(found["level"], ladder.top),
        href=href,
        is_unknown=possible is not None,
        is_provisional=rated.rating["is_provisional"],
    )


def _row_words(level: int, possible: int | None, *, is_provisional: bool) -> str:
    """What pattern and line say; empty where there is neither."""
    said = [f"up to {possible} if unknowns resolve"] if possible is not None else []
    said += ["provisional"] if is_provisional else []
    return ", ".join([str(level), *said]) if said else ""


def _section_cell(rubric: Rubric, section: str, rated: Rated, slug: str) -> Cell:
    href = f"/maturity/teams/{slug}?framework={rubric.framework}#section-{section}"
    score = (rated.sections or {}).get(section)
    if score is None or not rated.is_rated:
        return Cell(text="–", words="no score", tone="unrated", href=href)  # noqa: RUF001
    return Cell(text=f"{score:.1f}", heat=_heat(score, TOP_SCORE), href=href)


def _heat(value: float, top: float) -> int:
    return max(0, min(4, int(4 * value / top)))


def _confidence_cell(line: Line, ladders: Sequence[Ladder], slug: str) -> Cell:
    rated = [line.rated[ladder.framework] for ladder in ladders if line.rated[ladder.framework].is_rated]
    href = f"/maturity/teams/{slug}#confidence"
    if not rated:
        return Cell(text="–", words="not rated", tone="unrated", href=href)  # noqa: RUF001
    lowest = min(rated, key=lambda one: float(one.rating["confidence"]))
    mark = words.BANDS[lowest.rating["band"]]
    return Cell(
        text=f"{lowest.rating['confidence']:.2f}",
        words=f"{lowest.rating['confidence']:.2f}, {mark.word.lower()}",
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
