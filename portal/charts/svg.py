"""SVG from Python: elements, scales, and the look on paper.

On pages `static/css/chart.css` gives classes their colours, in light and dark. Paper has a style sheet within the SVG,
since the printer looks at no other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe

# What a character of a label is wide, about, in units of the drawing.
CHARACTER = 5.9
PRINT = """
text { font-family: "Inter Latin", "Inter Latin Ext", "DejaVu Sans", sans-serif; font-size: 11px; fill: #18202b }
.chart__soft { fill: #586373; font-size: 10px }
.chart__grid { stroke: #e1e5ea }
.chart__axis { stroke: #7f8b9b }
.chart__bound { stroke: #b01f2e; stroke-width: 1.5 }
.chart__bound-text { fill: #b01f2e; font-size: 10px }
.chart__beyond { fill: #b01f2e; fill-opacity: 0.12 }
.chart__line { stroke: #28509f; stroke-width: 2 }
.chart__line--fail { stroke: #b01f2e }
.chart__line--small { stroke: #7f8b9b; stroke-dasharray: 3 2 }
.chart__mark { fill: #28509f }
.chart__mark--fail { fill: #b01f2e }
.chart__mark--small { fill: #ffffff; stroke: #586373; stroke-width: 1.5 }
.chart__bar { fill: #28509f }
.chart__pattern { stroke: #ffffff; stroke-width: 1.6; fill: none }
.chart__dot { stroke: #28509f; stroke-width: 4; stroke-linecap: round; fill: none }
.chart__dot--low { stroke: #28509f }
.chart__dot--middle { stroke: #8c7aa9 }
.chart__dot--high { stroke: #b0452f }
.chart__dot--unknown { stroke: #9ba6b5 }
.chart__dot-inside { stroke: #ffffff; stroke-width: 1.8; stroke-linecap: round; fill: none }
"""


def element(name: str, *inside: SafeString | str, **attributes: object) -> SafeString:
    """An element; underscores in names of attributes stand for hyphens, and at the end for nothing. Text is escaped."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_word(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    content = "".join(part if isinstance(part, SafeString) else escape(part) for part in inside)
    # Every value above is escaped.
    return mark_safe(f"<{name}{said}>{content}</{name}>")  # noqa: S308


def _word(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def drawing(
    *inside: SafeString, identity: str, title: str, description: str, width: float, height: float
) -> SafeString:
    """The whole: an image with a title and a description for those who do not see it. `identity` is one of its page."""
    return element(
        "svg",
        element("title", title, id=f"{identity}-title"),
        element("desc", description, id=f"{identity}-description"),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        class_="chart",
        viewBox=f"0 0 {_word(float(width))} {_word(float(height))}",
        role="img",
        aria_labelledby=f"{identity}-title",
        aria_describedby=f"{identity}-description",
    )


def for_print(drawn: SafeString) -> SafeString:
    """The same with its own style sheet."""
    opening, rest = drawn.split(">", 1)
    # Both halves come from `drawing`.
    return mark_safe(f"{opening}><style>{PRINT}</style>{rest}")  # noqa: S308


def fitted(text: str, width: float) -> str:
    """As much of a label as has room, its middle left out: both ends tell names apart."""
    room = max(4, int(width / CHARACTER))
    if len(text) <= room:
        return text
    head = room // 2
    return f"{text[:head]}…{text[-(room - head - 1) :]}"


def label(text: str, x: float, y: float, width: float, **attributes: object) -> SafeString:
    """A label that tells all of its text when it is pointed at."""
    short = fitted(text, width)
    more = (element("title", text),) if short != text else ()
    return element("text", *more, short, x=x, y=y, **attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From values to places along an axis."""

    lowest: float
    highest: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.lowest), self.highest)
        return self.start + (inside - self.lowest) / (self.highest - self.lowest) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values, about so many."""
        step = _round_step((self.highest - self.lowest) / about)
        first = math.ceil(self.lowest / step - 1e-9)
        count = math.floor(self.highest / step + 1e-9) - first + 1
        return [(first + place) * step for place in range(count)]


def scale(values: Sequence[float], start: float, end: float, *, holds: Sequence[float] = ()) -> Scale:
    """One that has room for the finite values and for those it has to hold."""
    known = [value for value in (*values, *holds) if math.isfinite(value)] or [0.0, 1.0]
    lowest, highest = min(known), max(known)
    if lowest == highest:
        lowest, highest = lowest - 0.5, highest + 0.5
    step = _round_step((highest - lowest) / 5)
    return Scale(
        lowest=math.floor(lowest / step + 1e-9) * step,
        highest=math.ceil(highest / step - 1e-9) * step,
        start=start,
        end=end,
    )


def _round_step(step: float) -> float:
    """The next larger of 1, 2, 5 and their multiples by ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def number(value: float | None, digits: int = 3) -> str:
    """A value as people read it."""
    return "-" if value is None else f"{value:.{digits}g}" if value else "0"


def axis(along: Scale, top: float, bottom: float) -> list[SafeString]:
    """Lines at round values from top to bottom, and their numbers below."""
    parts = []
    for tick in along.ticks():
        x = along(tick)
        parts.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="chart__grid"))
        parts.append(element("text", number(tick), x=x, y=bottom + 14, text_anchor="middle", class_="chart__soft"))
    return parts
