"""Measures every fairness metric of a file from counts, with intervals, and prints values and memory as JSON."""

import json
import math
import sys
from pathlib import Path

from bench import peak
from policies.fairness import counts, judging
from policies.fairness.definitions import DEFINITIONS
from policies.fairness.groups import Columns, Part
from policies.fairness.judging import Method

COLUMNS = Columns(label="label", prediction="prediction", score="score", sensitive=["race", "sex"])


def main(path: Path) -> None:
    counted = counts.count(path, COLUMNS, list(Part))
    measured = {
        name: judging.measure(counted, definition, Method(), [COLUMNS.sensitive])
        for name, definition in DEFINITIONS.items()
    }
    values = {name: None if math.isnan(one.value) else one.value for name, one in measured.items()}
    print(json.dumps({"values": values, "peak_mib": peak.mebibytes()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
