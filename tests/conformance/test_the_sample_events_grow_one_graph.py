"""The real sample events, shuffled, repeated and split, give the same graph."""

import json
import random
from typing import Any

import pytest

from tests.conformance.corpus import CORPUS, requires_corpus
from tests.lineage import growing

pytestmark = [pytest.mark.django_db, requires_corpus]


def sample_events() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for path in sorted((CORPUS / "openlineage" / "events").rglob("*.json*")):
        if "invalid" in path.parts or "template" in path.name:
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            events += [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            document = json.loads(text)
            events += document if isinstance(document, list) else [document]
    return events


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_repeated_and_split_they_give_the_same_graph(seed: int) -> None:
    events = sample_events()
    chance = random.Random(seed)
    shuffled = chance.sample(events, len(events)) + chance.sample(events, 30)
    cut = chance.randrange(len(shuffled))

    assert growing.graph_of([shuffled[:cut], shuffled[cut:]], chance.randrange(1, 40)) == growing.graph_of([events])
