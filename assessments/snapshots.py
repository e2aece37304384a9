"""Taking snapshots of every team's maturity: computed daily, published weekly, chained, never changed."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from assessments import answers, assessing, catalogue, delivery, documents, editions, hysteresis
from assessments.assessing import Card, LadderCard, Said
from assessments.framework import Criterion, Framework, Ladder
from assessments.hysteresis import Held
from assessments.items import Tally
from assessments.measures import counting
from assessments.measures.counting import Counted, Scope
from assessments.models import Answer, Scorecard, Snapshot
from governance import audit
from governance.actions import Action
from governance.errors import Conflict, Invalid
from governance.models import User

BATCH_ROWS = 1_000
# A measure of a time further back is no reason to take an answer away today.
PRESENT = timedelta(days=1)


class Unchanged(Conflict):
    """A restatement would say what is said already."""

    code = "nothing_changed"


class Kind(StrEnum):
    """Computed snapshots are for watching; published ones move the published level; a restatement corrects one."""

    COMPUTED = "computed"
    PUBLISHED = "published"
    RESTATEMENT = "restatement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A snapshot that is not what it was made as."""

    snapshot: str
    problem: str


def take(*, kind: Kind, as_of: datetime | None = None, actor: User | None = None) -> list[Snapshot]:
    """A snapshot of every framework at a time (now when absent). What is published at a time is published once.

    Answers that a measure contradicts lapse before they are counted, unless the time is long past. Raises Invalid for a
    time that has not come.
    """
    now = timezone.now()
    when = as_of or now
    if when > now:
        raise Invalid("as_of: lies in the future.", fields={"as_of": "Lies in the future."})
    if kind is Kind.RESTATEMENT:
        raise Invalid("kind: a restatement names what it restates.", fields={"kind": "Use restate."})
    loaded = list(catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.values())
    frameworks = _not_yet(loaded, kind, when)
    if not frameworks:
        return []
    counted = counting.count(frameworks, as_of=when, with_deliveries=True)
    told = assessing.said(when)
    if now - when < PRESENT and lapse_contradicted(frameworks, counted, told):
        told = assessing.said(when)
    if counted.deliveries is not None:
        delivery.keep(counted=counted.deliveries, as_of=when)
    # Predecessors of catalogues first, so that the newest snapshot is by the catalogue of today. They are counted
    # apart: a criterion of the same name may have another window.
    taken = []
    for old in _not_yet(editions.beside(frameworks, now), kind, when):
        before = counting.count([old], as_of=when)
        taken.append(_store(old, assessing.cards(old, before, told), before, kind=kind, actor=actor))
    # One framework after the other: the cards of all at once would be most of the memory.
    for framework in frameworks:
        taken.append(_store(framework, assessing.cards(framework, counted, told), counted, kind=kind, actor=actor))
        editions.remember(framework=framework, at=taken[-1].made_at)
    return taken


def restate(*, snapshot: Snapshot, reason: str, actor: User | None = None) -> Snapshot:
    """Make a published snapshot's time again from all that is known now, beside the first one, which stays.

    Raises Invalid without a reason, and Conflict when nothing came out otherwise or the catalogue has changed since.
    """
    if not reason.strip():
        raise Invalid("reason: say why.", fields={"reason": "Say why."})
    framework = _same_catalogue(snapshot)
    if framework is None:
        raise Conflict("The catalogue has changed since: the numbers would not compare.", code="catalogue_changed")
    counted = counting.count([framework], as_of=snapshot.as_of)
    cards = assessing.cards(framework, counted, assessing.said(snapshot.as_of))
    return _store(
        framework,
        cards,
        counted,
        kind=Kind.RESTATEMENT,
        actor=actor,
        restates=snapshot,
        reason=reason.strip(),
    )


def restate_together(*, snapshots: Sequence[Snapshot], reason: str) -> dict[int, Snapshot]:
    """`restate` for the snapshots of one time, counted once: the restatement of each, by its key, where one was made.

    Those whose catalogue has changed since, and those that come out as they were, have none.
    """
    found = [(one, framework) for one in snapshots if (framework := _same_catalogue(one)) is not None]
    if not found:
        return {}
    (as_of,) = {one.as_of for one in snapshots}
    counted, told = counting.count([framework for _, framework in found], as_of=as_of), assessing.said(as_of)
    made = {}
    for snapshot, framework in found:
        cards = assessing.cards(framework, counted, told)
        with suppress(Unchanged):
            made[snapshot.pk] = _store(
                framework,
                cards,
                counted,
                kind=Kind.RESTATEMENT,
                actor=None,
                restates=snapshot,
                reason=reason,
            )
    return made


def _same_catalogue(snapshot: Snapshot) -> Framework | None:
    """The framework, if it still is as the snapshot was made by it."""
    framework = catalogue.load(settings.FRAMEWORKS_FOLDER).frameworks.get(snapshot.framework)
    return framework if framework and catalogue.digest(framework) == snapshot.catalogue_digest else None


def week_began(at: datetime) -> datetime:
    """Monday 00:00 UTC of that time's week: when snapshots are published."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def lapse_contradicted(frameworks: Sequence[Framework], counted: Counted, told: Said) -> int:
    """Let answers lapse that a measure speaks against, and say how many did."""
    lapsed = 0
    for framework in frameworks:
        if not isinstance(framework, Ladder):
            continue
        for criterion in framework.criteria:
            for (scope, slug, name), answer in told.answers.items():
                if slug != framework.framework or name != criterion.id or hasattr(answer, "lapse"):
                    continue
                if because := _contradiction(criterion, scope, answer, counted):
                    lapsed += answers.lapse(answer=answer, because=because, at=counted.as_of)
    return lapsed


def verify(framework: str) -> Iterator[Broken]:
    """Everything that is wrong with a framework's chain of snapshots; nothing when it is whole. Reads all of it."""
    previous, number = "", 0
    for snapshot in Snapshot.objects.filter(framework=framework).order_by("number"):
        number += 1
        if snapshot.number != number or snapshot.previous_digest != previous:
            yield Broken(snapshot=str(snapshot), problem="does not follow the one before")
        digests = []
        for scorecard in snapshot.scorecards.order_by("team_id", "model").iterator(chunk_size=BATCH_ROWS):
            found = _card_digest(scorecard)
            digests.append(found)
            if found != scorecard.digest:
                yield Broken(snapshot=str(snapshot), problem=f"the scorecard {scorecard.pk} was changed")
        if _digest(snapshot, digests) != snapshot.digest:
            yield Broken(snapshot=str(snapshot), problem="its digest is not that of its content")
        previous, number = snapshot.digest, snapshot.number


def _not_yet(frameworks: Sequence[Framework], kind: Kind, when: datetime) -> list[Framework]:
    """Those that have no published snapshot of that time, where one is to be published."""
    return [one for one in frameworks if kind is not Kind.PUBLISHED or not _is_published(one, when)]


def _is_published(framework: Framework, when: datetime) -> bool:
    return Snapshot.objects.filter(
        framework=framework.framework, kind=Kind.PUBLISHED, as_of=when, catalogue_version=framework.version
    ).exists()


def _contradiction(criterion: Criterion, scope: Scope, answer: Answer, counted: Counted) -> str:
    """Why the measure beside an answer speaks against it; empty when it does not."""
    asked = criterion.attestation
    if asked is not None and asked.corroborated_by is not None and asked.corroborated_by.contradicts_when is not None:
        limit = asked.corroborated_by.contradicts_when
        tally = counted.corroborations.get(criterion.id, {}).get(scope, Tally())
        if tally.items == 0:
            return ""
        # What is unknown is read in the answer's favour.
        sure = tally.true if limit.op == ">" else tally.true + tally.unknown
        share = sure / tally.items
        if share > limit.value if limit.op == ">" else share < limit.value:
            return f"Contradicted by facts: {asked.corroborated_by.measure} It is {share:.0%}."
    if criterion.attested_fallback and criterion.threshold is not None:
        tally = counted.tallies.get(criterion.id, {}).get(scope, Tally())
        bad = tally.false if criterion.threshold.is_at_least else tally.true
        if bad and answer.extent == "most_or_all":
            return f"Contradicted by facts: {bad} of {tally.items} items are known to be otherwise."
    return ""


@transaction.atomic
def _store(
    framework: Framework,
    cards: Mapping[Scope, Card],
    counted: Counted,
    *,
    kind: Kind,
    actor: User | None,
    restates: Snapshot | None = None,
    reason: str = "",
) -> Snapshot:
    # One snapshot of a framework after the other, so that each follows the one before.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"snapshots of {framework.framework}"])
    newest = Snapshot.objects.filter(framework=framework.framework).order_by("-number").first()
    before = _held_before(framework, counted.as_of)
    snapshot = Snapshot(
        framework=framework.framework,
        number=newest.number + 1 if newest else 1,
        kind=kind,
        catalogue_version=framework.version,
        catalogue_digest=catalogue.digest(framework),
        as_of=counted.as_of,
        made_at=timezone.now(),
        watermark=counted.watermark,
        restates=restates,
        reason=reason,
        previous_digest=newest.digest if newest else "",
    )
    scorecards = [
        _scorecard(snapshot, framework, scope, card, before.get(scope))
        for scope, card in sorted(cards.items(), key=_in_order)
    ]
    if restates is not None:
        # What was restated before is compared with that, so that the same correction is not made twice.
        last = Snapshot.objects.filter(restates=restates).order_by("-number").first() or restates
        stored = last.scorecards.order_by("team_id", "model").values_list("digest", flat=True)
        if [one.digest for one in scorecards] == list(stored):
            raise Unchanged("Nothing comes out otherwise.")
    snapshot.digest = _digest(snapshot, [scorecard.digest for scorecard in scorecards])
    snapshot.save(force_insert=True)
    _write(snapshot, scorecards)
    audit.record(
        actor=actor,
        action=Action.SNAPSHOT_RESTATED if restates else Action.SNAPSHOT_TAKEN,
        subject=f"snapshot:{framework.framework}:{snapshot.number}",
        detail={
            "kind": kind.value,
            "as_of": snapshot.as_of.isoformat(),
            "digest": snapshot.digest,
            "restates": restates.number if restates else None,
            "reason": reason,
        },
    )
    return snapshot


def _held_before(framework: Framework, as_of: datetime) -> dict[Scope, Held]:
    """What the last published snapshot before that time left standing, by scope; of the same catalogue if it can be."""
    published = Snapshot.objects.filter(framework=framework.framework, kind=Kind.PUBLISHED, as_of__lt=as_of)
    newest = published.order_by("-as_of", "-number")
    last = newest.filter(catalogue_digest=catalogue.digest(framework)).first() or newest.first()
    if last is None or not isinstance(framework, Ladder):
        return {}
    rows = last.scorecards.values_list("team", "model", "rating")
    return {Scope(team, model): held for team, model, rating in rows if (held := documents.held(rating)) is not None}


def _scorecard(snapshot: Snapshot, framework: Framework, scope: Scope, card: Card, before: Held | None) -> Scorecard:
    held = None
    level = score = None
    if isinstance(card, LadderCard) and isinstance(framework, Ladder):
        held = hysteresis.hold(before, card.rating, hysteresis.broken_controls(framework, card.results))
        level, score = card.rating.level, card.rating.ladder_score
    elif isinstance(card, assessing.ModelCard):
        score = card.score.score
    elif isinstance(card, assessing.TeamCard):
        score = card.score.median
    scorecard = Scorecard(
        snapshot=snapshot,
        team_id=scope.team,
        model=scope.model,
        level=level,
        published_level=held.level if held is not None and held.is_shown else None,
        score=score,
        rating=documents.rating(card, held),
        results=documents.results(card, is_whole=scope.model is None),
    )
    scorecard.digest = _card_digest(scorecard)
    return scorecard


def _card_digest(scorecard: Scorecard) -> str:
    return documents.digest(
        {
            "team": scorecard.team_id,
            "model": str(scorecard.model) if scorecard.model else None,
            "level": scorecard.level,
            "published_level": scorecard.published_level,
            "score": scorecard.score,
            "rating": scorecard.rating,
            "results": scorecard.results,
        }
    )


def _write(snapshot: Snapshot, scorecards: Sequence[Scorecard]) -> None:
    """Copy the rows in: documents of thousands of models travel five times faster than by INSERT."""
    columns = ("team_id", "model", "level", "published_level", "score", "rating", "results", "digest")
    connection.ensure_connection()
    with (
        psycopg.Cursor(connection.connection) as cursor,
        cursor.copy(f"COPY assessments_scorecard (snapshot_id, {', '.join(columns)}) FROM STDIN") as copy,
    ):
        for one in scorecards:
            row = [getattr(one, column) for column in columns]
            row[5:7] = [json.dumps(one.rating), json.dumps(one.results)]
            copy.write_row([snapshot.pk, *row])


def _digest(snapshot: Snapshot, scorecards: Sequence[str]) -> str:
    head: dict[str, Any] = {
        "framework": snapshot.framework,
        "number": snapshot.number,
        "kind": str(snapshot.kind),
        "catalogue_version": snapshot.catalogue_version,
        "catalogue_digest": snapshot.catalogue_digest,
        "as_of": snapshot.as_of.astimezone(UTC).isoformat(),
        "made_at": snapshot.made_at.astimezone(UTC).isoformat(),
        "watermark": snapshot.watermark,
        "restates": snapshot.restates.digest if snapshot.restates else None,
        "reason": snapshot.reason,
        "previous": snapshot.previous_digest,
        "scorecards": hashlib.sha256("\n".join(scorecards).encode()).hexdigest(),
    }
    return documents.digest(head)


def _in_order(entry: tuple[Scope, Card]) -> tuple[bool, int, bool, UUID]:
    """By team and model as PostgreSQL sorts them: what is null comes last."""
    scope = entry[0]
    return scope.team is None, scope.team or 0, scope.model is None, scope.model or UUID(int=0)
