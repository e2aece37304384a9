"""A table of a warehouse as evidence: named by reference, counted there, and only where the operator allows it."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import msgspec
import psycopg
import pytest
from django.db import connections
from pytest_django import Settings

from governance import stores
from governance.environment import BadSetting
from governance.errors import DomainError, Invalid, NotFound
from governance.models import Team, User
from policies import measuring, warehouses
from policies.checks.fairness import FairnessParameters
from policies.fairness import counts
from policies.fairness.groups import Columns, Counts, Part
from policies.models import GroupCounts, Promotion
from tests.policies import stories

POLICY = """\
policy: fair
applies: {stage: production}
rules:
  - check: fairness
    evidence: holdout
    label: label
    prediction: prediction
    sensitive: [sex, race]
    metric: selection_rate_difference
    maximum: 0.2
"""
BY_CLASS = Columns(label="label", prediction="prediction", sensitive=["sex", "race"])
BY_SCORE = Columns(label="label", score="score", threshold=0.35, sensitive=["race"])
WEIGHTED = Columns(label="label", prediction="prediction", sensitive=["race"], weight="weight")
BY_W = Columns(label="label", prediction="prediction", sensitive=["race"], weight="w")
REFERENCE = "table:warehouse/credit.holdout"


@pytest.fixture
def warehouse(tmp_path: Path, settings: Settings) -> Path:
    """Three thousand rows in two schemas, and the same as a file."""
    place = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(place)) as database:
        database.execute("SELECT setseed(0.5)")
        database.execute("CREATE SCHEMA credit")
        database.execute(
            """
            CREATE TABLE credit.holdout AS
            SELECT CASE WHEN random() < 0.5 THEN 'f' ELSE 'm' END AS sex,
                   CASE WHEN random() < 0.2 THEN NULL WHEN random() < 0.5 THEN 'a' ELSE 'b' END AS race,
                   (random() < 0.4)::int AS label, (random() < 0.3)::int AS prediction, random() AS score,
                   0.5 + random() AS weight
            FROM range(3000)
            """
        )
        database.execute("CREATE TABLE light AS SELECT *, i - 5.0 AS w FROM credit.holdout, range(10) r(i)")
        database.execute("CREATE TABLE gaps AS SELECT *, nullif(i, 5) AS w FROM credit.holdout, range(1, 9) r(i)")
        database.execute("CREATE TABLE faulty AS SELECT 'f' AS sex, NULL::int AS label, 1 AS prediction, 'a' AS race")
        database.execute(
            "CREATE TABLE keys AS SELECT i::text sex, 'a' AS race, 1 AS label, 1 AS prediction FROM range(50001) r(i)"
        )
        database.execute(f"COPY credit.holdout TO '{tmp_path / 'holdout.parquet'}'")
    settings.EVIDENCE_TABLES = {"warehouse": f"duckdb://{place}?read_only=True", "gone": f"duckdb://{tmp_path}/no/such"}
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.mark.parametrize("columns", [BY_CLASS, BY_SCORE])
def test_the_counts_are_those_of_the_same_rows_in_a_file(warehouse: Path, columns: Columns) -> None:
    there = warehouses.count(REFERENCE, columns, Part.CONFUSION)

    assert there.rows == 3_000
    assert there.columns == columns
    assert there.groups() == counts.count(warehouse / "holdout.parquet", columns).groups()


def same_but_for_rounding(one: Counts, other: Counts) -> None:
    """Engines add up in different orders."""
    for cell, like in zip(one.groups(), other.groups(), strict=True):
        assert (cell.values, cell.rows) == (like.values, like.rows)
        for name in ("true_positive", "false_positive", "false_negative", "true_negative"):
            tally, alike = getattr(cell.confusion, name), getattr(like.confusion, name)
            assert tally.rows == alike.rows
            assert tally.weight == pytest.approx(alike.weight, rel=1e-12)
            assert tally.squared == pytest.approx(alike.squared, rel=1e-12)


def test_weights_are_those_of_the_same_rows_in_a_file(warehouse: Path) -> None:
    there = warehouses.count(REFERENCE, WEIGHTED, Part.CONFUSION)

    same_but_for_rounding(there, counts.count(warehouse / "holdout.parquet", WEIGHTED))


@pytest.mark.parametrize(
    ("version", "is_one"),
    [
        ("PostgreSQL 18.0 on x86_64-pc-linux-musl, compiled by gcc, 64-bit", True),
        ("PostgreSQL 15.14 (Debian 15.14-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc", True),
        ("PostgreSQL 12.12 (Greenplum Database 7.0.0 build x) on x86_64-pc-linux-gnu", False),
        ("PostgreSQL 11.2-YB-2.18.0.1-b0 on x86_64-pc-linux-gnu, compiled by clang", False),
        ("CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu, built 2023/09/27)", False),
    ],
)
def test_what_only_speaks_its_protocol_is_counted_each_time(version: str, is_one: bool) -> None:
    assert bool(warehouses.POSTGRESQL.match(version)) is is_one


def reused(reference: str, columns: Columns) -> bool:
    """Whether counts that are kept of a table's state are taken for it. Others may write to the server meanwhile."""
    kept = Counts(columns=columns, cells=[])
    said = {name: value for name, value in msgspec.to_builtins(columns).items() if value is not None}
    asked = FairnessParameters(evidence="holdout", metric="selection_rate_difference", maximum=1, **said)
    promotion = Promotion(evidence={"holdout": reference})
    for _ in range(50):
        digest = measuring.digest_of_table(reference)
        assert digest is not None
        GroupCounts.objects.get_or_create(
            digest=digest, question=measuring.question_of(asked), defaults={"counts": msgspec.to_builtins(kept)}
        )
        found = measuring.evaluation(promotion, asked)
        assert found is not None
        if found.counts == kept:
            return True
    return False


@pytest.mark.django_db
@pytest.mark.parametrize("columns", [BY_CLASS, BY_SCORE, WEIGHTED])
def test_postgresql_counts_the_same(warehouse: Path, settings: Settings, columns: Columns) -> None:
    owner = connections["owner"].get_connection_params()
    place = {name: owner[name] for name in ("host", "port", "user", "password") if owner.get(name)}
    address = f"postgres:///{owner['dbname']}?{urlencode(place)}"
    settings.EVIDENCE_TABLES = {"lake": address}
    with duckdb.connect(":memory:") as database:
        rows = database.execute(
            "SELECT sex, race, label, prediction, score, weight FROM read_parquet($path)",
            {"path": str(warehouse / "holdout.parquet")},
        ).fetchall()
    with psycopg.connect(dbname=owner["dbname"], autocommit=True, **place) as database_there:
        schema = f"gate_{uuid.uuid4().hex}"
        database_there.execute(f"CREATE SCHEMA {schema}")
        try:
            database_there.execute(
                f"CREATE TABLE {schema}.holdout "
                "(sex text, race text, label int, prediction int, score float8, weight float8)"
            )
            with database_there.cursor().copy(f"COPY {schema}.holdout FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            database_there.execute(f"CREATE VIEW {schema}.holdout_seen AS SELECT *, now() FROM {schema}.holdout")

            reference = f"table:lake/{schema}.holdout"
            there = warehouses.count(reference, columns, Part.CONFUSION)

            same_but_for_rounding(there, counts.count(warehouse / "holdout.parquet", columns))
            assert warehouses.state(f"{reference}_seen") is None
            assert reused(reference, columns)
            before = warehouses.state(reference)
            database_there.execute(f"DELETE FROM {schema}.holdout WHERE sex = 'f'")
            assert before != warehouses.state(reference) is not None
        finally:
            database_there.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.mark.parametrize(
    ("reference", "columns", "error", "says"),
    [
        ("table:warehouse/credit.nothing", BY_CLASS, NotFound, "no table credit.nothing"),
        ("table:gone/holdout", BY_CLASS, Invalid, "gone cannot be read"),
        ("table:other/holdout", BY_CLASS, Invalid, "no connection 'other'"),
        ("table:warehouse/faulty", BY_CLASS, Invalid, "'label'"),
        ("table:warehouse/keys", BY_CLASS, DomainError, "more than"),
        (REFERENCE, Columns(label="label", prediction="answer", sensitive=["sex"]), Invalid, "no column 'answer'"),
        ("table:warehouse/light", BY_W, Invalid, "'w': not all weights are above 0"),
        ("table:warehouse/gaps", BY_W, Invalid, "'w': 3,000 rows are missing"),
    ],
)
def test_what_cannot_be_counted_is_named(
    warehouse: Path, reference: str, columns: Columns, error: type[DomainError], says: str
) -> None:
    with pytest.raises(error, match=says):
        warehouses.count(reference, columns, Part.CONFUSION)


@pytest.mark.django_db
class TestPromotion:
    @pytest.fixture
    def ask(self, warehouse: Path, team: Team, member: User) -> Callable[[str], Promotion]:
        stories.publish(POLICY)
        stories.grow(stories.trained("1"))
        return lambda reference: stories.judge(stories.ask(member, evidence={"holdout": reference}))

    def test_is_judged_by_the_table_and_counted_anew_when_it_has_changed(
        self, ask: Callable[[str], Promotion], warehouse: Path
    ) -> None:
        finding = ask(REFERENCE).findings.get()
        assert finding.outcome == "pass"
        assert finding.evidence is not None
        assert finding.evidence["digest"] == REFERENCE

        ask(REFERENCE)
        assert GroupCounts.objects.count() == 1

        with duckdb.connect(str(warehouse / "warehouse.duckdb")) as database:
            database.execute("DELETE FROM credit.holdout WHERE sex = 'f' AND prediction = 1")
        changed = ask(REFERENCE).findings.get()
        assert changed.outcome == "fail"
        assert GroupCounts.objects.count() == 2

    def test_a_table_that_is_not_there_is_unknown(self, ask: Callable[[str], Promotion]) -> None:
        finding = ask("table:warehouse/credit.nothing").findings.get()

        assert (finding.outcome, "no table credit.nothing" in finding.summary) == ("unknown", True)

    @pytest.mark.parametrize(
        "reference",
        [
            "table:other/holdout",
            "table:/etc/passwd",
            "table:warehouse/../../etc/passwd",
            "table:warehouse/read_csv('/etc/passwd')",
            "table:duckdb:///etc/passwd",
            "table:warehouse/a.b.c.d",
            "TABLE:warehouse/holdout",
        ],
    )
    def test_nobody_reaches_what_is_not_configured(self, ask: Callable[[str], Promotion], reference: str) -> None:
        with pytest.raises(Invalid) as refused:
            ask(reference)

        assert list(refused.value.fields) == ["evidence.holdout"]
        assert not Promotion.objects.exists()


@pytest.mark.parametrize(
    "content", ["- a list", "warehouse: 7", "Ware House: duckdb://x", "warehouse: duckdb.db", "a: [", None]
)
def test_a_bad_file_of_connections_stops_the_start(content: Any, tmp_path: Path) -> None:
    place = tmp_path / "tables.yaml"
    if content is not None:
        place.write_text(content)

    with pytest.raises(BadSetting, match="ASSAY_EVIDENCE_TABLES"):
        stores.tables("ASSAY_EVIDENCE_TABLES", str(place))


def test_a_good_file_of_connections_is_read(tmp_path: Path) -> None:
    place = tmp_path / "tables.yaml"
    place.write_text("warehouse: duckdb:///srv/warehouse.duckdb\n")

    assert stores.tables("ASSAY_EVIDENCE_TABLES", str(place)) == {"warehouse": "duckdb:///srv/warehouse.duckdb"}
    assert stores.tables("ASSAY_EVIDENCE_TABLES", "") == {}
