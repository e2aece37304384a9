"""Rules of one policy that contradict each other, by the place where the second of them stands. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from governance.yamldocuments import Document, Error, Path
from policies import rules
from policies.checks.base import Mode
from policies.selection import Rule

# Parameters that say what is bounded, wherever a check has them.
ABOUT = (
    "metric",
    "segment",
    "segments",
    "evidence",
    "label",
    "prediction",
    "score",
    "sensitive",
    "column",
    "columns",
    "condition",
)


def find(said: Mapping[int, Rule], document: Document) -> list[Error]:
    """The same rule twice, and bounds of two rules that nothing can keep together. Rules come by their place."""
    return [*_same_twice(said, document), *_impossible_bounds(said, document)]


def _same_twice(said: Mapping[int, Rule], document: Document) -> Iterator[Error]:
    first: dict[str, int] = {}
    for number, rule in said.items():
        key = rules.key(rule.check.id, msgspec.to_builtins(rule.parameters))
        before = first.setdefault(key, number)
        if before == number:
            continue
        line = _line(before, document)
        if said[before].mode is rule.mode:
            yield document.error(_path(number), f"is the same rule as the one in line {line}")
        else:
            modes = f"in the mode {rule.mode} here and {said[before].mode} there"
            says = f"asks the same as the rule in line {line}, {modes}"
            yield document.error((*_path(number), "mode"), says)


def _impossible_bounds(said: Mapping[int, Rule], document: Document) -> Iterator[Error]:
    lowest: dict[bytes, tuple[float, int]] = {}
    highest: dict[bytes, tuple[float, int]] = {}
    for number, rule in said.items():
        if rule.mode is Mode.OFF:
            continue
        bounded = about(rule)
        low, high = (getattr(rule.parameters, name, None) for name in ("minimum", "maximum"))
        if low is not None and bounded in highest and low > highest[bounded][0]:
            bound, before = highest[bounded]
            says = f"{low:g} is above the maximum of {bound:g} in line {_line(before, document)}: nothing keeps both"
            yield document.error((*_path(number), "minimum"), says)
        if high is not None and bounded in lowest and high < lowest[bounded][0]:
            bound, before = lowest[bounded]
            says = f"{high:g} is below the minimum of {bound:g} in line {_line(before, document)}: nothing keeps both"
            yield document.error((*_path(number), "maximum"), says)
        if low is not None and (bounded not in lowest or low > lowest[bounded][0]):
            lowest[bounded] = (low, number)
        if high is not None and (bounded not in highest or high < highest[bounded][0]):
            highest[bounded] = (high, number)


def about(rule: Rule) -> bytes:
    """What a rule bounds, as far as its parameters say."""
    told = {name: getattr(rule.parameters, name) for name in ABOUT if hasattr(rule.parameters, name)}
    return msgspec.json.encode([rule.check.id, told], order="deterministic")


def _path(number: int) -> Path:
    return ("rules", number)


def _line(number: int, document: Document) -> int:
    return document.error(_path(number), "").line
