"""Inside of a confined process: the attributions of a model's file on a sample of a table.

Its argument is an order in JSON. It prints what it found: sums, no row of a person. A refusal is an answer as well;
only what nobody foresaw ends it with an error.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np

from governance.errors import Invalid, TooLarge
from policies.explanations import arrays, libraries, loading, sampling
from policies.explanations.attributions import MAX_FEATURES, Attributions
from policies.explanations.orders import Answer, Order
from policies.fairness import tables


def main() -> None:
    order = msgspec.json.decode(sys.argv[1], type=Order)
    libraries.load(order.format)
    try:
        answer = Answer(found=explain(order))
    except (Invalid, TooLarge) as error:
        answer = Answer(refused=error.message, is_too_large=isinstance(error, TooLarge))
    sys.stdout.write(msgspec.json.encode(answer).decode())


def explain(order: Order) -> Attributions:
    asked = order.asked
    model = loading.load(Path(order.model), asked, order.format)
    names = loading.names(model, asked.features)
    if len(names) > MAX_FEATURES:
        raise TooLarge(f"The model has {len(names):,} features; at most {MAX_FEATURES:,} are explained.")
    with tables.opened(Path(order.data), tables.Limits(memory_mib=order.memory_mib)) as table:
        # The rows that every sample is compared with, drawn with a seed that no sample has.
        compared = sampling.sample(table, names, asked.background, seed=-1) if model.compares else np.empty((0, 0))
        drawn = [
            (seed, sampling.sample(table, names, asked.sample, seed=seed))
            for seed in range(asked.seed, asked.seed + asked.seeds)
        ]
    found = [(rows, model.explain(rows, compared, seed)) for seed, rows in drawn]
    return msgspec.structs.replace(arrays.sum_up(names, found), method=model.method)


if __name__ == "__main__":
    main()
