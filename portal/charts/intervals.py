"""A fairness finding as charts: the metric with its interval against the bound, and each group with its own."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString

from portal.charts import svg
from portal.charts.chart import Chart
from portal.charts.svg import Scale, element

WIDTH, LABELS, RIGHT, ROW, TOP, FOOT = 520.0, 150.0, 14.0, 24.0, 8.0, 22.0
# More groups than these stand in the table alone, the ones that matter least first.
DRAWN = 30
WORDS = {"maximum": "at most", "minimum": "at least"}


def charts(identity: str, measured: Mapping[str, Any], required: Mapping[str, Any]) -> list[Chart]:
    """The charts of a finding of the check `fairness`; none when nothing was measured."""
    if not measured.get("groups"):
        return []
    found = [_metric(identity, measured, required)] if measured.get("value") is not None else []
    measures = list(dict.fromkeys(group["measure"] for group in measured["groups"]))
    return found + [
        _groups(f"{identity}-{place}", measured, measure, required) for place, measure in enumerate(measures)
    ]


def words(name: str) -> str:
    return name.replace("_", " ")


def _metric(identity: str, measured: Mapping[str, Any], required: Mapping[str, Any]) -> Chart:
    side = next(name for name in WORDS if name in required)
    bound, value = float(required[side]), float(measured["value_judged"] or measured["value"])
    lower, upper = measured["lower"], measured["upper"]
    along = svg.scale(
        [value, *_finite(lower, upper)], RIGHT, WIDTH - RIGHT, holds=[0.0, bound, bound * 1.25 if bound else 0.1]
    )
    middle, bottom = TOP + 26.0, TOP + 44.0
    is_broken = (lower is not None and lower > bound) if side == "maximum" else (upper is not None and upper < bound)
    start, end = (along(bound), along.end) if side == "maximum" else (along.start, along(bound))
    said = _interval(value, lower, upper)
    drawn = svg.drawing(
        element("rect", x=start, y=TOP, width=max(0.0, end - start), height=bottom - TOP, class_="chart__beyond"),
        *svg.axis(along, TOP, bottom),
        element("line", x1=along(bound), x2=along(bound), y1=TOP - 4, y2=bottom, class_="chart__bound"),
        element(
            "text",
            f"{WORDS[side]} {bound:g}",
            x=along(bound) + (4 if along(bound) < WIDTH * 0.75 else -4),
            y=TOP + 7,
            text_anchor="start" if along(bound) < WIDTH * 0.75 else "end",
            class_="chart__bound-text",
        ),
        *_mark(along, middle, value, lower, upper, kind="fail" if is_broken else ""),
        identity=identity,
        title=f"{words(measured['metric'])} against its bound",
        description=f"{said}; it has to be {WORDS[side]} {bound:g}.",
        width=WIDTH,
        height=bottom + FOOT,
    )
    row = (
        words(measured["metric"]),
        svg.number(value),
        svg.number(lower),
        svg.number(upper),
        f"{WORDS[side]} {bound:g}",
    )
    return Chart(
        title=f"{words(measured['metric']).capitalize()} against its bound",
        caption=f"{said}. The shaded part is beyond the bound.",
        drawing=drawn,
        head=("Metric", "Value", "Lower", "Upper", "Required"),
        rows=(row,),
    )


def _groups(identity: str, measured: Mapping[str, Any], measure: str, required: Mapping[str, Any]) -> Chart:
    groups = [group for group in measured["groups"] if group["measure"] == measure]
    broken = _broken(measured, measure)
    drawn_groups = _chosen(groups, broken)
    values = [value for group in drawn_groups for value in _finite(group["value"], group["lower"], group["upper"])]
    bounded = all(0 <= value <= 1 for value in values)
    along = svg.scale(values, LABELS, WIDTH - RIGHT, holds=[0.0, 1.0] if bounded else [])
    bottom = TOP + ROW * len(drawn_groups)
    parts = [*svg.axis(along, TOP, bottom)]
    for place, group in enumerate(drawn_groups):
        middle = TOP + ROW * (place + 0.5)
        parts.append(svg.label(group["group"], 0, middle + 4, LABELS - 58))
        rows = f"{group['rows']:,}"
        parts.append(element("text", rows, x=LABELS - 10, y=middle + 4, text_anchor="end", class_="chart__soft"))
        kind = "small" if group["is_small"] else "fail" if group["group"] in broken else ""
        parts += _mark(along, middle, group["value"], group["lower"], group["upper"], kind=kind)
    left_out = len(groups) - len(drawn_groups)
    confidence = required.get("confidence")
    caption = f"{words(measure).capitalize()} of each group, with its number of rows"
    caption += f" and its interval at {confidence:.4g} confidence." if confidence else "."
    if any(group["group"] in broken for group in drawn_groups):
        caption += " Squares: in a comparison that breaks the bound."
    if any(group["is_small"] for group in drawn_groups):
        caption += " Hollow and dashed: too few rows to be judged."
    if left_out:
        caption += f" {left_out} more groups are in the table."
    return Chart(
        title=words(measure).capitalize(),
        caption=caption,
        drawing=svg.drawing(
            *parts,
            identity=identity,
            title=f"{words(measure)} by group",
            description="; ".join(
                f"{group['group']}: {_interval(group['value'], group['lower'], group['upper'])}"
                for group in drawn_groups
            ),
            width=WIDTH,
            height=bottom + FOOT,
        ),
        head=("Group", "Rows", "Value", "Lower", "Upper", "Judged"),
        rows=tuple(_row(group, broken) for group in groups),
    )


def _row(group: Mapping[str, Any], broken: frozenset[str]) -> tuple[str, ...]:
    judged = "too few rows" if group["is_small"] else "breaks the bound" if group["group"] in broken else "yes"
    numbers = (svg.number(group[name]) for name in ("value", "lower", "upper"))
    return (group["group"], f"{group['rows']:,}", *numbers, judged)


def _broken(measured: Mapping[str, Any], measure: str) -> frozenset[str]:
    """The groups of comparisons that break the bound, on both sides."""
    return frozenset(
        name
        for one in measured.get("breaking", [])
        if one["measure"] == measure
        for name in (one["group"], one["against"])
        if name is not None
    )


def _chosen(groups: Sequence[Mapping[str, Any]], broken: frozenset[str]) -> list[Mapping[str, Any]]:
    """Those that break the bound, then those with the most rows, in the order in which they came."""
    order = sorted(range(len(groups)), key=lambda place: (groups[place]["group"] not in broken, -groups[place]["rows"]))
    return [groups[place] for place in sorted(order[:DRAWN])]


def _mark(
    along: Scale, middle: float, value: float | None, lower: float | None, upper: float | None, *, kind: str
) -> Iterator[SafeString]:
    """The interval as a line, with ends where it has some, and the value as a shape."""
    modifier = f" chart__line--{kind}" if kind else ""
    if value is None:
        return
    start = along(along.lowest if lower is None else lower)
    end = along(along.highest if upper is None else upper)
    yield element("line", x1=start, x2=end, y1=middle, y2=middle, class_=f"chart__line{modifier}")
    for x, is_end in ((start, lower is not None), (end, upper is not None)):
        if is_end:
            yield element("line", x1=x, x2=x, y1=middle - 4, y2=middle + 4, class_=f"chart__line{modifier}")
    x = along(value)
    mark = f"chart__mark chart__mark--{kind}" if kind else "chart__mark"
    if kind == "fail":
        yield element("rect", x=x - 4.5, y=middle - 4.5, width=9, height=9, class_=mark)
    else:
        yield element("circle", cx=x, cy=middle, r=4.5, class_=mark)


def _interval(value: float | None, lower: float | None, upper: float | None) -> str:
    if value is None:
        return "not defined"
    return f"{svg.number(value)} ({svg.number(lower)} to {svg.number(upper)})"


def _finite(*values: float | None) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]
