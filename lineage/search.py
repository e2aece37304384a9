"""Finding assets: by words with slips of the pen, by kind, team, owner, tag, tier, and what changed.

A word that no name holds is replaced by the most similar words that names do hold (`lineage.words`); names are then
found by their trigrams. Looking for similar names among all would take seconds where names are alike.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import BooleanField, Exists, F, FloatField, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Left
from django.utils import timezone

from governance import selectors as governance_selectors
from governance.models import Classification, Ownership, Team, User
from lineage import decided, selectors, traces, words
from lineage.asof import NOW, Moment
from lineage.fieldmodels import AssetTag
from lineage.models import Asset, AssetVersion, FacetDocument, FacetSighting

# Of more names than these that hold the words, not all are compared.
MOST_RANKED = 300
MOST_COUNTED = 10_000
MOST_OWNERS_COUNTED = 1_000
MOST_WORDS = 8
MOST_NAMESPACES = 2_000
# Swapped letters cost a short word most of its trigrams, so many are looked at and `words.nearest` decides.
SIMILAR_WORDS = 40
LEAST_SIMILARITY = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which assets. `changed_since`: new since then, or with a version or facets that are.

    `tag`: with a tag of that key, of its own or of a field, whoever set it. `among`: none but these. `moment`: as they
    stood then.
    """

    kind: str = ""
    team: Team | None = None
    owner: User | None = None
    has_no_owner: bool = False
    namespace: str | None = None
    name: str | None = None
    changed_since: datetime | None = None
    tag: str = ""
    tier: str = ""
    among: frozenset[UUID] | None = None
    moment: Moment = NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word that was asked for, and what was looked for: itself or the words it may have meant, in names, and the
    namespaces that hold it, by their beginnings."""

    asked: str
    meant: tuple[str, ...]
    namespaces: tuple[str, ...] = ()

    @property
    def is_in_index(self) -> bool:
        """Whether trigrams find it: all that it may mean is long enough."""
        return all(len(known) >= words.SHORTEST for known in self.meant)

    @property
    def is_as_asked(self) -> bool:
        """Whether nothing was put in its place."""
        return self.meant == (self.asked,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Ids, the best matches first. `is_cut`: there were more than MOST_RANKED, of which not all were compared."""

    ids: list[int]
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many match, for each choice of a filter, the other filters applied.

    At most MOST_COUNTED assets are looked at, and the owners, tiers and tags of MOST_OWNERS_COUNTED.
    """

    total: int
    kinds: dict[str, int]
    teams: dict[str, int]
    without_owner: int
    tiers: dict[str, int]
    tags: dict[str, int]
    are_minimums: bool


def meant(text: str) -> list[Word] | None:
    """The words of a text as they are to be looked for; None when it is blank."""
    if not text.strip():
        return None
    asked = words.asked(text)[:MOST_WORDS]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(LEAST_SIMILARITY)])
        cursor.execute(
            """
            SELECT asked.word, known.word FROM unnest(%(asked)s::text[]) AS asked (word) CROSS JOIN LATERAL (
                SELECT word FROM lineage_word
                WHERE word %% asked.word
                  AND NOT EXISTS (SELECT FROM lineage_word whole WHERE whole.word LIKE '%%' || asked.word || '%%')
                ORDER BY similarity(word, asked.word) DESC, word LIMIT %(most)s
            ) AS known
            """,
            {
                "asked": [word for word in asked if len(word) >= words.SHORTEST and word.isalpha()],
                "most": SIMILAR_WORDS,
            },
        )
        similar: dict[str, list[str]] = {}
        for word, known in cursor.fetchall():
            similar.setdefault(word, []).append(known)
        namespaces = _namespaces(cursor, asked)
    return [
        Word(
            asked=word,
            # A word that a namespace holds is no slip.
            meant=tuple(words.nearest(word, similar[word]) if word in similar and not namespaces[word] else ())
            or (word,),
            namespaces=namespaces[word],
        )
        for word in asked
    ]


def _namespaces(cursor: CursorWrapper, asked: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The namespaces that hold each word. There are few of them: the index is asked for one after the other."""
    cursor.execute(
        """
        WITH RECURSIVE space (name) AS (
            (SELECT left(namespace, 200) FROM lineage_asset ORDER BY left(namespace, 200) LIMIT 1)
            UNION ALL
            SELECT (SELECT left(namespace, 200) FROM lineage_asset WHERE left(namespace, 200) > space.name
                    ORDER BY left(namespace, 200) LIMIT 1)
            FROM space WHERE space.name IS NOT NULL)
        SELECT name FROM space WHERE name IS NOT NULL LIMIT %s
        """,
        [MOST_NAMESPACES],
    )
    known = [name for (name,) in cursor.fetchall()]
    return {word: tuple(name for name in known if word in name.lower()) for word in asked}


def matching(wanted: Sequence[Word] | None, filters: Filters) -> QuerySet[Asset]:
    """The assets whose names hold all words, in no order. A text without any word matches none, no text all."""
    # What is only a name is there for those who type it.
    moment = filters.moment
    with_names = wanted is not None or filters.name is not None
    found = selectors.listed(kind=filters.kind, with_names=with_names, moment=moment)
    if wanted is not None and not wanted:
        found = found.none()
    if any(word.namespaces for word in wanted or ()):
        found = found.alias(space=Left("namespace", 200))
    for word in wanted or ():
        any_of = Q()
        for known in word.meant:
            any_of |= Q(_like(f"%{known}%"))
        if word.namespaces:
            any_of |= Q(space__in=word.namespaces)
        found = found.filter(any_of)
    if filters.namespace is not None:
        found = found.filter(namespace=filters.namespace)
    if filters.name is not None:
        found = found.filter(name=filters.name)
    if filters.changed_since is not None:
        found = found.filter(_changed_since(filters.changed_since, moment))
    if filters.tag:
        found = found.filter(_tagged(filters.tag, moment))
    if filters.tier:
        at = decided.until(moment) or timezone.now()
        said = Classification.objects.at(at).filter(asset=OuterRef("uuid"), tier=filters.tier)
        found = found.filter(Exists(said))
    if filters.among is not None:
        found = found.filter(uuid__in=filters.among)
    return _owned(found, filters)


def best(text: str, wanted: Sequence[Word], filters: Filters) -> Found:
    """The assets that match what was meant by the text, those whose names are most like it first."""
    if not wanted:
        return Found(ids=[], is_cut=False)
    spelt = " ".join(word.meant[0] for word in wanted)
    like = Func(F("name"), Value(spelt), function="similarity", output_field=FloatField())
    with transaction.atomic(), connection.cursor() as cursor:
        # Where not all can be compared, the same ones are each time: those that lie first in the table. Names that hold
        # a word may all lie at its end, so it is not read from its beginning where the index can tell.
        cursor.execute(
            "SELECT set_config('synchronize_seqscans', 'off', true), "
            "set_config('max_parallel_workers_per_gather', '0', true), set_config('enable_seqscan', %s, true)",
            ["off" if any(word.is_in_index for word in wanted) else "on"],
        )
        pool = list(matching(wanted, filters).values_list("pk", like, "name")[: MOST_RANKED + 1])
    # Whoever types a whole name looks for it, however many names contain it.
    exact = matching(None, filters).filter(name=text.strip()).values_list("pk", flat=True)[:MOST_RANKED]
    ranked = {pk: (-likeness, len(name), pk) for pk, likeness, name in pool[:MOST_RANKED]}
    ranked |= {pk: (-2.0, 0, pk) for pk in exact}
    return Found(ids=sorted(ranked, key=ranked.__getitem__), is_cut=len(pool) > MOST_RANKED)


def counts(wanted: Sequence[Word] | None, filters: Filters) -> Counts:
    """How many assets match, by kind, team, tier and tag (those of people), and without an owner."""
    if wanted is not None and not wanted:
        return Counts(total=0, kinds={}, teams={}, without_owner=0, tiers={}, tags={}, are_minimums=False)
    at = decided.until(filters.moment) or timezone.now()
    kinds = _counted(matching(wanted, replace(filters, kind="")), filters.moment)
    some = _some(wanted, replace(filters, team=None, owner=None, has_no_owner=False))
    owners = _owners(filters.moment).filter(asset__in=some)
    pairs = set(owners.values_list("asset", "team__slug"))
    is_owner_free = filters.team is None and filters.owner is None and not filters.has_no_owner
    of_any_tier = some if is_owner_free and not filters.tier else _some(wanted, replace(filters, tier=""))
    tiers = Classification.objects.at(at).filter(asset__in=of_any_tier).exclude(tier="").values_list("tier", flat=True)
    tags = _set_by_people(filters.moment, asset__in=some).values_list("asset", "key").distinct()
    return Counts(
        total=kinds.get(filters.kind, 0) if filters.kind else sum(kinds.values()),
        kinds=_largest_first(kinds),
        teams=_largest_first(Counter(team for _, team in pairs)),
        without_owner=len(some) - len({asset for asset, _ in pairs}),
        tiers=_largest_first(Counter(tiers)),
        tags=_largest_first(Counter(key for _, key in tags)),
        are_minimums=sum(kinds.values()) >= MOST_COUNTED or len(some) >= MOST_OWNERS_COUNTED,
    )


def _some(wanted: Sequence[Word] | None, filters: Filters) -> list[UUID]:
    return list(matching(wanted, filters).values_list("uuid", flat=True)[:MOST_OWNERS_COUNTED])


def _counted(found: QuerySet[Asset], moment: Moment) -> dict[str, int]:
    """How many are of each kind. Grouped outside the limit, which a queryset could do by a second look-up only."""
    kind = F("kind") if moment.is_now else traces.kinds(moment)
    try:
        statement, parameters = found.values_list(kind)[:MOST_COUNTED].query.sql_with_params()
    except EmptyResultSet:  # Django's way of saying that nothing can match: among none, say.
        return {}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT kind, count(*) FROM ({statement}) AS found (kind) GROUP BY kind", parameters)
        return dict(cursor.fetchall())


def _largest_first(found: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _owned(found: QuerySet[Asset], filters: Filters) -> QuerySet[Asset]:
    owners = _owners(filters.moment).filter(asset=OuterRef("uuid"))
    # By id: the statistics then say how much a team owns, which decides how the rows are found.
    if filters.team is not None:
        found = found.filter(Exists(owners.filter(team_id=filters.team.pk)))
    if filters.owner is not None:
        found = found.filter(Exists(owners.filter(user_id=filters.owner.pk)))
    if filters.has_no_owner:
        found = found.filter(~Exists(owners))
    return found


def _owners(moment: Moment) -> QuerySet[Ownership]:
    return governance_selectors.in_force(Ownership.objects.all(), moment.as_of, moment.known_at)


def _changed_since(at: datetime, moment: Moment) -> Q:
    if not moment.is_now:
        return traces.changed_since(at, moment)
    versions = AssetVersion.objects.filter(asset=OuterRef("pk"), seen_at__gte=at)
    sightings = FacetSighting.objects.filter(asset=OuterRef("pk"), first_seen_at__gte=at)
    return Q(first_seen_at__gte=at) | Q(Exists(versions)) | Q(Exists(sightings))


def _tagged(key: str, moment: Moment) -> Q:
    """What people set, and what the documents of senders hold. A later document without the tag is not asked for."""
    by_people = _set_by_people(moment, key=key).values("asset")
    documents = FacetDocument.objects.filter(body__has_key="tags", body__contains={"tags": {"tags": [{"key": key}]}})
    by_senders = selectors.standing(FacetSighting.objects.filter(document__in=documents.values("uuid")), moment)
    return Q(uuid__in=by_people) | Q(pk__in=by_senders.values("asset"))


def _set_by_people(moment: Moment, **which: Any) -> QuerySet[AssetTag]:
    until = decided.until(moment)
    if until is None:
        return AssetTag.objects.filter(**which, removed_at=None)
    return AssetTag.objects.filter(Q(removed_at=None) | Q(removed_at__gt=until), set_at__lte=until, **which)


def _like(pattern: str) -> Func:
    """Django's own `icontains` compares upper(name), which the index does not hold. Words have no % and no _."""
    return Func(
        F("name"), Value(pattern), arg_joiner=" ILIKE ", template="%(expressions)s", output_field=BooleanField()
    )
