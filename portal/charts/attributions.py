"""A finding on explanations as charts: how much each feature moves the answers, and which way by its value."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString

from portal.charts import svg
from portal.charts.chart import Chart
from portal.charts.svg import Scale, element

WIDTH, LABELS, RIGHT, TOP, FOOT = 520.0, 150.0, 56.0, 8.0, 22.0
BAR, SWARM = 20.0, 34.0
DRAWN, SWARMS = 15, 12
# How many dots fit on top of one another, and how far they are apart.
PILE, APART = 7, 4.4
ROLES = {"forbidden": "forbidden", "protected": "protected", "proxies": "proxy"}
THIRDS = ("low", "middle", "high", "unknown")


def charts(identity: str, measured: Mapping[str, Any]) -> list[Chart]:
    """The charts of a finding of the check `explanations`; none when nothing was measured."""
    features = measured.get("features")
    if not features:
        return []
    found = [_bars(f"{identity}-bars", features)]
    if any(feature["spread"] for feature in features):
        found.append(_swarm(f"{identity}-swarm", measured))
    return found


def _role(feature: Mapping[str, Any]) -> str:
    """The one that weighs most; empty for a feature that no rule names."""
    return next((word for role, word in ROLES.items() if role in feature["roles"]), "")


def _bars(identity: str, features: Sequence[Mapping[str, Any]]) -> Chart:
    shown = features[:DRAWN]
    along = svg.Scale(lowest=0.0, highest=shown[0]["mean_absolute"] or 1.0, start=LABELS, end=WIDTH - RIGHT)
    bottom = TOP + BAR * len(shown)
    parts: list[SafeString] = [_patterns(identity)]
    for place, feature in enumerate(shown):
        y, role = TOP + BAR * place + 3, _role(feature)
        length = along(feature["mean_absolute"]) - LABELS
        parts.append(svg.label(feature["feature"], 0, y + 11, LABELS - 12))
        parts.append(element("rect", x=LABELS, y=y, width=length, height=BAR - 6, class_="chart__bar"))
        if role:
            fill = f"url(#{identity}-{role})"
            parts.append(element("rect", x=LABELS, y=y, width=length, height=BAR - 6, fill=fill))
        parts.append(element("text", f"{feature['share']:.1%}", x=LABELS + length + 6, y=y + 11, class_="chart__soft"))
    roles = [role for role in ROLES.values() if any(_role(feature) == role for feature in shown)]
    parts += _key(identity, roles, bottom + 8)
    more = f" {len(features) - len(shown)} more features are in the table." if len(features) > len(shown) else ""
    return Chart(
        title="What moves the answers",
        caption=f"Mean size of attributions, as the share of all.{more}",
        drawing=svg.drawing(
            *parts,
            identity=identity,
            title="Mean size of attributions by feature",
            description="; ".join(f"{feature['feature']}: {feature['share']:.1%}" for feature in shown),
            width=WIDTH,
            height=bottom + (FOOT if roles else 4),
        ),
        head=("Feature", "Share", "Mean size", "Mean", "Named as"),
        rows=tuple(
            (
                feature["feature"],
                f"{feature['share']:.2%}",
                svg.number(feature["mean_absolute"], 4),
                svg.number(feature["mean"], 4),
                _role(feature) or "-",
            )
            for feature in features
        ),
    )


def _patterns(identity: str) -> SafeString:
    """Hatching that tells roles apart without colour."""
    lines = {
        "forbidden": "M0 0L6 6M6 0L0 6",
        "protected": "M-1 5L5 -1M1 7L7 1",
        "proxy": "M3 3h0.01",
    }
    return element(
        "defs",
        *(
            element(
                "pattern",
                element("path", d=line, class_="chart__pattern", stroke_linecap="round"),
                id=f"{identity}-{role}",
                width=6,
                height=6,
                patternUnits="userSpaceOnUse",
            )
            for role, line in lines.items()
        ),
    )


def _key(identity: str, roles: Sequence[str], y: float) -> Iterator[SafeString]:
    x = LABELS
    for role in roles:
        for fill in (None, f"url(#{identity}-{role})"):
            yield element(
                "rect", x=x, y=y, width=18, height=9, class_="chart__bar" if fill is None else None, fill=fill
            )
        yield element("text", role, x=x + 23, y=y + 8, class_="chart__soft")
        x += 40 + len(role) * svg.CHARACTER


def _swarm(identity: str, measured: Mapping[str, Any]) -> Chart:
    shown = [feature for feature in measured["features"] if feature["spread"]][:SWARMS]
    lowest, highest = float(measured["lowest"]), float(measured["highest"])
    along = svg.scale([lowest, highest], LABELS, WIDTH - 14, holds=[0.0])
    bottom = TOP + SWARM * len(shown)
    parts = [*svg.axis(along, TOP, bottom)]
    parts.append(element("line", x1=along(0), x2=along(0), y1=TOP, y2=bottom, class_="chart__axis"))
    for place, feature in enumerate(shown):
        middle = TOP + SWARM * (place + 0.5)
        parts.append(svg.label(feature["feature"], 0, middle + 4, LABELS - 12))
        parts += _dots(feature["spread"], along, lowest, highest, middle)
    y = bottom + 32
    x = LABELS
    parts.append(element("text", "feature's value:", x=LABELS - 10, y=y + 4, text_anchor="end", class_="chart__soft"))
    for third in THIRDS:
        if any(part[THIRDS.index(third)] for feature in shown for part in feature["spread"]):
            parts += _path(third, [(x + 4, y)])
            parts.append(element("text", third, x=x + 12, y=y + 4, class_="chart__soft"))
            x += 28 + len(third) * svg.CHARACTER
    described = "; ".join(f"{feature['feature']}: {_direction(feature)}" for feature in shown)
    return Chart(
        title="Which way, by the feature's value",
        caption=(
            "Each dot stands for some of the rows, at the attribution they have: right of 0 it raised the answer. "
            "Rings: a low third of the feature's values; full dots: a high one."
        ),
        drawing=svg.drawing(
            *parts,
            identity=identity,
            title="Attributions by feature and value",
            description=described,
            width=WIDTH,
            height=y + 12,
        ),
        head=("Feature", "High values", "Mean of low", "Mean of high"),
        rows=tuple(
            (feature["feature"], _direction(feature), *(svg.number(mean) for mean in _means(feature, measured)))
            for feature in shown
        ),
    )


def _dots(
    spread: Sequence[Sequence[int]], along: Scale, lowest: float, highest: float, middle: float
) -> Iterator[SafeString]:
    """Piles of dots, the largest as high as there is room: a dot stands for as many rows as that takes."""
    most = max(sum(part) for part in spread) or 1
    each = max(1.0, most / PILE)
    places: dict[str, list[tuple[float, float]]] = {third: [] for third in THIRDS}
    for number, part in enumerate(spread):
        x = along(lowest + (number + 0.5) / len(spread) * (highest - lowest))
        pile = [third for third, count in zip(THIRDS, part, strict=True) for _ in range(_count(count, each))]
        for height, third in enumerate(pile):
            places[third].append((x, middle + ((len(pile) - 1) / 2 - height) * APART))
    for third in THIRDS:
        if places[third]:
            yield from _path(third, places[third])


def _count(rows: int, each: float) -> int:
    """At least one dot for any rows at all."""
    return max(1, round(rows / each)) if rows else 0


def _path(third: str, places: Sequence[tuple[float, float]]) -> Iterator[SafeString]:
    """Dots as points of one line with round ends: one element however many there are. Low ones are rings."""
    points = "".join(f"M{x:.1f} {y:.1f}h0.01" for x, y in places)
    yield element("path", d=points, class_=f"chart__dot chart__dot--{third}")
    if third == "low":
        yield element("path", d=points, class_="chart__dot-inside")


def _sums(feature: Mapping[str, Any], third: int) -> tuple[int, float]:
    """Rows of a third, and the mean of the parts of the range that they lie in."""
    rows = sum(part[third] for part in feature["spread"])
    place = sum(number * part[third] for number, part in enumerate(feature["spread"]))
    return rows, (place / rows if rows else math.nan)


def _direction(feature: Mapping[str, Any]) -> str:
    (low_rows, low), (high_rows, high) = _sums(feature, 0), _sums(feature, 2)
    if not low_rows or not high_rows:
        return "not known"
    if abs(high - low) < 1:
        return "neither way"
    return "raise the answer" if high > low else "lower the answer"


def _means(feature: Mapping[str, Any], measured: Mapping[str, Any]) -> Iterator[float | None]:
    """About, from the middles of the parts."""
    width = (measured["highest"] - measured["lowest"]) / measured["parts"]
    for third in (0, 2):
        rows, place = _sums(feature, third)
        yield measured["lowest"] + (place + 0.5) * width if rows else None
