"""Which assets events had told of by a day, and what they had said of them: of which kind they are, and what is new.

An asset is *shown* by whatever tells more of it than a name that another has. Shown, named, and said to be of a kind:
each keeps its tellings, so that all of it is answered from the rows of the graph.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, Field, Q, TextField
from django.db.models.expressions import RawSQL

from lineage.asof import Moment
from lineage.identity import Family, Kind
from lineage.models import Asset

# How far clocks of senders run ahead; who leaves out the offset of its zone is taken to be in UTC.
MOST_AHEAD = timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)


def told_of(moment: Moment, *, kind: str = "", with_names: bool = False) -> Q:
    """A condition on assets on another day: shown by then, or only named where that is asked for, and of the kind."""
    shown, named = _stands("lineage_asset", "shown_at", moment), _named(moment)
    if kind == Kind.NAME:
        return _condition(f"({shown}) IS NOT TRUE AND {named}", moment)
    if kind:
        # What nobody says to be of a kind is of that of its family. The others are few, which the index finds.
        pool = "lineage_asset.id IN (SELECT asset_id FROM lineage_assetkind WHERE kind = %(kind)s)"
        if kind in tuple(Family):
            pool = f"lineage_asset.{'kind' if kind == Family.REPOSITORY else 'family'} = %(kind)s"
        return _condition(f"{pool} AND {shown} AND ({_kind(moment)}) = %(kind)s", moment, kind=kind)
    return _condition(f"({shown} OR {named})" if with_names else shown, moment)


def changed_since(at: datetime, moment: Moment) -> Q:
    """A condition on assets on another day: first told of, or with a version or facets that were, since then."""
    before = f"""(({_began("lineage_asset", "shown_at", "< %(at)s", moment)}) IS TRUE OR EXISTS (
        SELECT FROM lineage_assetkind k WHERE k.asset_id = lineage_asset.id AND k.kind = 'name'
           AND {_began("k", "first_seen_at", "< %(at)s", moment)} {_ASSET_BY_ASSET}))"""
    since = ">= %(at)s" if moment.as_of is None else "BETWEEN %(at)s AND %(as_of)s"
    new = " OR ".join(
        f"""EXISTS (
            SELECT FROM {table} t
            WHERE t.asset_id = lineage_asset.id AND {_began("t", column, since, moment)} {_ASSET_BY_ASSET})"""
        for table, column in (("lineage_assetversion", "seen_at"), ("lineage_facetsighting", "first_seen_at"))
    )
    return _condition(f"(NOT {before} OR {new})", moment, at=at)


def kinds(moment: Moment) -> RawSQL:
    """The kind of an asset on another day, as `told` has it."""
    return _raw(_kind(moment), moment, TextField())


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Of which assets the kind cannot be told for sure, and of which nothing had been told at all."""

    unsure: frozenset[UUID] = frozenset()
    unheard: frozenset[UUID] = frozenset()


def told(assets: Sequence[Asset], moment: Moment) -> Told:
    """Give each asset the kind, the processing and the first sight that had been told of it. No asset is written.

    Of a kind that was said before the day and after it, it is taken that it was said just before the day, as senders
    repeat themselves. Where that could make a difference the kind is not sure.
    """
    if moment.is_now or not assets:
        return Told()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT lineage_asset.id, lineage_asset.family, {_stands("lineage_asset", "shown_at", moment)},
                   LEAST({moment.began("lineage_asset", "shown_at")}, {moment.began("k", "first_seen_at")}),
                   said.kind, said.processing, said.said_at, said.latest_at, said.is_last
            FROM lineage_asset
            LEFT JOIN lineage_assetkind k ON k.asset_id = lineage_asset.id AND k.kind = 'name'
            LEFT JOIN LATERAL ({_kinds_said(moment)}) AS said ON true
            WHERE lineage_asset.id = ANY(%(assets)s) ORDER BY lineage_asset.id, {_LIKELIEST}
            """,
            moment.parameters | {"assets": [asset.pk for asset in assets]},
        )
        rows: dict[int, list[Any]] = {}
        for number, *row in cursor.fetchall():
            rows.setdefault(number, []).append(row)
    unsure, unheard = set(), set()
    for asset in assets:
        (family, is_shown, first_seen_at, kind, processing, said_at, _, is_last), *rivals = rows[asset.pk]
        asset.kind, asset.processing = (kind or family, processing or "") if is_shown else (str(Kind.NAME), "")
        if first_seen_at is None:
            unheard.add(asset.uuid)
        else:
            asset.first_seen_at = first_seen_at
        if any(latest > said_at or (latest == said_at and not (is_last and is_too)) for *_, latest, is_too in rivals):
            unsure.add(asset.uuid)
    return Told(unsure=frozenset(unsure), unheard=frozenset(unheard))


def until(known_at: datetime) -> datetime:
    """No event that was received by then tells of a later time."""
    return min(known_at, NEVER - MOST_AHEAD) + MOST_AHEAD


# The planner would read whole tables to look into their hashes.
_ASSET_BY_ASSET = "OFFSET 0"
_LIKELIEST = "said.latest_at DESC, said.said_at DESC, said.last_digest DESC"


def _kind(moment: Moment) -> str:
    return f"""CASE
        WHEN ({_stands("lineage_asset", "shown_at", moment)}) IS NOT TRUE THEN 'name'
        WHEN lineage_asset.kind_set_at IS NULL THEN lineage_asset.family
        ELSE COALESCE((SELECT kind FROM ({_kinds_said(moment)}) AS said ORDER BY {_LIKELIEST} LIMIT 1),
                      lineage_asset.family) END"""


def _kinds_said(moment: Moment) -> str:
    """What an asset had been said to be: when it was said last, as far as that can be told (`said_at`), and as late as
    it may have been (`latest_at`); both are the same where all that said so count."""
    is_last = "k.last_seen_at <= COALESCE(%(as_of)s::timestamptz, 'infinity')"
    if moment.known_at is not None:
        is_last += """ AND EXISTS (
            SELECT FROM lineage_event e WHERE e.digest = k.last_digest AND e.received_at <= %(known_at)s)"""
    return f"""
        SELECT k.kind, k.processing, k.last_digest, last.is_last, LEAST(k.last_seen_at, %(as_of)s) AS latest_at,
               CASE WHEN last.is_last THEN k.last_seen_at ELSE {moment.began("k", "first_seen_at")} END AS said_at
        FROM lineage_assetkind k CROSS JOIN LATERAL (SELECT {is_last} AS is_last) AS last
        WHERE k.asset_id = lineage_asset.id AND k.kind <> 'name' AND {_stands("k", "first_seen_at", moment)}"""


def _named(moment: Moment) -> str:
    return f"""EXISTS (
        SELECT FROM lineage_assetkind k
        WHERE k.asset_id = lineage_asset.id AND k.kind = 'name' AND {_stands("k", "first_seen_at", moment)}
        {_ASSET_BY_ASSET})"""


def _stands(row: str, column: str, moment: Moment) -> str:
    """As `moment.stands`."""
    return _began(row, column, "<= COALESCE(%(as_of)s::timestamptz, 'infinity')", moment)


def _began(row: str, column: str, when: str, moment: Moment) -> str:
    """A condition: the fact of a row with tellings was known, and began then. Most have one, and need no function."""
    if moment.known_at is None:
        return f"{row}.{column} {when}"
    return f"""({row}.known_at <= %(known_at)s AND {row}.{column} {when}
            OR {row}.also_told IS NOT NULL AND {moment.began(row, column)} {when})"""


def _condition(statement: str, moment: Moment, **more: Any) -> Q:
    return Q(_raw(statement, moment, BooleanField(), **more))


def _raw(statement: str, moment: Moment, output: "Field[Any, Any]", **more: Any) -> RawSQL:
    """Django's own statements know parameters by their places alone."""
    parameters = moment.parameters | more
    given = [parameters[name] for name in re.findall(r"%\((\w+)\)s", statement)]
    by_place = re.sub(r"%\(\w+\)s", "%s", statement)
    return RawSQL(f"({by_place})", given, output_field=output)  # noqa: S611 - the text is ours
