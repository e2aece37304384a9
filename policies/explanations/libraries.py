"""Loading what explaining a model takes, which may take longer than the explaining. For confined processes."""

import importlib
import sys
from collections.abc import Mapping
from types import MappingProxyType

from policies.explanations import arrays, loading, sampling
from policies.explanations.formats import Format

# XGBoost and LightGBM import these where they are installed, for interfaces that nothing here uses: seconds of start.
SPARED = ("sklearn", "pandas", "pyarrow", "matplotlib", "dask")
# What the process that explains works with, beside the library of the model.
OURS = (arrays, loading, sampling)
# ONNX Runtime starts threads when it is loaded, which no fork has; it is loaded where it is used, and soon.
BEFORE: Mapping[Format, str] = MappingProxyType({Format.XGBOOST: "xgboost", Format.LIGHTGBM: "lightgbm"})


def load(format_: str) -> None:
    """Have the library of a format loaded if it may be before a fork, and none that it would load for others."""
    sys.modules.update(dict.fromkeys(SPARED))  # type: ignore[arg-type]  # None means "not to be found"
    if (name := BEFORE.get(Format(format_))) is not None:
        importlib.import_module(name)
