"""Tables of attributions that pipelines send: what they come to, and which are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from governance.errors import DomainError, TooLarge
from policies.explanations import judging, summaries
from policies.explanations.attributions import PARTS, Sent

SENT = Sent(attributions="shap")


def write(path: Path, columns: dict[str, Any]) -> Path:
    table = pa.table(columns)
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    return path


def columns(rows: int = 300) -> dict[str, Any]:
    random = np.random.default_rng(1)
    age, income = random.normal(size=rows), random.normal(size=rows) * 3
    return {
        "shap_age": age,
        "shap_income": income,
        "age": random.integers(18, 90, size=rows),
        "base_value": np.full(rows, 0.5),
        "output": 0.5 + age + income,
        "seed": np.arange(rows) % 3,
    }


@pytest.mark.parametrize("name", ["shap.parquet", "shap.csv"])
def test_means_spreads_and_additivity_are_those_of_the_rows(name: str, tmp_path: Path) -> None:
    given = columns()

    found = summaries.sum_up(write(tmp_path / name, given), Sent(attributions="shap", seed="seed"))

    income, age = found.features
    assert (income.name, age.name, found.rows) == ("income", "age", 300)
    assert income.mean_absolute == pytest.approx(np.abs(given["shap_income"]).mean(), rel=1e-12)
    assert age.mean == pytest.approx(given["shap_age"].mean(), abs=1e-12)
    assert found.share(income) + found.share(age) == pytest.approx(1)
    assert found.additivity is not None
    assert found.additivity.error < 1e-9
    assert found.additivity.scale == pytest.approx(np.sqrt(((given["output"] - 0.5) ** 2).mean()))
    assert [len(feature.spread) for feature in found.features] == [PARTS, PARTS]
    low, middle, high, unknown = (sum(part[third] for part in age.spread) for third in range(4))
    assert low + middle + high == 300
    assert min(low, middle, high) > 80
    assert unknown == 0
    assert sum(part[3] for part in income.spread) == 300
    assert len(found.by_seed) == 3
    assert judging.stability(found) == 1


def test_a_constant_model_is_explained_by_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "s.parquet", {"shap_a": [0.0, 0.0], "base_value": [1.0, 1.0], "output": [1.0, 1.0]})

    found = summaries.sum_up(path, SENT)

    assert found.total == 0
    assert found.share(found.features[0]) == 0
    assert found.additivity is not None
    assert found.additivity.ratio == 0


@pytest.mark.parametrize(
    ("change", "asked", "says"),
    [
        ({"shap_age": [None] * 300}, SENT, "Column 'shap_age': 300 rows are no number"),
        ({"shap_age": [float("nan")] + [1.0] * 299}, SENT, "Column 'shap_age': 1 row is no number"),
        ({"shap_age": [float("inf")] + [1.0] * 299}, SENT, "Column 'shap_age': 1 row is no number"),
        ({"shap_age": ["x" * 10] * 300}, SENT, "Column 'shap_age': 300 rows are no number"),
        ({"shap_age": [[1.0]] * 300}, SENT, "which is not a number"),
        ({"output": [None] * 300}, SENT, "Column 'output': 300 rows are no number"),
        ({}, Sent(attributions="s", prefix="phi_"), "no column that begins with 'phi_'"),
        ({}, Sent(attributions="s", features=["agee"]), "no column 'shap_agee'. Did you mean 'shap_age'"),
        ({}, Sent(attributions="s", seed="sed"), "no column 'sed'"),
        ({"seed": list(range(300))}, Sent(attributions="s", seed="seed"), "more than 20 seeds"),
    ],
)
def test_tables_that_cannot_be_used_name_the_column(
    change: dict[str, Any], asked: Sent, says: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "s.parquet", columns() | change)

    with pytest.raises(DomainError) as refused:
        summaries.sum_up(path, asked)

    assert says in refused.value.message


def test_a_table_without_rows_or_with_too_many_features_is_refused(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.parquet", {"shap_a": pa.array([], pa.float64())})
    wide = write(tmp_path / "wide.parquet", {f"shap_{number}": [1.0] for number in range(1_001)})

    with pytest.raises(DomainError, match="no rows"):
        summaries.sum_up(empty, SENT)
    with pytest.raises(TooLarge, match="1,001 features"):
        summaries.sum_up(wide, SENT)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([3.0, 2.0, 1.0], [30.0, 20.0, 10.0], 1.0),
        ([3.0, 2.0, 1.0], [1.0, 2.0, 3.0], -1.0),
        ([1.0, 1.0, 2.0], [1.0, 2.0, 3.0], 0.8660254037844387),
    ],
)
def test_rank_correlations_share_equal_ranks(one: list[float], other: list[float], expected: float) -> None:
    assert judging.spearman(one, other) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0]])
def test_what_cannot_be_ranked_has_no_correlation(values: list[float]) -> None:
    assert np.isnan(judging.spearman(values, values))
