"""A job event replaces what the job declared before; runs are not touched by it."""

from typing import Any

import pytest

from lineage.models import Edge
from tests.lineage import growing

pytestmark = pytest.mark.django_db


def declares(hour: int, **lists: Any) -> dict[str, Any]:
    return {
        "eventTime": f"2026-03-01T{hour:02}:00:00Z",
        "producer": "urn:assay:test",
        "job": {"namespace": "jobs", "name": "j"},
    } | {key: [{"namespace": "n", "name": name} for name in names] for key, names in lists.items()}


def edges() -> list[tuple[str, int, int | None]]:
    return sorted(
        (edge.source.name, edge.valid_from.hour, edge.valid_to.hour if edge.valid_to else None)
        for edge in Edge.objects.filter(is_declared=True, relation="consumed").select_related("source")
    )


def test_an_input_that_is_no_longer_declared_is_closed() -> None:
    growing.append([declares(1, inputs=["a", "b"]), declares(5, inputs=["b"])])
    growing.project()

    assert edges() == [("a", 1, 5), ("b", 1, None)]


def test_a_declaration_that_comes_late_is_put_in_its_place() -> None:
    for document in (declares(1, inputs=["a"]), declares(9, inputs=["a"]), declares(5, inputs=["b"])):
        growing.append([document])
        growing.project()

    assert edges() == [("a", 1, 5), ("a", 9, None), ("b", 5, 9)]


def test_of_two_declarations_of_one_time_one_holds_and_the_other_was_known_before_it() -> None:
    for document in (declares(1, inputs=["a"]), declares(1, inputs=["b"])):
        growing.append([document])
        growing.project()

    assert {(hour, until) for _, hour, until in edges()} == {(1, 1), (1, None)}


def test_an_empty_list_says_that_there_is_no_input_and_a_missing_one_says_nothing() -> None:
    growing.append([declares(1, inputs=["a"]), declares(2, outputs=["z"])])
    growing.project()
    assert edges() == [("a", 1, None)]

    growing.append([declares(3, inputs=[])])
    growing.project()
    assert edges() == [("a", 1, 3)]


def test_runs_keep_their_edges_when_a_declaration_changes() -> None:
    run = declares(2, inputs=["a"]) | {"run": {"runId": "0190a0b0-0000-7000-8000-000000000001"}}
    growing.append([declares(1, inputs=["a"]), run, declares(3, inputs=["b"])])
    growing.project()

    assert Edge.objects.filter(is_declared=False, source__name="a", valid_to=None).exists()
