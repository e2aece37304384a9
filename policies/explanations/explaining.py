"""Inside of a confined process: the attributions of a model's file on a sample of a table.

Its arguments are an order in JSON. It prints what it did, and leaves the attributions as a Parquet table in the working
folder: a row for each answer, with `shap_0`, `value_0` and so on by the place of the feature, `base_value`, `output`
and `seed`. A refusal is an answer as well; only what nobody foresaw ends it with an error.
"""

import sys
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np

from governance.errors import Invalid, TooLarge
from policies.explanations import loading, sampling
from policies.explanations.attributions import MAX_FEATURES
from policies.explanations.orders import RESULT, Answer, Order
from policies.fairness import tables

# XGBoost and LightGBM import these where they are installed, for interfaces that nothing here uses: seconds of start.
SPARED = ("sklearn", "pandas", "pyarrow", "matplotlib", "dask")


def main() -> None:
    sys.modules.update(dict.fromkeys(SPARED))  # type: ignore[arg-type]  # None means "not to be found"
    order = msgspec.json.decode(sys.argv[1], type=Order)
    try:
        answer = explain(order)
    except (Invalid, TooLarge) as error:
        answer = Answer(refused=error.message, is_too_large=isinstance(error, TooLarge))
    sys.stdout.write(msgspec.json.encode(answer).decode())


def explain(order: Order) -> Answer:
    asked = order.asked
    model = loading.load(Path(order.model), asked, order.format)
    names = loading.names(model, asked.features)
    if len(names) > MAX_FEATURES:
        raise TooLarge(f"The model has {len(names):,} features; at most {MAX_FEATURES:,} are explained.")
    found: list[dict[str, Any]] = []
    with tables.opened(Path(order.data), tables.Limits(memory_mib=order.memory_mib)) as table:
        # The rows that every sample is compared with, drawn with a seed that no sample has.
        background = sampling.sample(table, names, asked.background, seed=-1)
        for place in range(asked.seeds):
            seed = asked.seed + place
            rows = sampling.sample(table, names, asked.sample, seed=seed)
            explained = model.explain(rows, background, seed)
            if not np.isfinite(explained.values).all() or not np.isfinite(explained.output).all():
                raise Invalid("The model's outputs are not all finite numbers.")
            found.append(_columns(rows, explained, seed))
    _write({name: np.concatenate([one[name] for one in found]) for name in found[0]})
    return Answer(features=names, method=model.method)


def _columns(rows: loading.Table, explained: loading.Explained, seed: int) -> dict[str, Any]:
    return {
        **{f"shap_{place}": column for place, column in enumerate(explained.values.T.astype(np.float64))},
        **{f"value_{place}": column for place, column in enumerate(rows.T)},
        "base_value": explained.base.astype(np.float64),
        "output": explained.output.astype(np.float64),
        "seed": np.full(len(rows), seed, dtype=np.int64),
    }


def _write(columns: dict[str, Any]) -> None:
    with duckdb.connect(":memory:") as database:
        database.register("columns", columns)
        database.execute(f"COPY (SELECT * FROM columns) TO '{RESULT}' (FORMAT parquet)")


if __name__ == "__main__":
    main()
