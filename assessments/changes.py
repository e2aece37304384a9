"""What moved between two scorecards, and because of what. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One criterion whose status moved, with the misses that came and went. Empty words: it was not there then."""

    criterion: str
    before: str
    after: str
    appeared: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


def between(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Change]:
    """The criteria that moved, in the order of the newer list, then those that are gone."""
    was = {result["criterion"]: result for result in before}
    found = []
    for result in after:
        earlier = was.pop(result["criterion"], None)
        if earlier is None:
            found.append(Change(criterion=result["criterion"], before="", after=_word(result)))
            continue
        if _word(earlier) == _word(result):
            continue
        old, new = _misses(earlier), _misses(result)
        found.append(
            Change(
                criterion=result["criterion"],
                before=_word(earlier),
                after=_word(result),
                appeared=tuple(asset for asset in new if asset not in old),
                resolved=tuple(asset for asset in old if asset not in new),
            )
        )
    found += [Change(criterion=name, before=_word(result), after="") for name, result in was.items()]
    return found


def _word(result: Mapping[str, Any]) -> str:
    """A criterion's status, or the points of a test."""
    return str(result["status"] if "status" in result else result["points"])


def _misses(result: Mapping[str, Any]) -> list[str]:
    return [miss["asset"] for miss in result.get("misses", ())]
