"""Explain a model's file as a worker does: `python -m bench.explanations_worker MODEL DATA`, alone in its process."""

import json
import resource
import sys
from pathlib import Path

from policies.explanations import computing
from policies.explanations.attributions import Computed


def main() -> None:
    model, data = map(Path, sys.argv[1:3])
    features = [f"f{number}" for number in range(20)]
    asked = Computed(model=model.name, data=data.name, features=features, sample=1_000)
    found = computing.compute(model, data, asked, computing.recognise(model, asked))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    error = found.additivity.ratio if found.additivity else None
    sys.stdout.write(json.dumps({"peak_mib": peak / 1024, "values": {"additivity": error, "rows": found.rows}}))


if __name__ == "__main__":
    main()
