"""What a bench gives: figures, each beside a floor or a peer measured in the same run, and their table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import median
from typing import Any


class Better(StrEnum):
    """Which way a metric is good."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What a figure is compared with, and what that did in the same run."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure has to be. `value` is a minimum where more is better and a maximum where less is."""

    value: float | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `ratio` says how many times better than the peer it is, so more is always better.

    `holds` is None where nothing was asked, and where something was asked but not measured.
    """

    name: str
    metric: str
    value: float | None
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    target: str | None = None
    holds: bool | None = None
    runs: tuple[float, ...] = ()
    note: str | None = None


def measured(
    name: str,
    metric: str,
    values: Sequence[float],
    unit: str,
    *,
    better: Better = Better.MORE,
    peer: Peer | None = None,
    target: Target | None = None,
    note: str | None = None,
) -> Row:
    """The row of one metric: the median of its runs, against the median of the peer's."""
    value = median(values)
    peer_value = median(peer.values) if peer else None
    return Row(
        name=name,
        metric=metric,
        value=value,
        unit=unit,
        peer=peer.name if peer else None,
        peer_value=peer_value,
        ratio=_ratio(value, peer_value, better),
        target=_words(target, unit, better),
        holds=_holds(value, _ratio(value, peer_value, better), target, better),
        runs=tuple(values),
        note=note,
    )


def not_measured(
    name: str,
    metric: str,
    unit: str,
    reason: str,
    *,
    better: Better = Better.MORE,
    peer: str | None = None,
    target: Target | None = None,
) -> Row:
    """A row that says why there is no figure. It never counts as reached."""
    return Row(
        name=name,
        metric=metric,
        value=None,
        unit=unit,
        peer=peer,
        target=_words(target, unit, better),
        note=f"not measured: {reason}",
    )


def _ratio(value: float, peer_value: float | None, better: Better) -> float | None:
    if peer_value is None:
        return None
    numerator, denominator = (value, peer_value) if better is Better.MORE else (peer_value, value)
    return numerator / denominator if denominator else None


def _holds(value: float, ratio: float | None, target: Target | None, better: Better) -> bool | None:
    """Whether all that was asked holds. Without the peer that a ratio needs, nobody knows."""
    if target is None or (target.value is None and target.ratio is None):
        return None
    answers = []
    if target.value is not None:
        answers.append(value >= target.value if better is Better.MORE else value <= target.value)
    if target.ratio is not None:
        if ratio is None:
            return False if False in answers else None
        answers.append(ratio >= target.ratio)
    return all(answers)


def _words(target: Target | None, unit: str, better: Better) -> str | None:
    if target is None:
        return None
    words = []
    if target.value is not None:
        words.append(f"{'>=' if better is Better.MORE else '<='} {number(target.value)} {unit}")
    if target.ratio is not None:
        words.append(f">= {number(target.ratio)} of the peer")
    return ", ".join(words) or None


def number(value: float | None) -> str:
    """A figure with as many digits as mean something."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def as_document(rows: Iterable[Row], machine: Mapping[str, Any]) -> dict[str, Any]:
    """All of it for a machine to read."""
    return {"machine": machine, "rows": [asdict(row) for row in rows]}


def as_table(rows: Sequence[Row]) -> str:
    """All of it for a person to read; what did not reach its target is marked by a word."""
    head = ("bench", "metric", "value", "unit", "peer", "ratio", "target", "holds")
    body = [
        (
            row.name,
            row.metric,
            number(row.value),
            row.unit,
            f"{row.peer}: {number(row.peer_value)}" if row.peer and row.peer_value is not None else row.peer or "",
            number(row.ratio) if row.ratio is not None else "",
            row.target or "",
            _verdict(row),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *body)
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"  {row.name}, {row.metric}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, *(["", "Notes:", *notes] if notes else [])])


def _verdict(row: Row) -> str:
    if row.target is None:
        return ""
    if row.holds is None:
        return "unknown"
    return "yes" if row.holds else "NO"


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed, by nearest rank: one that occurred."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("A percentile of nothing is not a number.")
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]
