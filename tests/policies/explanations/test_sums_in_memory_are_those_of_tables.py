"""What is summed up in memory comes out as the same table does, whatever is in it."""

from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Invalid
from policies.explanations import arrays, summaries
from policies.explanations.attributions import Sent
from policies.explanations.loading import Explained

ASKED = Sent(attributions="it", value_prefix="value_", seed="seed")


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), features=st.integers(1, 25), rows=st.integers(1, 60), seeds=st.integers(1, 3))
def test_sums_are_those_of_the_table(
    seed: int, features: int, rows: int, seeds: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    random = np.random.default_rng(seed)
    # Few values, so that many are equal; some of them missing.
    drawn = [random.choice([np.nan, 0.0, 1.0, 2.0, 3.5], size=(rows, features)) for _ in range(seeds)]
    found = [
        Explained(
            values=random.normal(size=(rows, features)),
            base=np.full(rows, 0.25),
            output=random.normal(size=rows),
        )
        for _ in range(seeds)
    ]
    names = [f"f{place:02}" for place in range(features)]
    path = tmp_path_factory.mktemp("attributions") / "table.parquet"
    write(path, names, drawn, found)

    ours, theirs = arrays.sum_up(names, list(zip(drawn, found, strict=True))), summaries.sum_up(path, ASKED)

    assert [one.name for one in ours.features] == [one.name for one in theirs.features]
    assert [one.spread for one in ours.features] == [one.spread for one in theirs.features]
    for name in ("mean_absolute", "mean"):
        assert [getattr(one, name) for one in ours.features] == pytest.approx(
            [getattr(one, name) for one in theirs.features]
        )
    assert np.allclose(ours.by_seed, theirs.by_seed)
    assert (ours.rows, ours.lowest, ours.highest) == (theirs.rows, theirs.lowest, theirs.highest)
    assert ours.additivity is not None
    assert theirs.additivity is not None
    assert ours.additivity.error == pytest.approx(theirs.additivity.error)
    assert ours.additivity.scale == pytest.approx(theirs.additivity.scale)


def write(path: Path, names: list[str], drawn: list[np.ndarray], found: list[Explained]) -> None:
    columns = {
        **{f"shap_{name}": np.concatenate([one.values[:, place] for one in found]) for place, name in enumerate(names)},
        **{f"value_{name}": np.concatenate([one[:, place] for one in drawn]) for place, name in enumerate(names)},
        "base_value": np.concatenate([one.base for one in found]),
        "output": np.concatenate([one.output for one in found]),
        "seed": np.concatenate([np.full(len(one.base), place) for place, one in enumerate(found)]),
    }
    with duckdb.connect(":memory:") as database:
        database.register("columns", columns)
        database.execute("COPY (SELECT * FROM columns) TO $path (FORMAT parquet)", {"path": str(path)})


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308])
def test_what_is_no_finite_number_is_refused(value: float) -> None:
    explained = Explained(values=np.full((3, 2), value), base=np.zeros(3), output=np.zeros(3))

    with pytest.raises(Invalid, match=r"not (all )?finite"):
        arrays.sum_up(["a", "b"], [(np.zeros((3, 2)), explained)])
