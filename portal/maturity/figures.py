"""Numbers as small drawings: cells of levels, lines over time, stacked bars. Only geometry; the style is CSS. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

SPARK_WIDTH, SPARK_HEIGHT = 96.0, 22.0
# How long the line of a single point is.
SINGLE = 8.0
CHART_WIDTH, CHART_HEIGHT = 640.0, 180.0
LEFT, BOTTOM, TOP, RIGHT = 34.0, 22.0, 10.0, 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One cell of a level bar. Proven is solid, possible is hatched, the rest is empty."""

    level: int
    name: str
    state: Literal["proven", "possible", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a stacked bar, in hundredths of its width."""

    name: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    x: float
    y: float
    label: str
    is_restated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A line over time with its axes. `breaks` are places where the catalogue changed and the line is cut."""

    lines: tuple[str, ...]
    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    breaks: tuple[Tick, ...] = ()
    goal: float | None = None
    width: float = CHART_WIDTH
    height: float = CHART_HEIGHT

    @property
    def is_restated(self) -> bool:
        """Whether facts that came late have changed a point of it."""
        return any(dot.is_restated for dot in self.dots)

    @property
    def foot(self) -> float:
        """Where the labels of the times stand."""
        return self.height - 6.0


def steps(names: Sequence[str], level: int | None, possible: int | None) -> list[Step]:
    """The cells of a framework's levels, level 0 first."""
    return [
        Step(
            level=number,
            name=name,
            state="proven"
            if level is not None and number <= level
            else "possible"
            if possible is not None and number <= possible
            else "open",
        )
        for number, name in enumerate(names)
    ]


def stacked(counts: Sequence[tuple[str, int]]) -> list[Segment]:
    """Parts of a whole, in the given order, those of nothing left out."""
    whole = sum(count for _, count in counts)
    found, start = [], 0.0
    for name, count in counts:
        if count:
            width = 100 * count / whole
            found.append(Segment(name=name, count=count, start=round(start, 2), width=round(width, 2)))
            start += width
    return found


def proven(counts: Mapping[str, int]) -> list[Segment]:
    """What gating criteria rest on, as `scoring.ProofBar` names its parts."""
    return stacked(
        [
            ("machine", counts["machine"]),
            ("reviewed", counts["reviewed"]),
            ("unknown", counts["unknown"]),
            ("exempt", counts["exempted"]),
        ]
    )


def sparkline(points: Sequence[tuple[datetime, float, str]], top: float) -> list[str]:
    """The points of a line in a box of SPARK_WIDTH by SPARK_HEIGHT, cut where the catalogue version changes.

    A single point is a short level line.
    """
    if not points:
        return []
    first, last = points[0][0], points[-1][0]
    span = (last - first).total_seconds() or 1.0
    room = SPARK_HEIGHT - 4
    lines: dict[str, list[tuple[float, float]]] = {}
    for at, value, version in points:
        x = 2 + (SPARK_WIDTH - SINGLE - 4) * (at - first).total_seconds() / span
        lines.setdefault(version, []).append((x, 2 + room * (1 - min(value / (top or 1), 1.0))))
    for line in lines.values():
        if len(line) == 1:
            line.append((line[0][0] + SINGLE, line[0][1]))
    return [" ".join(f"{x:.0f},{y:.0f}" for x, y in line) for line in lines.values()]


def over_time(
    points: Sequence[tuple[datetime, float, str]],
    top: float,
    *,
    y_labels: Sequence[tuple[float, str]],
    begin: datetime | None = None,
    end: datetime | None = None,
    versions: Sequence[str] = (),
    restated: Collection[datetime] = (),
    goal: float | None = None,
    is_stepped: bool = True,
    height: float = CHART_HEIGHT,
) -> Chart | None:
    """A chart of values with the words for each point; None without points. Where `versions` change it is cut."""
    if not points:
        return None
    begin, end = begin or points[0][0], end or points[-1][0]
    span = max((end - begin).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return round(LEFT + (CHART_WIDTH - LEFT - RIGHT) * max(0.0, min(1.0, (at - begin).total_seconds() / span)), 1)

    def y(value: float) -> float:
        return round(height - BOTTOM - (height - BOTTOM - TOP) * min(value / (top or 1), 1.0), 1)

    lines: list[list[str]] = [[]]
    breaks = []
    for place, (at, value, _) in enumerate(points):
        if versions and place and versions[place] != versions[place - 1]:
            lines.append([])
            breaks.append(Tick(at=x(at), label=versions[place]))
        if is_stepped and lines[-1]:
            lines[-1].append(f"{x(at)},{y(points[place - 1][1])}")
        lines[-1].append(f"{x(at)},{y(value)}")
    middle = begin + (end - begin) / 2
    return Chart(
        lines=tuple(" ".join(line) for line in lines if line),
        dots=tuple(Dot(x=x(at), y=y(value), label=label, is_restated=at in restated) for at, value, label in points),
        x_ticks=tuple(Tick(at=x(at), label=f"{at.day} {at:%b %Y}") for at in (begin, middle, end)),
        y_ticks=tuple(Tick(at=y(value), label=label) for value, label in y_labels),
        breaks=tuple(breaks),
        goal=y(goal) if goal is not None else None,
        height=height,
    )
