"""The list of assets: what its address asks for, what is found, and how many each choice would give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from governance import selectors as governance_selectors
from governance.criticality import Tier
from lineage import decided, search, selectors, traces
from lineage.asof import Moment
from lineage.identity import Kind
from lineage.models import Asset
from lineage.search import Counts, Filters, Word
from policies import selectors as promotions
from portal import days, owners, paging, queries
from portal.days import Day
from portal.paging import Page

KIND_WORDS: Mapping[Kind, str] = {
    Kind.DATASET: "Datasets",
    Kind.MODEL: "Models",
    Kind.JOB: "Jobs",
    Kind.DEPLOYMENT: "Deployments",
    Kind.REPOSITORY: "Repositories",
}
# The choice of a team that stands for having none.
NOBODY = "nobody"
DAYS = {"1": "the last day", "7": "the last 7 days", "30": "the last 30 days", "365": "the last year"}
# What a list can be sorted by, and the columns that do it. Without one: the best match, or the order of arrival.
SORTS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "namespace", "id"),
    "-name": ("-name", "-namespace", "-id"),
    "seen": ("last_seen_at", "id"),
    "-seen": ("-last_seen_at", "-id"),
}
# More than these are not put in order: no index has a million names by name, and nobody pages through them.
MOST_SORTED = search.MOST_COUNTED
NOTE = "When something was last seen is told as of today."
NOTE_OF_UNSURE = " What kind {} had been said to be last cannot be told for sure."


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One choice of a filter, with how many it would give; no count where it is not counted."""

    value: str
    word: str
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The head of a column that sorts: where its link leads, and how the list stands by it now."""

    word: str
    query: str
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for, by the names of its parameters; empty where it asks for nothing."""

    text: str
    sort: str
    after: str
    narrowed: Mapping[str, str]
    day: Day

    @property
    def pairs(self) -> dict[str, str]:
        on = {"as_of": self.day.as_of, "known_at": self.day.known_at}
        said = {"q": self.text, **self.narrowed, "sort": self.sort, **on}
        return {name: value for name, value in said.items() if value}

    @property
    def query(self) -> str:
        return urlencode(self.pairs)

    @property
    def of_today(self) -> str:
        """The address of the same list as of now."""
        query = replace(self, day=days.TODAY).query
        return reverse("assets") + (f"?{query}" if query else "")

    def sorted_by(self, sort: str) -> str:
        return urlencode({name: value for name, value in self.pairs.items() if name != "sort"} | {"sort": sort})


def read(request: HttpRequest) -> Asked:
    """Raises Invalid, naming the parameter."""
    return Asked(
        text=queries.text(request, "q"),
        sort=queries.choice(request, "sort", set(SORTS)),
        after=queries.text(request, "after"),
        narrowed={
            "kind": queries.choice(request, "kind", set(Kind)),
            "team": queries.text(request, "team"),
            "owner": queries.text(request, "owner"),
            "changed": queries.choice(request, "changed", set(DAYS)),
            "tag": queries.text(request, "tag"),
            "tier": queries.choice(request, "tier", set(Tier)),
            "stage": queries.text(request, "stage"),
        },
        day=days.read(request),
    )


def context(asked: Asked) -> dict[str, Any]:
    """What the list shows. Raises NotFound for a team or owner that there is not."""
    moment = asked.day.moment
    filters = _filters(asked.narrowed, moment)
    wanted = search.meant(asked.text)
    counts = search.counts(wanted, filters)
    found, is_cut, is_sorted = _found(asked, wanted, filters, counts)
    unsure = traces.told(found.rows, moment).unsure
    return {
        "asked": asked,
        "text": asked.text,
        "is_narrowed": bool(asked.text or any(asked.narrowed.values())) or not moment.is_now,
        "day": asked.day,
        "day_note": NOTE + _note_of([asset.name for asset in found.rows if asset.uuid in unsure]),
        "back": asked.of_today,
        "replaced": [word for word in wanted or () if not word.is_as_asked],
        "total": counts.total,
        "are_minimums": counts.are_minimums,
        "is_cut": is_cut,
        "is_unsorted": bool(asked.sort) and not is_sorted,
        "most_sorted": MOST_SORTED,
        "page": owners.beside(found, moment),
        "query": asked.query,
        "choices": _choices(asked, counts),
        "columns": {"name": _column("Name", "name", asked), "seen": _column("Last seen", "seen", asked)},
    }


def _note_of(unsure: Sequence[str]) -> str:
    return NOTE_OF_UNSURE.format(", ".join(unsure)) if unsure else ""


def _filters(narrowed: Mapping[str, str], moment: Moment) -> Filters:
    team, owner, changed = narrowed["team"], narrowed["owner"], narrowed["changed"]
    at = moment.as_of or timezone.now()
    return Filters(
        moment=moment,
        kind=narrowed["kind"],
        team=governance_selectors.team(team) if team and team != NOBODY else None,
        owner=governance_selectors.user(owner) if owner else None,
        has_no_owner=team == NOBODY,
        changed_since=at - timedelta(days=int(changed)) if changed else None,
        tag=narrowed["tag"],
        tier=narrowed["tier"],
        among=promotions.passed_to(narrowed["stage"], decided.until(moment)) if narrowed["stage"] else None,
    )


def _stages() -> list[str]:
    return sorted(set(promotions.promotions(state="passed").order_by().values_list("stage", flat=True).distinct()))


def _found(asked: Asked, wanted: Sequence[Word] | None, filters: Filters, counts: Counts) -> tuple[Page, bool, bool]:
    """A page of what is found, whether not all of it was compared, and whether it is sorted as asked."""
    if wanted is not None:
        best = search.best(asked.text, wanted, filters)
        rows = selectors.in_order(best.ids)
        if asked.sort:
            rows = sorted(rows, key=lambda row: _key(row, asked.sort), reverse=asked.sort.startswith("-"))
        return _numbered(lambda begin, end: rows[begin:end], asked.after), best.is_cut, True
    matching = search.matching(None, filters)
    if asked.sort and counts.total < MOST_SORTED and not _is_minimum(counts):
        ordered = matching.order_by(*SORTS[asked.sort])
        return _numbered(lambda begin, end: list(ordered[begin:end]), asked.after), False, True
    return paging.by_id(matching, asked.after), False, not asked.sort


def _is_minimum(counts: Counts) -> bool:
    return sum(counts.kinds.values()) >= MOST_SORTED


def _key(asset: Asset, sort: str) -> tuple[Any, ...]:
    return (asset.name, asset.namespace, asset.pk) if sort.endswith("name") else (asset.last_seen_at, asset.pk)


def _numbered(rows: Callable[[int, int], Sequence[Asset]], after: str) -> Page:
    """A page of what has an order of its own: its cursor is how many rows come before it."""
    begin = paging.whole(after) if after else 0
    found = rows(begin, begin + paging.SIZE + 1)
    return (
        paging.cut(found, lambda row: str(begin + paging.SIZE), after, paging.SIZE)
        if found
        else Page([], "", not after)
    )


def _choices(asked: Asked, counts: Counts) -> dict[str, list[Choice]]:
    teams = [Choice(value=slug, word=slug, count=count) for slug, count in counts.teams.items()]
    return {
        "kind": [
            Choice(value=str(kind), word=word, count=counts.kinds.get(kind, 0)) for kind, word in KIND_WORDS.items()
        ],
        "team": _with_chosen(
            [Choice(value=NOBODY, word="No owner", count=counts.without_owner), *teams], asked.narrowed["team"]
        ),
        "changed": [Choice(value=value, word=word, count=None) for value, word in DAYS.items()],
        "tier": [Choice(value=str(tier), word=tier.label, count=counts.tiers.get(tier, 0)) for tier in Tier],
        "tag": _with_chosen(
            [Choice(value=tag, word=tag, count=count) for tag, count in counts.tags.items()], asked.narrowed["tag"]
        ),
        "stage": _with_chosen(
            [Choice(value=stage, word=stage, count=None) for stage in _stages()], asked.narrowed["stage"]
        ),
    }


def _with_chosen(choices: list[Choice], chosen: str) -> list[Choice]:
    """The choices, and the one that was made though it would give nothing now."""
    if not chosen or any(choice.value == chosen for choice in choices):
        return choices
    return [*choices, Choice(value=chosen, word=chosen, count=0)]


def _column(word: str, name: str, asked: Asked) -> Column:
    """A first click sorts names from A and times from the newest, a second the other way."""
    up, down = name, f"-{name}"
    first, second = (down, up) if name == "seen" else (up, down)
    order = {up: "ascending", down: "descending"}.get(asked.sort, "none")
    return Column(word=word, query=asked.sorted_by(second if asked.sort == first else first), order=order)
