"""What changed between two published snapshots: ratings and because of what, transfers, exemptions, catalogues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse

from assessments import editions, portfolio, records
from assessments.changes import Change
from assessments.editions import Break
from assessments.measures import limits
from assessments.measures.limits import LimitMoved
from assessments.models import Exemption, Snapshot
from assessments.portfolio import Line, Moved
from governance import selectors
from lineage import selectors as graph
from portal.maturity.criterion import PAGES
from portal.maturity.words import UNOWNED, UNOWNED_NAME

# Ratings on one page, and causes named of each change.
PAGE = 50
NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """A model that another team has now, with the teams' names; empty where nobody owns it."""

    model: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What watches a model raises its alerts at another limit now."""

    moved: LimitMoved
    name: str
    team: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Everything that changed since the published snapshot before, of these teams; changes of levels first."""

    moved: Sequence[Moved]
    transfers: Sequence[Transferred]
    exemptions: Sequence[Exemption]
    breaks: Sequence[tuple[str, Break]]
    limits: Sequence[Limit] = ()
    # Whether there was a published snapshot before to compare with.
    is_compared: bool = True

    @property
    def gained(self) -> int:
        return sum(one.is_gain for one in self._levels())

    @property
    def lost(self) -> int:
        return sum(not one.is_gain for one in self._levels())

    def _levels(self) -> list[Moved]:
        """Coming to be rated, or ceasing to be, is neither a gain nor a loss."""
        return [one for one in self.moved if one.level_moved and None not in {one.level_before, one.level_after}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An asset that came to be a miss of a criterion, or is one no longer; without an address when it is gone."""

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caused:
    """A change with the first of its causes by name."""

    change: Change
    appeared: Sequence[Cause]
    resolved: Sequence[Cause]


def movement(taken: Sequence[Snapshot], lines: Sequence[Line], *, at: datetime) -> Movement:
    """What changed up to these snapshots. Exemptions and transfers go by the first framework."""
    earlier = portfolio.before(taken[0]) if taken else None
    if earlier is None:
        return Movement(moved=[], transfers=[], exemptions=[], breaks=[], is_compared=False)
    teams = [line.team.pk if line.team else None for line in lines]
    changes = [one for snapshot in taken for one in portfolio.moved(snapshot, teams=teams)]
    return Movement(
        moved=sorted(changes, key=_weight),
        transfers=_transfers(taken[0], lines),
        exemptions=[one for one in records.exemptions_granted(earlier.as_of, at) if one.team_id in teams],
        breaks=[
            (snapshot.framework, one)
            for snapshot in taken
            for one in editions.breaks(snapshot.framework)
            if earlier.made_at < one.since <= snapshot.made_at
        ],
        limits=_limits(taken[0], earlier, lines),
    )


def _limits(snapshot: Snapshot, earlier: Snapshot, lines: Sequence[Line]) -> list[Limit]:
    """Limits of alerts on models of these teams."""
    found = limits.moved(earlier.as_of, snapshot.as_of)
    names = graph.named([one.model for one in found])
    owners = dict(snapshot.scorecards.filter(model__in=[one.model for one in found]).values_list("model", "team"))
    teams = {line.team.pk if line.team else None: line for line in lines}
    return [
        Limit(
            moved=one,
            name=names[one.model].name if one.model in names else str(one.model),
            team=line.team.name if line.team else UNOWNED_NAME,
            slug=line.slug or UNOWNED,
        )
        for one in found
        if (line := teams.get(owners[one.model]) if one.model in owners else None) is not None
    ]


def _weight(one: Moved) -> tuple[bool, bool, bool]:
    """Levels that were gained or lost first, then teams that came to be rated or ceased to be, then the rest."""
    return not one.level_moved, None in {one.level_before, one.level_after}, not one.is_gain


def _transfers(snapshot: Snapshot, lines: Sequence[Line]) -> list[Transferred]:
    """Models that came to or left one of these teams."""
    shown = {line.slug for line in lines}
    found = [one for one in portfolio.transfers(snapshot) if one.before in shown or one.after in shown]
    names = graph.named([UUID(one.model) for one in found])
    teams = dict(selectors.teams().values_list("slug", "name")) if found else {}
    return [
        Transferred(
            model=one.model,
            name=names[UUID(one.model)].name if UUID(one.model) in names else one.model,
            before=teams.get(one.before, ""),
            after=teams.get(one.after, ""),
        )
        for one in found
    ]


def caused(moved: Sequence[Moved]) -> list[tuple[Moved, list[Caused]]]:
    """The same with the names of what caused it."""
    uuids = {
        UUID(asset)
        for one in moved
        for change in one.changes
        for asset in (*change.appeared[:NAMED], *change.resolved[:NAMED])
    }
    known = {
        str(uuid): Cause(label=one.name, href=reverse(PAGES[one.what], args=[uuid]))
        for uuid, one in graph.named(uuids).items()
    }
    return [(one, [_caused(change, known) for change in one.changes]) for one in moved]


def _caused(change: Change, known: Mapping[str, Cause]) -> Caused:
    def causes(assets: Sequence[str]) -> list[Cause]:
        return [known.get(asset) or Cause(label=asset, href="") for asset in assets[:NAMED]]

    return Caused(change=change, appeared=causes(change.appeared), resolved=causes(change.resolved))


def context(found: Movement, *, number: int) -> dict[str, Any]:
    """A page of all changes."""
    first = (number - 1) * PAGE
    part = found.moved[first : first + PAGE]
    return {
        "movement": found,
        "rows": caused(part),
        "count": len(found.moved),
        "from": first + 1,
        "until": first + len(part),
        "number": number,
        "has_more": first + PAGE < len(found.moved),
    }
