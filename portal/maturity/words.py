"""Words and marks for what scorecards say. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assessments.framework import Framework, Ladder
from portal import marks
from portal.marks import ALERT, CROSS, QUESTION, TICK, Mark

# What nobody owns, in addresses: no team has this slug.
UNOWNED = "-"
UNOWNED_NAME = "Unowned"
TEST_ID = re.compile(r"^[a-z]+-[a-z]+-\d+-")

STATUSES: Mapping[str, Mark] = {
    "pass": Mark(word="Pass", icon=TICK, tone="pass"),
    "fail": Mark(word="Fail", icon=CROSS, tone="fail"),
    "unknown": Mark(word="Unknown", icon=QUESTION, tone="unknown"),
    "expired": Mark(word="Expired", icon="hourglass", tone="unknown"),
    "not_applicable": Mark(word="Not applicable", icon="circle-minus", tone="neutral"),
    "exempted": Mark(word="Exempted", icon="circle-minus", tone="neutral"),
}
ITEM_STATES: Mapping[str, Mark] = {
    "true": Mark(word="Is so", icon=ALERT, tone="fail"),
    "false": Mark(word="Not so", icon=CROSS, tone="fail"),
    "unknown": Mark(word="Unknown", icon=QUESTION, tone="unknown"),
}
STANDINGS: Mapping[str, Mark] = {
    "waiting": Mark(word="Waits for review", icon="hourglass", tone="unknown"),
    "accepted": Mark(word="Accepted", icon=TICK, tone="pass"),
    "rejected": Mark(word="Rejected", icon=CROSS, tone="fail"),
    "expired": Mark(word="Expired", icon="hourglass", tone="unknown"),
    "lapsed": Mark(word="Lapsed", icon=ALERT, tone="fail"),
}
OUTCOMES: Mapping[str, Mark] = {
    "": Mark(word="Running", icon="player-play", tone="running"),
    "met": Mark(word="Met", icon=TICK, tone="pass"),
    "missed": Mark(word="Missed", icon=CROSS, tone="fail"),
    "ended": Mark(word="Ended early", icon="player-stop-filled", tone="neutral"),
}
BANDS: Mapping[str, Mark] = {
    "high": Mark(word="High confidence", icon=TICK, tone="pass"),
    "medium": Mark(word="Medium confidence", icon="circle-dashed", tone="neutral"),
    "low": Mark(word="Low confidence", icon=QUESTION, tone="unknown"),
}
RELEASES: Mapping[bool | None, Mark] = {
    True: Mark(word="Failed", icon=CROSS, tone="fail"),
    False: Mark(word="Held", icon=TICK, tone="pass"),
    None: Mark(word="Unknown", icon=QUESTION, tone="unknown"),
}
EXTENTS: Mapping[str, str] = {
    "none": "None of them",
    "some": "Some",
    "at_least_half": "At least half",
    "most_or_all": "Most or all",
}
EFFORTS: Mapping[str, str] = {"s": "small", "m": "medium", "l": "large"}
PROOFS: Mapping[str, str] = {
    "machine": "measured",
    "rule_in_force": "rule in force",
    "reviewed_answer": "reviewed answer",
    "none": "nothing yet",
}


def title(criterion: str) -> str:
    """A criterion's id as words: google-named-owner is "Named owner", mlts-data-1-units is "Units"."""
    short = TEST_ID.sub("", criterion) if TEST_ID.match(criterion) else criterion.partition("-")[2] or criterion
    said = short.replace("-", " ")
    return said[:1].upper() + said[1:]


def publisher(framework: Framework) -> str:
    """The first word of a framework's title, for where there is little room."""
    return framework.title.split()[0]


def last(title: str) -> str:
    """The last word of a title, where there is little room."""
    return title.split()[-1].capitalize()


def level_name(framework: Framework, level: int | None) -> str:
    if not isinstance(framework, Ladder) or level is None:
        return ""
    return next((one.name for one in framework.levels if one.level == level), "")


def mark_of(result: Mapping[str, Any]) -> Mark:
    """The mark of one stored result, of a criterion or of a test."""
    if "points" in result:
        return mark_of_points(result)
    if result.get("is_exempted"):
        return STATUSES["exempted"]
    return marks.mark(STATUSES, result["status"])


def mark_of_points(result: Mapping[str, Any]) -> Mark:
    """A test's points: what is still possible counts as unknown, never as nothing."""
    if not result["is_applicable"]:
        return STATUSES["exempted"]
    points = result["points"]
    if points == 1:
        return Mark(word="1 point", icon=TICK, tone="pass")
    if points:
        return Mark(word="½ point", icon="circle-dashed", tone="neutral")
    if result["possible"]:
        return Mark(word="Unknown", icon=QUESTION, tone="unknown")
    return Mark(word="0 points", icon=CROSS, tone="fail")


def counted(result: Mapping[str, Any]) -> str:
    """The numbers of a result in words: "1 of 3, 1 unknown". Empty where nothing was counted: its reason says why."""
    items = result.get("items")
    if not items:
        return ""
    all_items = items["true"] + items["false"] + items["unknown"]
    if not all_items:
        # An answer, or why there is nothing to count.
        return ""
    known = f"{items['true']:,} of {all_items:,}"
    unknown = f", {items['unknown']:,} unknown" if items["unknown"] else ""
    return known + unknown


def needed(result: Mapping[str, Any], *, is_at_least: bool) -> str:
    """How many items the threshold asks for: "needed 2 of 2"."""
    items = result.get("items")
    if result.get("needed") is None or not items:
        return ""
    all_items = items["true"] + items["false"] + items["unknown"]
    word = "needed" if is_at_least else "allowed"
    return f"{word} {result['needed']:,} of {all_items:,}" if all_items else ""


def percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} %"


def signed(value: float | None) -> str:
    """A change with its sign, as a typographer writes it."""
    if value is None:
        return ""
    return "±0" if abs(value) < 0.005 else f"{'+' if value > 0 else '−'}{abs(value):.2f}"  # noqa: RUF001


def tile_facts(tile: Any) -> str:
    """The small print of a tile, of a team or of all teams, in one line."""
    said = []
    if tile.small and tile.steps:
        said.append(f"ladder score {tile.small}")
    elif tile.small:
        said.append(tile.small)
    if getattr(tile, "index", ""):
        said.append(f"index {tile.index} of 100")
    if getattr(tile, "target", None) is not None:
        said.append(f"target {tile.target}" + (f", {tile.percent} done" if tile.percent else ""))
    if getattr(tile, "is_provisional", False):
        said.append("provisional")
    said += [fact for fact in (getattr(tile, "note", ""), *getattr(tile, "facts", ())) if fact]
    return "; ".join(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A measure of delivery: its value, what that rests on, and of which releases (`part`) both are made."""

    name: str
    value: str
    rests: str
    part: str


def delivered(document: Mapping[str, Any] | None) -> list[Outcome]:
    """How changes reach production. Unknown is said, never left as a zero."""
    if not document:
        return []
    fails, rework = document["change_fail_rate"], document["rework_rate"]
    lead, a_year, recovery = (
        _spread(document["lead_days"], "days", "releases"),
        _spread(document["releases_a_year"], "", "models"),
        _spread(document["recovery_hours"], "hours", "failures"),
    )
    failed = f"{document['failed']:,} of {document['known']:,} known"
    reworked = f"{document['reworked']:,} of {document['releases']:,} releases"
    return [
        Outcome(name="Lead time", value=lead[0], rests=lead[1], part="lead"),
        Outcome(name="Releases a year", value=a_year[0], rests=a_year[1], part="models"),
        Outcome(
            name="Change fail rate", value="unknown" if fails is None else f"{fails:.0%}", rests=failed, part="known"
        ),
        Outcome(name="Time to recover", value=recovery[0], rests=recovery[1], part="recovered"),
        Outcome(name="Rework", value="unknown" if rework is None else f"{rework:.0%}", rests=reworked, part="reworked"),
    ]


def _spread(said: Mapping[str, Any], unit: str, items: str) -> tuple[str, str]:
    if said["median"] is None:
        return "unknown", f"no {items}"
    quarters = f"{said['lower']:.3g} to {said['upper']:.3g}"
    return f"{said['median']:.3g} {unit}".strip(), f"quarters {quarters}, {said['items']:,} {items}"
