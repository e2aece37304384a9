"""What a sender tells of two names, and somebody rejects: each day shows what held then, in whatever order it comes."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import Conflict
from governance.models import AuditEntry, User
from governance.tokens import Scope
from lineage import events, identity, naming, projection
from lineage.asof import Moment
from lineage.models import Declaration
from lineage.naming import Decision
from tests import factories, service
from tests.conftest import CommittedDatabase
from tests.lineage import dump, growing, strategies
from tests.lineage.test_events_that_arrive_together import is_blocked
from tests.lineage.test_names_of_one_thing import API, grow, named, reached, states, symlinked
from tests.lineage.test_tags_follow_fields import dataset, run
from tests.lineage.test_the_graph_is_a_function_of_the_set_of_events import LAW, histories
from tests.lineage.test_what_was_known_by_a_day import DAYS, edges
from tests.lineage.test_what_was_known_by_a_day import grow as receive

JOINED = {"report", "read", "db.t", "/warehouse/t", "write", "raw"}
CUT = {"report", "read", "db.t"}


@pytest.fixture
def reader(member: User) -> Client:
    return factories.client(member, Scope.READ)


def decide(actor: User, decision: Decision, **changes: Any) -> datetime:
    """Decide of the two names, and give a time between this and what is decided next."""
    naming.decide(actor=actor, asset=named("/warehouse/t"), other=named("db.t"), decision=decision, **changes)
    growing.project()
    return timezone.now()


def upstream(client: Client, **moment: datetime) -> set[str]:
    return reached(client, named("report"), **{name: day.isoformat() for name, day in moment.items()})


@pytest.mark.django_db
class TestWhatIsRejected:
    @pytest.fixture(autouse=True)
    def told(self) -> None:
        """Written by one name and read by another; a sender says that they are the same."""
        grow(
            run(1, "write", [dataset("raw")], [symlinked("/warehouse/t", "db.t")]),
            run(2, "read", [dataset("db.t")], [dataset("report")]),
        )

    def test_rejected_and_undone_each_day_shows_what_was(self, reader: Client, owner: User) -> None:
        before = timezone.now()
        between = decide(owner, Decision.REJECTED, reason="Two tables.")
        rejected = upstream(reader)
        after = decide(owner, Decision.UNDONE)

        assert rejected == CUT
        assert upstream(reader) == JOINED
        for moment in ("as_of", "known_at"):
            days = [upstream(reader, **{moment: day}) for day in (before, between, after)]
            assert days == [JOINED, CUT, JOINED], moment
        assert upstream(reader, as_of=before, known_at=between) == JOINED
        assert upstream(reader, as_of=after, known_at=between) == CUT
        assert states(reader, named("db.t")) == [("/warehouse/t", "told")]
        assert states(reader, named("db.t"), as_of=between.isoformat()) == [("/warehouse/t", "rejected")]
        assert states(reader, named("db.t"), known_at=before.isoformat()) == [("/warehouse/t", "told")]
        assert states(reader, named("db.t"), as_of="2026-02-01T00:00:00Z") == []
        actions = AuditEntry.objects.filter(action__startswith="names.").order_by("id")
        assert list(actions.values_list("action", flat=True)) == ["names.rejected", "names.undone"]

    def test_who_tells_it_and_who_rejects_it_are_both_named(self, reader: Client, owner: User) -> None:
        decide(owner, Decision.REJECTED, reason="Two tables.")

        [answered] = reader.get(f"{API}/assets/{named('db.t').uuid}/names").json()["results"]
        [one] = naming.of(named("db.t"))
        assert (answered["state"], answered["told_since"]) == ("rejected", "2026-03-01T10:01:00Z")
        assert (one.state, one.decided_by, one.reason) == ("rejected", "owner", "Two tables.")
        assert one.told_since == datetime(2026, 3, 1, 10, 1, tzinfo=UTC)
        assert one.since == naming.history(named("db.t").uuid)[0].decided_at

    def test_the_evidence_is_cut_as_well(self, reader: Client, owner: User) -> None:
        def versions() -> set[str]:
            asked = {"graph": "evidence", "asset": str(named("report").uuid), "direction": "upstream", "depth": "9"}
            return {node["name"] for node in reader.get(f"{API}/graph", asked).json()["nodes"]}

        assert versions() == JOINED - {"db.t"}  # By the name that it was written by.
        decide(owner, Decision.REJECTED)
        assert versions() == CUT

    def test_telling_it_again_changes_nothing(self, reader: Client, owner: User) -> None:
        decide(owner, Decision.REJECTED)
        soon = (timezone.now() + timedelta(minutes=1)).isoformat()
        grow(run(3, "write", [dataset("raw")], [symlinked("/warehouse/t", "db.t")], eventTime=soon))

        assert upstream(reader) == CUT
        decide(owner, Decision.UNDONE)
        assert upstream(reader) == JOINED

    def test_confirmed_after_it_was_rejected(self, reader: Client, owner: User) -> None:
        rejected = decide(owner, Decision.REJECTED)
        confirmed = decide(owner, Decision.CONFIRMED)
        again = decide(owner, Decision.REJECTED)
        decide(owner, Decision.UNDONE)

        assert upstream(reader) == JOINED
        days = [upstream(reader, as_of=day) for day in (rejected, confirmed, again)]
        assert days == [CUT, JOINED, CUT]
        assert days == [upstream(reader, known_at=day) for day in (rejected, confirmed, again)]

    def test_it_is_proposed_neither_before_nor_after(self, reader: Client, owner: User) -> None:
        grow(run(3, "write", [], [symlinked("t", "T/")]))
        proposed = [reader.get(f"{API}/names/proposed").json()["results"]]
        for decision in (Decision.REJECTED, Decision.UNDONE):
            naming.decide(actor=owner, asset=named("t"), other=named("T/"), decision=decision)
            proposed.append(reader.get(f"{API}/names/proposed").json()["results"])

        assert proposed == [[], [], []]

    def test_what_a_third_name_joins_stays_joined(self, reader: Client, owner: User) -> None:
        grow(run(3, "register", [], [symlinked("catalogue.t", "db.t", "/warehouse/t")]))
        decide(owner, Decision.REJECTED)

        assert upstream(reader) == JOINED | {"catalogue.t", "register"}
        naming.decide(actor=owner, asset=named("catalogue.t"), other=named("db.t"), decision=Decision.REJECTED)
        growing.project()
        assert upstream(reader) == CUT

    def test_a_rebuild_gives_the_same(self, owner: User) -> None:
        for decision in (Decision.REJECTED, Decision.UNDONE, Decision.REJECTED):
            decide(owner, decision)
        grown = dump.graph()

        for limit in (1, projection.BATCH_EVENTS):
            with connection.cursor() as cursor:
                for table in projection.GRAPH_TABLES:
                    cursor.execute(f"DELETE FROM {table}")
                cursor.execute("INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event")
            growing.project(limit)
            assert dump.graph() == grown

    def test_what_was_renamed_is_not_rejected(self, reader: Client, owner: User) -> None:
        decide(owner, Decision.REJECTED)
        change = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "n", "name": "/warehouse/t"}}
        grow(run(3, "rename", [], [dataset("db.t", lifecycleStateChange=change)]))

        assert states(reader, named("db.t")) == [("/warehouse/t", "renamed_from"), ("/warehouse/t", "rejected")]
        decide(owner, Decision.UNDONE)
        with pytest.raises(Conflict, match="renamed"):
            decide(owner, Decision.REJECTED)
        assert states(reader, named("db.t")) == [("/warehouse/t", "told"), ("/warehouse/t", "renamed_from")]


@pytest.mark.django_db
class TestWhatIsToldAfterwards:
    """Rejected is rejected, whoever tells it later."""

    @pytest.fixture(autouse=True)
    def rejected(self, owner: User) -> datetime:
        grow(
            run(1, "write", [dataset("raw")], [dataset("/warehouse/t")]),
            run(2, "read", [dataset("db.t")], [dataset("report")]),
        )
        return decide(owner, Decision.REJECTED)

    def test_told_while_it_is_rejected(self, reader: Client, owner: User) -> None:
        told = (timezone.now()).isoformat()
        grow(run(3, "write", [dataset("raw")], [symlinked("/warehouse/t", "db.t")], eventTime=told))
        between = timezone.now()
        while_rejected = upstream(reader)
        undone = decide(owner, Decision.UNDONE)

        assert while_rejected == CUT
        assert upstream(reader) == upstream(reader, as_of=undone) == JOINED
        assert upstream(reader, as_of=between) == upstream(reader, known_at=between) == CUT

    def test_told_late_of_a_day_before_it_was_rejected(self, reader: Client, owner: User, rejected: datetime) -> None:
        grow(run(3, "write", [dataset("raw")], [symlinked("/warehouse/t", "db.t")]))

        assert upstream(reader) == upstream(reader, as_of=rejected) == CUT
        day = datetime(2026, 3, 2, tzinfo=UTC)
        assert upstream(reader, as_of=day) == JOINED
        assert upstream(reader, as_of=day, known_at=rejected) == CUT
        decide(owner, Decision.UNDONE)
        assert upstream(reader) == JOINED

    def test_told_after_it_was_undone(self, reader: Client, owner: User, rejected: datetime) -> None:
        undone = decide(owner, Decision.UNDONE)
        told = timezone.now().isoformat()
        grow(run(3, "write", [dataset("raw")], [symlinked("/warehouse/t", "db.t")], eventTime=told))

        assert upstream(reader) == JOINED
        assert upstream(reader, as_of=undone) == upstream(reader, as_of=rejected) == CUT


@pytest.mark.django_db
def test_decisions_of_which_others_are_the_same_alone_are_read_as_before() -> None:
    said = {"names": {"family": "dataset", "namespace": "n", "name": "a", "others": [{"namespace": "n", "name": "b"}]}}
    event = events.of_names(
        at=datetime(2026, 3, 1, tzinfo=UTC), family="dataset", namespace="n", name="a", others=[("n", "b")]
    )

    assert json.loads(event.body) == said | {"eventTime": "2026-03-01T00:00:00+00:00"}
    growing.append([said | {"eventTime": "2026-03-01T00:00:00Z"}])
    growing.project()
    assert {row.direction: len(row.assets) for row in Declaration.objects.all()} == {"alias": 1, "apart": 0}


def same(moment: Moment) -> set[frozenset[str]]:
    """The pairs of names that are the same."""
    found: dict[str, set[tuple[str, str]]] = {"alias": set(), "alias_of": set()}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.name, t.name, e.relation FROM {moment.edges()} AS e JOIN lineage_asset s ON s.id = e.source_id "
            "JOIN lineage_asset t ON t.id = e.target_id",
            moment.parameters,
        )
        for source, target, relation in cursor.fetchall():
            found[relation].add((source, target))
    # Walks go both ways.
    assert found["alias_of"] == {(target, source) for source, target in found["alias"]}
    return {frozenset(pair) for pair in found["alias"]}


def told_or_decided(documents: Sequence[dict[str, Any]], day: datetime) -> set[frozenset[str]]:
    """The same from the events alone: told and not rejected by the newest decision, or confirmed by it."""
    told: set[frozenset[str]] = set()
    newest: dict[str, tuple[datetime, bytes, dict[str, Any]]] = {}
    for document in documents:
        at = events.parse_time(document["eventTime"])
        if at > day:
            continue
        if "names" in document:
            said = document["names"]
            stamp = at, growing.event(document).digest, said
            newest[said["name"]] = max(newest.get(said["name"], stamp), stamp, key=lambda one: one[:2])
        else:
            for other in document["dataset"]["facets"]["symlinks"]["identifiers"]:
                told.add(frozenset({document["dataset"]["name"], other["name"]}))
    confirmed, rejected = set(), set()
    for name, (_, _, said) in newest.items():
        others = {one["name"] for one in said["others"]}
        confirmed |= {frozenset({name, other}) for other in others}
        apart = {one["name"] for one in said["apart"]} - others
        rejected |= {frozenset({name, other}) for other in apart if uuid(other).int > uuid(name).int}
    return {pair for pair in (told - rejected) | confirmed if len(pair) == 2}


def uuid(name: str) -> UUID:
    return identity.asset("dataset", "n", name)


@pytest.mark.django_db
@LAW
@given(histories(strategies.NAMINGS))
def test_names_are_the_same_while_they_are_told_and_not_rejected_or_confirmed(
    history: tuple[list[dict[str, Any]], list[list[dict[str, Any]]], int],
) -> None:
    documents, batches, limit = history
    with transaction.atomic():
        for batch in batches:
            growing.append(batch)
            growing.project(limit)
        for day in sorted({events.parse_time(document["eventTime"]) for document in documents}):
            for moment in (day, day + timedelta(minutes=1)):
                assert same(Moment(as_of=moment)) == told_or_decided(documents, moment)
        assert same(Moment()) == told_or_decided(documents, datetime.max.replace(tzinfo=UTC))
        transaction.set_rollback(True)


@pytest.mark.django_db
@LAW
@given(st.lists(st.lists(strategies.NAMINGS, min_size=1, max_size=5), min_size=2, max_size=3), DAYS, st.integers(1, 6))
def test_what_was_known_of_names_is_what_the_events_received_by_then_show(
    batches: list[list[dict[str, Any]]], day: datetime, limit: int
) -> None:
    with transaction.atomic():
        received = receive(batches)
        growing.project(limit)
        known = [(edges(Moment(known_at=mark)), edges(Moment(known_at=mark, as_of=day))) for mark in received]
        transaction.set_rollback(True)
    for number in range(len(batches)):
        with transaction.atomic():
            receive(batches[: number + 1])
            growing.project()
            grown = edges(Moment()), edges(Moment(as_of=day))
            transaction.set_rollback(True)
        assert known[number] == grown


@pytest.fixture
def database(committed_db: CommittedDatabase) -> str:
    return committed_db.environment["DATABASE_URL"]


@pytest.mark.parametrize("is_told_first", [True, False])
def test_of_two_projectors_one_waits_for_the_other(database: str, is_told_first: bool) -> None:
    """Neither would see what the other has not committed, and the edge would stay."""
    first, second = sorted(("a", "b"), key=lambda name: uuid(name).int)
    told = strategies.told_names("2026-03-01T10:00:00Z", second, first)
    rejected = strategies.decided_names("2026-03-02T10:00:00Z", first, [], [second])
    for document in (told, rejected) if is_told_first else (rejected, told):
        growing.append([document])

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert projection.project(limit=1) == 1
            other = threads.submit(project_one)
            service.until(lambda: is_blocked(database), timeout_s=60, what="the other projector waits")
        assert other.result() == 1

    assert same(Moment()) == set()
    assert same(Moment(as_of=datetime(2026, 3, 1, 12, tzinfo=UTC))) == {frozenset("ab")}


def project_one() -> int:
    try:
        return projection.project(limit=1)
    finally:
        connection.close()
