"""Distances between distributions: against SciPy, against their definitions, and counted in DuckDB."""

import csv
import math
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.stats import multitest

from governance.errors import Invalid
from policies.distributions import counts, statistics

DIGITS = 1e-12
# The first row holds somebody on either side.
COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=8).map(
    lambda rows: [(1, 1), *rows]
)
# Machines under load draw slowly.
LAWS = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("x", [1e-3, 0.05, 0.3, 0.7, 1.0, 1.1799, 1.18, 1.5, 2.5, 4.0, 8.0])
def test_the_tail_of_kolmogorov(x: float) -> None:
    assert statistics.kolmogorov(x) == pytest.approx(float(special.kolmogorov(x)), rel=DIGITS, abs=1e-15)


@pytest.mark.parametrize("degrees", [1, 2, 5, 17, 100, 499])
@pytest.mark.parametrize("statistic", [1e-9, 0.3, 2.0, 15.0, 90.0, 480.0, 900.0])
def test_the_tail_of_chi_squared(degrees: int, statistic: float) -> None:
    expected = float(stats.chi2.sf(statistic, degrees))

    assert statistics.chi_squared_tail(statistic, degrees) == pytest.approx(expected, rel=1e-11, abs=1e-290)


@LAWS
@given(COUNTS)
def test_chi_squared_of_counts(rows: list[tuple[int, int]]) -> None:
    table = [row for row in rows if sum(row)]
    one, other = [row[0] for row in rows], [row[1] for row in rows]
    if len(table) < 2:
        return
    expected = stats.chi2_contingency(np.array(table).T, correction=False)

    statistic, degrees, size = statistics.chi_squared(one, other)

    assert statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert degrees == expected.dof
    assert size == pytest.approx(stats.contingency.association(np.array(table).T, method="cramer"), rel=1e-9, abs=1e-9)


@LAWS
@given(COUNTS)
def test_laws_of_the_stability_index(rows: list[tuple[int, int]]) -> None:
    one, other = [row[0] for row in rows], [row[1] for row in rows]

    value = statistics.stability_index(one, other)

    assert value == pytest.approx(statistics.stability_index(other, one))
    assert value > -1e-9 or 0 in one + other
    assert statistics.stability_index(one, one) == 0
    if 0 not in one + other:
        p, q = np.array(one) / sum(one), np.array(other) / sum(other)
        assert value == pytest.approx(float(stats.entropy(p, q) + stats.entropy(q, p)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("probabilities", [[0.04], [0.01, 0.04, 0.03, 0.005], [0.9, 0.2, 0.2, 0.001], [0, 1, 0.5]])
def test_holm(probabilities: list[float]) -> None:
    expected = multitest.multipletests(probabilities, method="holm")[1]

    assert statistics.holm(probabilities) == pytest.approx(list(expected))


def test_rare_categories_are_pooled() -> None:
    assert statistics.pooled(["a", "b", "c"], [50, 2, 1], [50, 1, 2]) == (["a", "(rare)"], [50, 3], [50, 3])


@pytest.mark.parametrize("rows", [(1, 1), (2, 3), (7, 7), (100, 37), (400, 300), (50, 5_000), (999, 1_000)])
@pytest.mark.parametrize("shift", [0.0, 0.1, 0.4])
def test_the_probability_of_a_distance_is_exact(rows: tuple[int, int], shift: float) -> None:
    random = np.random.default_rng(7)
    one, other = random.normal(size=rows[0]), random.normal(shift, size=rows[1])
    exact = stats.ks_2samp(one, other, method="exact")

    assert statistics.kolmogorov_smirnov(exact.statistic, *rows) == pytest.approx(exact.pvalue, rel=1e-9, abs=DIGITS)


def test_of_many_rows_the_limit_says_little_too_much() -> None:
    random = np.random.default_rng(7)
    one, other = random.normal(size=2_000), random.normal(0.03, size=1_500)
    exact = stats.ks_2samp(one, other, method="exact")

    assert 0 <= statistics.kolmogorov_smirnov(exact.statistic, 2_000, 1_500) - exact.pvalue < 0.03


def written(path: Path, **columns: Any) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    random = np.random.default_rng(3)
    one = {"x": random.normal(size=3000), "kind": random.choice(["a", "b", "c"], 3000), "flag": ["1", "", "0"] * 1000}
    other = {
        "x": random.normal(0.2, size=2000),
        "kind": random.choice(["a", "b", "d"], 2000),
        "flag": ["1", "0"] * 1000,
    }
    return written(tmp_path / "one.csv", **one), written(tmp_path / "other.csv", **other)


@pytest.mark.parametrize("is_parquet", [False, True])
def test_columns_are_counted_as_they_are(tables: tuple[Path, Path], tmp_path: Path, is_parquet: bool) -> None:
    one, other = tables
    values = [duckdb.execute(f"SELECT x FROM read_csv('{path}')").fetchnumpy()["x"] for path in tables]
    if is_parquet:
        one = tmp_path / "one.parquet"
        duckdb.execute(f"COPY (SELECT * FROM read_csv('{tables[0]}', all_varchar => true)) TO '{one}'")

    x, kind, flag = counts.count(one, other)

    assert x.distance == pytest.approx(stats.ks_2samp(*values).statistic, abs=DIGITS)
    assert (sum(x.training), sum(x.serving), len(x.labels)) == (3000, 2000, 10)
    assert all(count == 300 for count in x.training)
    assert kind.labels == ["a", "b", "c", "d"]
    assert (kind.training[3], kind.serving[2], kind.is_ordered) == (0, 0, False)
    assert (flag.training, flag.serving, flag.missing, flag.is_ordered) == ([1000, 1000], [1000, 1000], (1000, 0), True)


def test_columns_that_cannot_be_compared_say_why(tmp_path: Path) -> None:
    many = [f"v{number}" for number in range(600)]
    one = written(tmp_path / "one.csv", id=many, empty=[""] * 600)
    other = written(tmp_path / "other.csv", id=many, empty=["1"] * 600)

    found = counts.count(one, other, ["id", "empty", "nowhere"])

    assert [fact.problem for fact in found] == [
        "has more than 500 categories",
        "has no values",
        "The table has no column 'nowhere'",
    ]


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    table = written(tmp_path / "one.csv", x=[1, 2])
    (tmp_path / "other").write_bytes(b"\x80\x04\x95pickle\x00")

    with pytest.raises(Invalid):
        counts.count(table, tmp_path / "other")


def test_values_that_are_no_number_are_missing(tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", x=["1", "nan", "2", "-0.0", "0"])
    other = written(tmp_path / "other.csv", x=["1", "2", "", "0", "inf"])

    (fact,) = counts.count(one, other)

    assert fact.missing == (1, 1)
    assert fact.distance is not None
    assert math.isclose(fact.distance, 0.25)
