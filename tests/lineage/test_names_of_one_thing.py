"""Other names: told in facets, proposed as they are spelt alike, confirmed, rejected, undone; and hidden assets."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance.errors import Conflict, Denied, Invalid, NotFound
from governance.models import AuditEntry, OwnerRole, Team, User
from governance.tokens import Scope
from lineage import events, fields, hiding, identity, names, naming, projection, selectors
from lineage.asof import Moment
from lineage.models import Asset, Event
from lineage.naming import Decision
from tests import factories
from tests.lineage import dump, growing
from tests.lineage.test_tags_follow_fields import COPY, CUSTOMERS, dataset, made_of, run

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def reader(member: User) -> Client:
    return factories.client(member, Scope.READ)


def grow(*told: dict[str, Any]) -> None:
    growing.append(told)
    growing.project()


def named(name: str, namespace: str = "n") -> Asset:
    return Asset.objects.get(namespace=namespace, name=name)


def reached(client: Client, asset: Asset, **query: str) -> set[str]:
    asked = {"asset": str(asset.uuid), "depth": "9", "direction": "upstream"} | query
    response = client.get(f"{API}/graph", asked)
    assert response.status_code == 200, response.content
    return {node["name"] for node in response.json()["nodes"]}


def audited(prefix: str) -> list[str]:
    return list(AuditEntry.objects.filter(action__startswith=prefix).order_by("id").values_list("action", flat=True))


def symlinked(name: str, *others: str) -> dict[str, Any]:
    identifiers = [{"namespace": "n", "name": other, "type": "TABLE"} for other in others]
    return dataset(name, symlinks={"identifiers": identifiers})


@pytest.mark.parametrize(
    ("left", "right", "differences"),
    [
        (("s3://lake", "loans"), ("s3a://lake", "/loans/"), ["scheme", "separators"]),
        (("postgres://h:5432", "db.Loans"), ("postgres://h", "db.loans"), ["port", "case"]),
        (("file", "/data/x/"), ("file", "data/x"), ["separators"]),
        (("s3://lake/a", "b"), ("s3://lake", "a/b"), ["separators"]),
        (("kafka://b:9092", "topic"), ("kafka://b:9093", "topic"), ["port"]),
        (("snowflake", "A"), ("snowflake", "a"), ["case"]),
    ],
)
def test_names_that_may_be_one(left: tuple[str, str], right: tuple[str, str], differences: list[str]) -> None:
    assert names.fold("dataset", *left) == names.fold("dataset", *right)
    assert names.differences(left, right) == differences


@pytest.mark.parametrize(
    ("left", "right", "differences"),
    [
        ("lake.main.loans.stg.build.run", "model.loans.stg", ["naming"]),
        ("lake.main.loans.stg.build.snapshot", "snapshot.loans.stg", ["naming"]),
        ("lake.main.loans.Stg.build.run", "model.loans.stg", ["naming", "case"]),
        ("lake.main.loans.stg.v2.build.run", "model.loans.stg.v2", ["naming"]),
    ],
)
def test_what_dbt_calls_a_job_in_two_ways(left: str, right: str, differences: list[str]) -> None:
    assert names.fold("job", "dbt://loans", left) == names.fold("job", "dbt://loans", right)
    assert names.differences(("dbt://loans", left), ("dbt://loans", right), family="job") == differences
    assert names.fold("dataset", "dbt://loans", left) != names.fold("dataset", "dbt://loans", right)


@pytest.mark.parametrize("name", ["lake.main.loans.stg.build.test", "lake.main.loans.stg", "stg.build.run"])
def test_other_jobs_of_dbt_are_others(name: str) -> None:
    assert names.fold("job", "dbt", name) != names.fold("job", "dbt", "model.loans.stg")


@pytest.mark.parametrize(
    ("left", "right"),
    [(("n", "a"), ("n", "b")), (("s3://lake", "loans"), ("gs://lake", "loans")), (("n", "a/b"), ("n", "ab"))],
)
def test_names_that_are_two(left: tuple[str, str], right: tuple[str, str]) -> None:
    assert names.fold("dataset", *left) != names.fold("dataset", *right)
    assert names.fold("dataset", *left) != names.fold("job", *left)


def test_a_model_of_dbt_built_and_imported_is_proposed_as_one_job(reader: Client) -> None:
    grow(run(1, "lake.main.loans.stg.build.run", [], [dataset("stg")]), run(2, "model.loans.stg", [], [dataset("stg")]))

    [proposed] = reader.get(f"{API}/names/proposed").json()["results"]

    names_of_one = {proposed[one]["name"] for one in ("asset", "other")}
    assert names_of_one == {"lake.main.loans.stg.build.run", "model.loans.stg"}
    assert proposed["differences"] == ["naming"]


LOANS = "loans.main.stg"


def makes(number: int, name: str, namespace: str = "n", table: str = LOANS) -> dict[str, Any]:
    event = run(number, name, [], [dataset(table)])
    return event | {"job": {"namespace": namespace, "name": name}}


@pytest.mark.parametrize(
    ("other", "namespace", "differences"),
    [
        # As dbt-ol 1.54 names them, by `run`, `build` (Spark: without a database), and reading structured logs.
        ("loans.main.jaffle.stg", "n", ["naming"]),
        ("loans.main.jaffle.stg", "dbt", ["namespace", "naming"]),
        ("loans.main.jaffle.stg.build.run", "dbt", ["namespace", "naming"]),
        ("model.jaffle.stg", "dbt", ["namespace"]),
        # As Airflow's tasks of Cosmos are called.
        ("daily.models.stg.run", "airflow", ["namespace", "naming"]),
        ("daily.stg_run", "airflow", ["namespace", "naming"]),
    ],
)
def test_jobs_that_make_one_table_for_one_model_of_dbt_are_proposed(
    reader: Client, other: str, namespace: str, differences: list[str]
) -> None:
    grow(makes(1, "model.jaffle.stg"), makes(2, other, namespace))

    [proposed] = reader.get(f"{API}/names/proposed").json()["results"]
    assert proposed["differences"] == differences
    one, two = named("model.jaffle.stg"), Asset.objects.get(namespace=namespace, name=other)
    for asset, another in ((one, two), (two, one)):
        [alike] = naming.of(asset)
        assert (alike.asset, alike.state, list(alike.differences)) == (another, naming.State.PROPOSED, differences)


@pytest.mark.parametrize(
    ("left", "right", "table"),
    [
        ("default.jaffle.stg.build.run", "default.jaffle.stg", "default.stg"),
        ("lake.main.loans.hist.snapshot", "snapshot.loans.hist", "lake.main.hist"),
        ("lake.main.loans.hist.build.snapshot", "lake.main.loans.hist.snapshot", "lake.main.hist"),
    ],
)
def test_snapshots_and_tables_without_a_database(reader: Client, left: str, right: str, table: str) -> None:
    grow(makes(1, left, table=table), makes(2, right, table=table))

    [proposed] = reader.get(f"{API}/names/proposed").json()["results"]
    assert proposed["differences"] == ["naming"]


@pytest.mark.parametrize(
    ("other", "table"),
    [
        ("loans.main.jaffle.features", LOANS),
        ("loans.main.other.stg.build.run", LOANS),
        ("loans.main.jaffle.stg.build.test", LOANS),
        ("loans.main.jaffle.stg", "loans.main.elsewhere"),
        ("daily.last_stg_run", LOANS),
        ("copy", LOANS),
    ],
)
def test_others_that_make_the_table_or_another_are_not(reader: Client, other: str, table: str) -> None:
    grow(makes(1, "model.jaffle.stg"), makes(2, other, "dbt", table))

    assert reader.get(f"{API}/names/proposed").json()["results"] == []
    assert naming.of(named("model.jaffle.stg")) == []


class TestWhatSendersTell:
    def test_symlinks_join(self, reader: Client) -> None:
        grow(
            run(1, "write", [dataset("raw")], [symlinked("/warehouse/t", "db.t")]),
            run(2, "read", [dataset("db.t")], [dataset("report")]),
        )

        assert reached(reader, named("report")) == {"report", "read", "db.t", "/warehouse/t", "write", "raw"}
        assert reached(reader, named("raw"), direction="downstream") >= {"report"}

    def test_a_name_is_no_asset_that_a_change_touches(self, reader: Client) -> None:
        grow(run(1, "write", [dataset("raw")], [symlinked("/warehouse/t", "db.t")]))

        touched = reader.get(f"{API}/assets/{named('raw').uuid}/impact").json()

        assert {asset["name"] for asset in touched["assets"]} == {"write", "/warehouse/t"}

    def test_a_name_that_nothing_has_shown_is_found_and_not_listed(self, reader: Client) -> None:
        grow(run(1, "write", [dataset("raw")], [symlinked("/warehouse/t", "db.t")]))

        assert named("db.t").kind == "name"
        listed = reader.get(f"{API}/assets").json()["results"]
        assert {asset["name"] for asset in listed} == {"raw", "write", "/warehouse/t"}
        for query in ({"q": "db.t"}, {"kind": "name"}, {"namespace": "n", "name": "db.t"}):
            found = reader.get(f"{API}/assets", query).json()["results"]
            assert [asset["name"] for asset in found] == ["db.t"], query

    def test_it_becomes_a_dataset_when_something_reads_it(self) -> None:
        told = [
            run(1, "write", [], [symlinked("/warehouse/t", "db.t")]),
            run(2, "read", [dataset("db.t")], []),
        ]

        assert growing.graph_of([told]) == growing.graph_of([[told[1]], [told[0]]], 1)
        grow(*told)
        assert named("db.t").kind == "dataset"

    def test_a_rename_leads_from_the_earlier_name_to_the_later(self, reader: Client) -> None:
        change = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "n", "name": "old"}}
        grow(
            run(1, "write", [dataset("raw")], [dataset("old")]),
            run(2, "rename", [], [dataset("new", lifecycleStateChange=change)]),
            run(3, "read", [dataset("new")], [dataset("report")]),
        )

        assert {"old", "raw"} <= reached(reader, named("report"))
        assert "old" not in reached(reader, named("report"), as_of="2026-03-01T10:01:30Z")
        old = reader.get(f"{API}/assets/{named('old').uuid}/names").json()["results"]
        new = reader.get(f"{API}/assets/{named('new').uuid}/names").json()["results"]
        assert [(one["asset"]["name"], one["state"]) for one in old + new] == [
            ("new", "renamed_to"),
            ("old", "renamed_from"),
        ]

    def test_a_drop_is_told_until_it_is_seen_again(self, reader: Client) -> None:
        drop = dataset("t", lifecycleStateChange={"lifecycleStateChange": "DROP"})
        grow(run(1, "write", [], [dataset("t")]), run(2, "drop", [], [drop]))

        def dropped_at(**query: str) -> str | None:
            at: str | None = reader.get(f"{API}/assets/{named('t').uuid}", query).json()["dropped_at"]
            return at and at[:16]

        assert dropped_at() == "2026-03-01T10:02"
        assert dropped_at(as_of="2026-03-01T10:01:30Z") is None
        grow(run(3, "write", [], [dataset("t")]))
        assert dropped_at() is None
        assert dropped_at(as_of="2026-03-01T10:02:30Z") == "2026-03-01T10:02"


@pytest.fixture
def spelt() -> tuple[Asset, Asset]:
    """One job writes `Loans/`, another reads `loans`."""
    grow(
        run(1, "write", [dataset("raw")], [dataset("Loans/")]), run(2, "read", [dataset("loans")], [dataset("report")])
    )
    return named("Loans/"), named("loans")


def states(client: Client, asset: Asset, **query: str) -> list[tuple[str, str]]:
    answer = client.get(f"{API}/assets/{asset.uuid}/names", query).json()
    return [(one["asset"]["name"], one["state"]) for one in answer["results"]]


class TestWhatPeopleDecide:
    def test_what_is_spelt_alike_is_proposed_and_not_joined(self, reader: Client, spelt: tuple[Asset, Asset]) -> None:
        [proposal] = reader.get(f"{API}/names/proposed").json()["results"]

        assert {proposal["asset"]["name"], proposal["other"]["name"]} == {"Loans/", "loans"}
        assert proposal["differences"] == ["case", "separators"]
        assert states(reader, spelt[0]) == [("loans", "proposed")]
        assert reached(reader, named("report")) == {"report", "read", "loans"}

    def test_confirmed_and_undone_each_day_shows_what_was(
        self, reader: Client, owner: User, spelt: tuple[Asset, Asset]
    ) -> None:
        before = timezone.now()
        naming.decide(actor=owner, asset=spelt[0], other=spelt[1], decision=Decision.CONFIRMED, reason="One table.")
        growing.project()
        between = timezone.now()
        joined = reached(reader, named("report"))
        naming.decide(actor=owner, asset=spelt[1], other=spelt[0], decision=Decision.UNDONE)
        growing.project()

        assert joined == {"report", "read", "loans", "Loans/", "write", "raw"}
        assert reached(reader, named("report")) == {"report", "read", "loans"}
        assert reached(reader, named("report"), as_of=between.isoformat()) == joined
        assert "Loans/" not in reached(reader, named("report"), as_of=before.isoformat())
        assert reached(reader, named("report"), known_at=between.isoformat()) == joined
        assert states(reader, spelt[0]) == [("loans", "proposed")]
        assert states(reader, spelt[0], as_of=between.isoformat()) == [("loans", "confirmed")]
        decisions = reader.get(f"{API}/assets/{spelt[0].uuid}/names").json()["decisions"]
        assert [one["decision"] for one in decisions] == ["undone", "confirmed"]
        assert audited("names.") == ["names.confirmed", "names.undone"]

    def test_a_decision_outlives_a_rebuild(self, owner: User, spelt: tuple[Asset, Asset]) -> None:
        naming.decide(actor=owner, asset=spelt[0], other=spelt[1], decision=Decision.CONFIRMED)
        growing.project()
        grown = dump.graph()

        with connection.cursor() as cursor:
            for table in projection.GRAPH_TABLES:
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("INSERT INTO lineage_outbox (event_id) SELECT id FROM lineage_event")
        growing.project(1)

        assert dump.graph() == grown

    def test_seeing_again_is_not_deciding(self, owner: User, spelt: tuple[Asset, Asset]) -> None:
        seen = named("loans").last_seen_at

        naming.decide(actor=owner, asset=spelt[0], other=spelt[1], decision=Decision.CONFIRMED)
        growing.project()

        assert named("loans").last_seen_at == seen

    def test_what_is_rejected_is_proposed_no_more_until_that_is_undone(
        self, reader: Client, owner: User, spelt: tuple[Asset, Asset]
    ) -> None:
        naming.decide(actor=owner, asset=spelt[0], other=spelt[1], decision=Decision.REJECTED, reason="Two tables.")
        rejected = reader.get(f"{API}/names/proposed").json()["results"]
        naming.decide(actor=owner, asset=spelt[0], other=spelt[1], decision=Decision.UNDONE)
        again = reader.get(f"{API}/names/proposed").json()["results"]

        assert (len(rejected), len(again)) == (0, 1)
        # Each is in the log, for a sender may tell the contrary later.
        assert Event.objects.filter(kind="names").count() == 2

    def test_several_names_of_one(self, reader: Client, owner: User) -> None:
        grow(*(run(n, f"write-{n}", [dataset(f"raw-{n}")], [dataset(name)]) for n, name in enumerate(["t", "T", "t/"])))
        for name in ("T", "t/"):
            naming.decide(actor=owner, asset=named("t"), other=named(name), decision=Decision.CONFIRMED)
        growing.project()

        assert {"raw-0", "raw-1", "raw-2"} <= reached(reader, named("t"))
        naming.decide(actor=owner, asset=named("t"), other=named("T"), decision=Decision.UNDONE)
        growing.project()
        assert reached(reader, named("t")) >= {"raw-0", "raw-2"}
        assert "raw-1" not in reached(reader, named("t"))

    def test_who_manages_only_one_of_them_may_not(
        self, owner: User, outsider: User, other_team: Team, spelt: tuple[Asset, Asset]
    ) -> None:
        factories.ownership(spelt[0].uuid, OwnerRole.STEWARD, other_team)

        with pytest.raises(Denied):
            naming.decide(actor=owner, asset=spelt[1], other=spelt[0], decision=Decision.CONFIRMED)
        naming.decide(actor=outsider, asset=spelt[1], other=spelt[0], decision=Decision.CONFIRMED)

    def test_what_cannot_be_decided(self, owner: User, spelt: tuple[Asset, Asset]) -> None:
        for other in (spelt[0], named("write", "jobs")):
            with pytest.raises(Invalid) as refused:
                naming.decide(actor=owner, asset=spelt[0], other=other, decision=Decision.CONFIRMED)
            assert "other" in refused.value.fields
        with pytest.raises(Conflict):
            naming.decide(actor=owner, asset=spelt[0], other=spelt[1], decision=Decision.UNDONE)
        naming.decide(actor=owner, asset=spelt[0], other=spelt[1], decision=Decision.CONFIRMED)
        with pytest.raises(Conflict):
            naming.decide(actor=owner, asset=spelt[1], other=spelt[0], decision=Decision.CONFIRMED)

    def test_over_the_api(self, owner: User, spelt: tuple[Asset, Asset]) -> None:
        client = factories.client(owner, Scope.GOVERNANCE_WRITE, Scope.READ)
        path, body = f"{API}/assets/{spelt[0].uuid}/names", {"other": str(spelt[1].uuid), "decision": "confirmed"}

        assert client.post(path, body, content_type="application/json").status_code == 201
        assert client.post(path, body, content_type="application/json").status_code == 409
        assert client.post(path, body | {"decision": "maybe"}, content_type="application/json").status_code == 400
        assert states(client, spelt[1]) == [("Loans/", "confirmed")]

    def test_no_sender_can_decide(self) -> None:
        event = events.of_names(at=timezone.now(), family="dataset", namespace="n", name="a", others=[("n", "b")])

        with pytest.raises(events.BadEvent, match="neither run nor job nor dataset"):
            events.read(event.body)


class TestHiding:
    def test_what_is_hidden_is_in_no_list_and_still_walked_through(self, reader: Client, owner: User) -> None:
        grow(
            run(1, "write", [dataset("raw")], [dataset("test")]), run(2, "read", [dataset("test")], [dataset("report")])
        )
        hiding.hide(actor=owner, asset=named("test").uuid, reason="A test.")

        for query in ({}, {"q": "test"}, {"text": "test"}, {"kind": "dataset"}):
            found = reader.get(f"{API}/assets", query).json()["results"]
            assert "test" not in {asset["name"] for asset in found}, query
        assert {"test", "raw"} <= reached(reader, named("report"))
        walked = reader.get(f"{API}/graph", {"asset": str(named("test").uuid)}).json()["nodes"]
        assert {node["name"]: node["hidden"] for node in walked} == {"test": True, "write": False, "read": False}
        answer = reader.get(f"{API}/assets/{named('test').uuid}").json()
        assert (answer["hidden"]["by"], answer["hidden"]["reason"]) == ("owner", "A test.")
        assert selectors.kinds() == {"dataset": 2, "job": 2}

    def test_what_is_seen_again_stays_hidden_and_is_listed(self, reader: Client, owner: User) -> None:
        grow(run(1, "write", [], [dataset("test"), dataset("quiet")]))
        for name in ("test", "quiet"):
            hiding.hide(actor=owner, asset=named(name).uuid, reason="A test.")
        later = (timezone.now() + timedelta(minutes=1)).isoformat()

        grow(run(2, "write", [], [dataset("test")], eventTime=later))

        listed = reader.get(f"{API}/assets/hidden").json()["results"]
        again = reader.get(f"{API}/assets/hidden", {"seen_again": "true"}).json()["results"]
        assert {row["asset"]["name"]: row["seen_again"] for row in listed} == {"test": True, "quiet": False}
        assert [row["asset"]["name"] for row in again] == ["test"]

    def test_shown_again_the_history_stays(self, reader: Client, owner: User) -> None:
        grow(run(1, "write", [], [dataset("test")]))
        asset = named("test").uuid
        client = factories.client(owner, Scope.GOVERNANCE_WRITE, Scope.READ)
        path = f"{API}/assets/{asset}/hiding"

        assert client.put(path, {"reason": "x"}, content_type="application/json").status_code == 201
        between = timezone.now()
        assert client.put(path, {"reason": "x"}, content_type="application/json").status_code == 409
        assert client.delete(path).status_code == 204
        assert client.delete(path).status_code == 404

        assert reader.get(f"{API}/assets/{asset}").json()["hidden"] is None
        assert reader.get(f"{API}/assets/{asset}", {"as_of": between.isoformat()}).json()["hidden"]["reason"] == "x"
        before = Moment(as_of=between - timedelta(days=1))
        assert hiding.of([asset], moment=before) == {}
        in_the_graph = [hiding.among([asset], moment=moment) for moment in (Moment(), Moment(as_of=between), before)]
        assert in_the_graph == [set(), {asset}, set()]
        assert [row.shown_by for row in hiding.history(asset)] == [owner]
        assert audited("asset.") == ["asset.hidden", "asset.shown"]

    def test_only_who_may_hides_and_shows(self, asset: UUID, owner: User, member: User, outsider: User) -> None:
        for actor in (member, outsider):
            with pytest.raises(Denied):
                hiding.hide(actor=actor, asset=asset, reason="x")
        hiding.hide(actor=owner, asset=asset, reason="x")
        with pytest.raises(Denied):
            hiding.show(actor=outsider, asset=asset)

    def test_a_reason_is_asked_for(self, asset: UUID, owner: User) -> None:
        for reason in ("", "  ", "x" * 2_001):
            with pytest.raises(Invalid) as refused:
                hiding.hide(actor=owner, asset=asset, reason=reason)
            assert "reason" in refused.value.fields
        with pytest.raises(NotFound):
            hiding.show(actor=owner, asset=asset)


def test_ids_of_fields_are_their_own() -> None:
    asset = identity.asset("dataset", "n", "a")

    assert identity.field(asset, "") == asset
    assert len({identity.field(asset, "x"), identity.field(asset, "y"), identity.version(asset, "x")}) == 3


class TestWalksAcrossNames:
    """Written by one name and read by another."""

    def test_the_evidence_goes_on(self, reader: Client, owner: User, spelt: tuple[Asset, Asset]) -> None:
        def names_upstream() -> set[str]:
            asked = {"graph": "evidence", "asset": str(named("report").uuid), "direction": "upstream", "depth": "9"}
            return {node["name"] for node in reader.get(f"{API}/graph", asked).json()["nodes"]}

        before = names_upstream()
        naming.decide(actor=owner, asset=spelt[0], other=spelt[1], decision=Decision.CONFIRMED)
        growing.project()

        assert before == {"report", "read", "loans"}
        assert names_upstream() == {"report", "read", "Loans/", "write", "raw"}
        asked = {"graph": "evidence", "asset": str(named("raw").uuid), "direction": "downstream", "depth": "9"}
        down = reader.get(f"{API}/graph", asked).json()
        assert {node["name"] for node in down["nodes"]} == {"report", "read", "Loans/", "write", "raw"}

    def test_a_version_that_was_pinned_by_the_other_name(self, reader: Client) -> None:
        told = made_of(mail=[("customers.email", COPY)])
        said = made_of(to=[("db.t.mail", COPY)])
        said["fields"]["to"]["inputFields"] = [{"namespace": "n", "name": "db.t", "field": "mail"}]
        seventh, eighth = ({"datasetVersion": key} for key in ("7", "8"))
        written = symlinked("/warehouse/t", "db.t")
        written["facets"] |= {"version": seventh, "columnLineage": told}
        grow(
            run(1, "write", [CUSTOMERS], [written]),
            run(2, "write", [dataset("other")], [dataset("/warehouse/t", version=eighth)]),
            run(3, "read", [dataset("db.t", version=seventh)], [dataset("report", columnLineage=said)]),
        )

        def walked(name: str, direction: str) -> dict[str, Any]:
            asked = {"graph": "evidence", "asset": str(named(name).uuid), "direction": direction, "depth": "9"}
            answer: dict[str, Any] = reader.get(f"{API}/graph", asked).json()
            return answer

        up, down = walked("report", "upstream"), walked("customers", "downstream")
        passed = {(node["name"], node["version"]) for node in up["nodes"] if node["type"] == "version"}
        assert {("/warehouse/t", "7"), ("db.t", "7")} <= passed
        assert {"customers", "report"} == {name for name, _ in passed} - {"/warehouse/t", "db.t"}
        assert {node["id"] for node in up["nodes"]} == {node["id"] for node in down["nodes"]}
        assert [edge["inferred"] for edge in up["edges"] if edge["relation"] == "alias"] == [False]
        [path] = fields.tags_upstream(named("report").uuid, tags=["personal-data"])
        assert str(path) == "customers.email -> /warehouse/t.mail -> db.t.mail -> report.to"

    def test_what_was_renamed_is_what_the_renaming_read(self, reader: Client) -> None:
        change = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "n", "name": "old"}}
        grow(
            run(1, "write", [CUSTOMERS], [dataset("old")]),
            run(2, "rename", [], [dataset("new", lifecycleStateChange=change)]),
            run(3, "copy", [dataset("new")], [dataset("copy", columnLineage=made_of(x=[("new.age", COPY)]))]),
        )
        told = dataset("old", columnLineage=made_of(mail=[("customers.email", COPY)], age=[("customers.age", COPY)]))
        paths = fields.tags_upstream(named("new").uuid, tags=["personal-data"])
        grow(run(4, "write", [CUSTOMERS], [told], eventTime="2026-03-01T10:01:30Z"))

        assert [str(path) for path in paths] == ["customers.email -> old (assumed) -> new"]
        assert fields.tags_upstream(named("copy").uuid, tags=["personal-data"]) == []

    def test_fields_and_their_tags_go_on(self, reader: Client) -> None:
        told = made_of(mail=[("customers.email", COPY)])
        said = made_of(to=[("db.t.mail", COPY)])
        said["fields"]["to"]["inputFields"] = [{"namespace": "n", "name": "db.t", "field": "mail"}]
        grow(
            run(1, "write", [CUSTOMERS], [symlinked("/warehouse/t", "db.t")]),
            run(2, "write", [CUSTOMERS], [dataset("/warehouse/t", columnLineage=told)]),
            run(3, "read", [dataset("db.t")], [dataset("report", columnLineage=said)]),
        )

        walked = reader.get(
            f"{API}/graph",
            {
                "asset": str(named("report").uuid),
                "level": "field",
                "field": "to",
                "direction": "upstream",
                "depth": "9",
            },
        ).json()
        [path] = fields.tags_upstream(named("report").uuid, tags=["personal-data"])

        assert {node["name"] for node in walked["nodes"]} == {"report", "db.t", "/warehouse/t", "customers"}
        assert {edge["relation"] for edge in walked["edges"]} == {"direct", "same"}
        assert [str(place) for place in path.places] == ["customers.email", "/warehouse/t.mail", "report.to"]
