"""Small models in the formats that workers explain, and the table they were trained on."""

from functools import cache
from pathlib import Path

import lightgbm
import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FEATURES = ["income", "Age", "age", "debt ratio", 'post"code']
WEIGHTS = [2.0, -1.0, 0.5, 0.0, 0.25]
ROWS = 2_000


@cache
def table() -> NDArray[np.float64]:
    return np.random.default_rng(7).normal(size=(ROWS, len(FEATURES)))


@cache
def labels() -> NDArray[np.int64]:
    found: NDArray[np.int64] = (table() @ np.array(WEIGHTS) > 0).astype(np.int64)
    return found


def write_data(path: Path) -> Path:
    columns = {name: pa.array(column) for name, column in zip(FEATURES, table().T, strict=True)}
    pq.write_table(pa.table({**columns, "label": pa.array(labels())}), path)
    return path


@cache
def booster() -> xgboost.Booster:
    matrix = xgboost.DMatrix(table(), label=labels(), feature_names=FEATURES)
    return xgboost.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, matrix, 10)


def write_xgboost(path: Path) -> Path:
    booster().save_model(path)
    return path


def write_classes(path: Path) -> Path:
    """A model of three classes, without names of features."""
    data = xgboost.DMatrix(table(), label=labels() + (table()[:, 0] > 1))
    xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "nthread": 1}, data, 3).save_model(
        path
    )
    return path


def write_lightgbm(path: Path) -> Path:
    names = [name.replace('"', "_").replace(" ", "_") for name in FEATURES]
    data = lightgbm.Dataset(table(), label=labels(), feature_name=names)
    parameters = {"objective": "binary", "verbosity": -1, "num_leaves": 7, "num_threads": 1}
    lightgbm.train(parameters, data, 10).save_model(path)
    return path


def write_onnx(path: Path) -> Path:
    """A linear model: its attributions are known in closed form."""
    weights = numpy_helper.from_array(np.array(WEIGHTS, dtype=np.float32).reshape(-1, 1), "weights")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["features", "weights"], ["score"])],
        "linear",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(FEATURES)])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(path))
    return path
