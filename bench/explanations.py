"""How fast a worker explains a model's file: 1,000 rows, 20 features, as a whole cold process with all its bounds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import onnx
import xgboost
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bench import fairness, rows
from bench.rows import Better, Row, Target
from bench.scene import Scene

WORKER = "bench.explanations_worker"
FEATURES, ROWS = 20, 100_000
MEBIBYTES = 1024.0
Table = NDArray[Any]


def run(stage: Scene) -> Iterator[Row]:
    data = stage.data / "features.parquet"
    made: list[Path] = [data]
    try:
        values, labels = _write(data)
        for name, write, seconds in (
            ("xgboost.ubj", _xgboost, 4.0),
            ("network.onnx", _onnx, 15.0),
        ):
            stage.say(f"explanations: {name}")
            model = stage.data / name
            made.append(model)
            write(model, values, labels)
            yield from _explained(name, model, data, seconds, stage.runs(5))
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def _explained(name: str, model: Path, data: Path, seconds: float, runs: int) -> Iterator[Row]:
    ours = [fairness.measure(WORKER, model, data) for _ in range(runs)]
    metric = f"{name}: SHAP values of 1,000 rows and {FEATURES} features of {ROWS:,}, cold process"
    yield rows.measured(
        "explanations", metric, [one.seconds for one in ours], "s", better=Better.LESS, target=Target(value=seconds)
    )
    yield rows.measured(
        "explanations",
        f"{name}: peak memory of the larger process",
        [one.peak_mib for one in ours],
        "MiB",
        better=Better.LESS,
        target=Target(value=MEBIBYTES),
    )
    errors = [error for one in ours if (error := one.values["additivity"]) is not None]
    yield rows.measured("explanations", f"{name}: additivity error", errors, "", better=Better.LESS)


def _write(path: Path) -> tuple[Table, Table]:
    """Rows of independent features, and a label that four of them decide."""
    random = np.random.default_rng(1)
    values = random.normal(size=(ROWS, FEATURES))
    labels = (2 * values[:, 0] + values[:, 1] - values[:, 2] * values[:, 3] + random.normal(size=ROWS) > 0).astype(int)
    columns = {f"f{number}": column for number, column in enumerate(values.T)}
    with duckdb.connect(":memory:") as database:
        database.register("columns", columns)
        database.execute("COPY (SELECT * FROM columns) TO $path (FORMAT parquet)", {"path": str(path)})
    return values, labels


def _xgboost(path: Path, values: Table, labels: Table) -> None:
    data = xgboost.DMatrix(values[:5_000], label=labels[:5_000])
    xgboost.train({"objective": "binary:logistic", "max_depth": 5, "nthread": 2}, data, 100).save_model(path)


def _onnx(path: Path, values: Table, labels: Table) -> None:
    """A network with one hidden layer of random weights: what it says matters less than what it costs."""
    random = np.random.default_rng(2)
    first = numpy_helper.from_array(random.normal(size=(FEATURES, 64)).astype(np.float32), "first")
    second = numpy_helper.from_array(random.normal(size=(64, 1)).astype(np.float32), "second")
    steps = (
        ("MatMul", ["x", "first"], "h"),
        ("Relu", ["h"], "a"),
        ("MatMul", ["a", "second"], "s"),
        ("Sigmoid", ["s"], "p"),
    )
    graph = helper.make_graph(
        [helper.make_node(kind, given, [gives]) for kind, given, gives in steps],
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, FEATURES])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
        [first, second],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(path))
