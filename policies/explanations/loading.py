"""Opening a model's file with the library of its format, and asking it for attributions. For confined processes. Pure.

Each library is imported only when its format is asked for: they are large, and optional.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from governance.errors import Invalid
from policies.explanations import permutation
from policies.explanations.attributions import Computed
from policies.explanations.formats import Format

Table = NDArray[np.float64]
THREADS = 2
_MEMORY_WORDS = ("bad_alloc", "bad allocation", "Failed to allocate", "out of memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Attributions by row and feature, with the base value and the output of each row."""

    values: Table
    base: Table
    output: Table


class Model(Protocol):
    """A model that was loaded. `features` is None where the file does not name them; `count` is how many there are.

    `compares` tells whether it needs other rows to compare with.
    """

    features: list[str] | None
    count: int
    method: str
    compares: bool

    def explain(self, rows: Table, background: Table, seed: int) -> Explained: ...


def load(path: Path, asked: Computed, format_: Format) -> Model:
    """Raises Invalid when the library cannot read the file."""
    match format_:
        case Format.XGBOOST:
            return XGBoost(path, asked)
        case Format.LIGHTGBM:
            return LightGBM(path, asked)
        case Format.ONNX:
            return Onnx(path, asked)


def _which(asked: Computed, outputs: int) -> int:
    """The output to explain."""
    if outputs == 1 and asked.output_index in {None, 0}:
        return 0
    if asked.output_index is None or not 0 <= asked.output_index < outputs:
        raise Invalid(
            f"The model has {outputs} outputs: say with output_index which one to explain, 0 to {outputs - 1}.",
            fields={"output_index": f"0 to {outputs - 1}"},
        )
    return asked.output_index


def _cannot_read(library: str, error: Exception) -> Invalid:
    """Raises MemoryError instead when that is what the library ran out of: the file may be well."""
    if isinstance(error, MemoryError) or any(word in str(error) for word in _MEMORY_WORDS):
        raise MemoryError from error
    line = str(error).strip().partition("\n")[0][:200]
    return Invalid(f"The model cannot be read by {library}: {line}")


class XGBoost:
    """Trees and linear models of XGBoost, by its own contributions: the same exact values as SHAP's TreeExplainer."""

    method = "TreeSHAP (Lundberg et al. 2020) by XGBoost's own contributions, of the margin"
    compares = False

    def __init__(self, path: Path, asked: Computed) -> None:
        import xgboost  # noqa: PLC0415

        self._library = xgboost
        try:
            self._booster = xgboost.Booster(params={"nthread": THREADS}, model_file=bytearray(path.read_bytes()))
            self.count = int(self._booster.num_features())
        except (xgboost.core.XGBoostError, ValueError) as error:
            raise _cannot_read("XGBoost", error) from error
        names = self._booster.feature_names
        self.features: list[str] | None = None if names is None else list(names)
        self._asked = asked

    def explain(self, rows: Table, background: Table, seed: int) -> Explained:
        try:
            matrix = self._library.DMatrix(
                rows, feature_names=self._booster.feature_names, feature_types=self._booster.feature_types
            )
            contributions = self._booster.predict(matrix, pred_contribs=True)
            output = self._booster.predict(matrix, output_margin=True)
        except self._library.core.XGBoostError as error:
            raise _cannot_read("XGBoost", error) from error
        if contributions.ndim == 3:
            which = _which(self._asked, contributions.shape[1])
            contributions, output = contributions[:, which, :], output[:, which]
        else:
            _which(self._asked, 1)
        return Explained(values=contributions[:, :-1], base=contributions[:, -1], output=output)


class LightGBM:
    """Trees of LightGBM, by its own contributions: the same exact values as SHAP's TreeExplainer."""

    method = "TreeSHAP (Lundberg et al. 2020) by LightGBM's own contributions, of the raw score"
    compares = False

    def __init__(self, path: Path, asked: Computed) -> None:
        import lightgbm  # noqa: PLC0415

        try:
            text = path.read_text(encoding="utf-8")
            self._booster = lightgbm.Booster(model_str=text, params={"num_threads": THREADS, "verbosity": -1})
        except (lightgbm.basic.LightGBMError, ValueError) as error:
            raise _cannot_read("LightGBM", error) from error
        self.count = int(self._booster.num_feature())
        names: list[str] = self._booster.feature_name()
        # What LightGBM calls columns that came without names.
        self.features = None if names == [f"Column_{place}" for place in range(self.count)] else names
        self._asked = asked

    def explain(self, rows: Table, background: Table, seed: int) -> Explained:
        more: dict[str, Any] = {"num_threads": THREADS, "predict_disable_shape_check": False}
        flat = np.asarray(self._booster.predict(rows, pred_contrib=True, **more))
        output = np.asarray(self._booster.predict(rows, raw_score=True, **more))
        outputs = flat.shape[1] // (self.count + 1)
        which = _which(self._asked, outputs)
        contributions = flat.reshape(len(rows), outputs, self.count + 1)[:, which, :]
        return Explained(
            values=contributions[:, :-1],
            base=contributions[:, -1],
            output=output if outputs == 1 else output[:, which],
        )


class Onnx:
    """Any model in ONNX that takes numbers, by permutations."""

    method = "interventional Shapley values by antithetic permutations, of the model's output"
    compares = True

    def __init__(self, path: Path, asked: Computed) -> None:
        import onnxruntime  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            # From bytes: so no tensor that lies outside of the file is looked for.
            self._session = onnxruntime.InferenceSession(
                path.read_bytes(), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # Its errors are of many types, which have no common one but this.
            raise _cannot_read("ONNX Runtime", error) from error
        self._asked = asked
        self._inputs = self._session.get_inputs()
        if wrong := [one for one in self._inputs if one.type not in _NUMBERS]:
            raise Invalid(f"The model's input {wrong[0].name!r} takes {wrong[0].type}; only numbers can be explained.")
        self.features: list[str] | None = None
        if len(self._inputs) == 1:
            width = self._inputs[0].shape[-1] if len(self._inputs[0].shape) == 2 else None
            self.count = width if isinstance(width, int) else len(asked.features or ())
        else:
            self.features = [one.name for one in self._inputs]
            self.count = len(self._inputs)
        self._output = self._find_output()

    def _find_output(self) -> str:
        """The last output that has real numbers: a classifier gives its labels before its probabilities."""
        found = [one.name for one in self._session.get_outputs() if one.type in {"tensor(float)", "tensor(double)"}]
        if not found:
            kinds = ", ".join(one.type for one in self._session.get_outputs())
            raise Invalid(
                f"The model gives {kinds}, of which none is a table of real numbers. Export probabilities as a tensor "
                "(with skl2onnx: options={'zipmap': False})."
            )
        last: str = found[-1]
        return last

    def explain(self, rows: Table, background: Table, seed: int) -> Explained:
        values, base, output = permutation.attributions(self._predict, rows, background, seed=seed)
        return Explained(values=values, base=np.full(len(rows), base), output=output)

    def _predict(self, rows: Table) -> Table:
        parts = [rows] if len(self._inputs) == 1 else [rows[:, [place]] for place in range(self.count)]
        feed = {one.name: part.astype(_NUMBERS[one.type]) for one, part in zip(self._inputs, parts, strict=True)}
        try:
            found = np.asarray(self._session.run([self._output], feed)[0], dtype=np.float64)
        except Exception as error:
            raise _cannot_read("ONNX Runtime", error) from error
        table = found.reshape(len(rows), -1)
        # Of two probabilities the second is that of the positive class.
        which = 1 if table.shape[1] == 2 and self._asked.output_index is None else _which(self._asked, table.shape[1])
        column: Table = table[:, which]
        return column


_NUMBERS: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


def names(model: Model, said: Sequence[str] | None) -> list[str]:
    """The features in the model's order. Raises Invalid when they are not known or said otherwise."""
    if said is None:
        if model.features is None:
            raise Invalid(
                f"The model's file does not name its {model.count} features: list them with features, in their order.",
                fields={"features": "is missing"},
            )
        return model.features
    if len(said) != model.count:
        raise Invalid(
            f"The model has {model.count} features, and {len(said)} are listed.", fields={"features": "not as many"}
        )
    return list(said)
