"""Real measurements of 442 diabetes patients, which ship inside scikit-learn.

From Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression" (2004). The source codes the sex as 1 and 2 and
does not say which is which, so neither do we. A patient counts as progressed when the disease went further within a
year than in half of all patients.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

# What the model takes, by the columns of the source. HDL differs between the sexes, so it tells them apart.
SOURCE = {"age": "age", "blood_pressure": "bp", "hdl": "s3"}
FEATURES = tuple(SOURCE)
Table = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patients:
    """A row for each patient: features, the sex as coded, and whether the disease progressed."""

    features: Table
    sex: Labels
    progressed: Labels

    def __len__(self) -> int:
        return len(self.features)

    def part(self, rows: NDArray[np.intp]) -> "Patients":
        return Patients(features=self.features[rows], sex=self.sex[rows], progressed=self.progressed[rows])


def load() -> Patients:
    frame = load_diabetes(as_frame=True, scaled=False).frame
    return Patients(
        features=frame[list(SOURCE.values())].to_numpy(np.float64),
        sex=frame["sex"].to_numpy(np.int64),
        progressed=(frame["target"] > frame["target"].median()).to_numpy(np.int64),
    )
