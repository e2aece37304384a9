"""The law of the projection: any order, any repeats, any split into batches."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage.models import Asset
from tests.lineage import dump, growing, strategies

pytestmark = pytest.mark.django_db
# Each example runs in a savepoint of the test's transaction, so a shared database connection is no leak.
LAW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@st.composite
def histories(
    draw: st.DrawFn, one: st.SearchStrategy[dict[str, Any]] = strategies.EVENTS
) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]], int]:
    """Some events; the same shuffled, repeated and split into batches; a size for the projector's batches."""
    events = draw(st.lists(one, min_size=1, max_size=12))
    repeats = draw(st.lists(st.sampled_from(events), max_size=4))
    shuffled = draw(st.permutations(events + repeats))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    batches = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    return events, batches, draw(st.integers(1, 6))


@LAW
@given(histories())
def test_order_repeats_and_batches_do_not_change_the_graph(
    history: tuple[list[dict[str, Any]], list[list[dict[str, Any]]], int],
) -> None:
    events, batches, limit = history

    assert growing.graph_of(batches, limit) == growing.graph_of([events])


@LAW
@given(histories(strategies.NAMINGS))
def test_nor_do_they_where_names_are_told_and_rejected(
    history: tuple[list[dict[str, Any]], list[list[dict[str, Any]]], int],
) -> None:
    events, batches, limit = history

    assert growing.graph_of(batches, limit) == growing.graph_of([events])


@LAW
@given(histories(strategies.JOININGS))
def test_nor_do_they_where_joins_are_undone(
    history: tuple[list[dict[str, Any]], list[list[dict[str, Any]]], int],
) -> None:
    events, batches, limit = history

    assert growing.graph_of(batches, limit) == growing.graph_of([events])


def some_events() -> list[dict[str, Any]]:
    return [
        {
            "eventTime": f"2026-03-01T10:00:0{n}Z",
            "producer": "urn:assay:test",
            "run": {"runId": f"0190a0b0-0000-7000-8000-00000000000{n}"},
            "job": {"namespace": "jobs", "name": "j"},
            "inputs": [{"namespace": "n", "name": f"d{n}"}],
        }
        for n in range(4)
    ]


def test_the_law_would_notice_a_lost_event() -> None:
    events = some_events()

    assert growing.graph_of([events]) != growing.graph_of([events[:3]])


def test_it_would_notice_a_reference_to_nothing() -> None:
    growing.append(some_events())
    growing.project()
    asset = Asset.objects.get(name="d2")

    assert dump.dangling() == []
    Asset.objects.filter(pk=asset.pk).delete()

    assert {found.partition(" ")[0] for found in dump.dangling()} == {"Edge", "RunIO"}


def test_a_large_shuffled_history_grows_the_same_graph() -> None:
    chance = random.Random(7)
    events = [
        {
            "eventTime": f"2026-03-01T10:{n % 60:02}:00Z",
            "eventType": chance.choice(["START", "COMPLETE", "FAIL"]),
            "producer": "urn:assay:test",
            "run": {"runId": f"0190a0b0-0000-7000-8000-{chance.randrange(40):012}"},
            "job": {"namespace": "jobs", "name": f"j{chance.randrange(9)}"},
            "inputs": [
                {
                    "namespace": "n",
                    "name": f"d{chance.randrange(30)}",
                    "facets": {"documentation": {"description": str(n)}},
                }
            ],
            "outputs": [
                {
                    "namespace": "n",
                    "name": f"d{chance.randrange(30)}",
                    "facets": {"version": {"datasetVersion": str(n % 7)}},
                }
            ],
        }
        for n in range(300)
    ]
    shuffled = chance.sample(events, len(events))

    assert growing.graph_of([shuffled[:110], shuffled[110:]], 17) == growing.graph_of([events])
