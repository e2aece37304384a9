"""Rows, their ratios and targets, and how they are printed."""

import json
from typing import Any

import pytest

from bench import rows
from bench.rows import Better, Peer, Row, Target

FIELDS = {"name", "metric", "value", "unit", "peer", "ratio", "target", "holds"}


def measured(*values: float, **keywords: Any) -> Row:
    return rows.measured("ingest", "one a request", values, "events/s", **keywords)


def test_the_value_is_the_median_of_the_runs() -> None:
    row = measured(900, 1_000, 5_000)

    assert row.value == 1_000
    assert row.runs == (900, 1_000, 5_000)


def test_a_ratio_over_one_is_better_than_the_peer_where_more_is_better() -> None:
    assert measured(800, peer=Peer(name="floor", values=[2_000, 1_600, 1_000])).ratio == 0.5


def test_a_ratio_over_one_is_better_than_the_peer_where_less_is_better() -> None:
    assert measured(20, better=Better.LESS, peer=Peer(name="floor", values=[40])).ratio == 2


@pytest.mark.parametrize(
    ("value", "better", "target", "holds"),
    [
        (800, Better.MORE, Target(value=800), True),
        (799, Better.MORE, Target(value=800), False),
        (60, Better.LESS, Target(value=60), True),
        (61, Better.LESS, Target(value=60), False),
        (800, Better.MORE, Target(value=800, ratio=0.4), True),
        (700, Better.MORE, Target(ratio=0.4), False),
        (900, Better.MORE, Target(value=1_000, ratio=0.4), False),
        (900, Better.MORE, None, None),
    ],
)
def test_a_target_holds_when_all_of_it_is_reached(
    value: float, better: Better, target: Target | None, holds: bool | None
) -> None:
    row = measured(value, better=better, target=target, peer=Peer(name="floor", values=[2_000]))

    assert row.holds is holds


def test_a_ratio_without_its_peer_is_unknown_and_never_reached() -> None:
    assert measured(10_000, target=Target(value=800, ratio=0.4)).holds is None
    assert measured(10, target=Target(value=800, ratio=0.4)).holds is False


def test_what_was_not_measured_says_why_and_is_never_reached() -> None:
    row = rows.not_measured("peers", "one by one", "events/s", "no wheel", peer="store", target=Target(ratio=3))

    assert (row.value, row.ratio, row.holds) == (None, None, None)
    assert row.note == "not measured: no wheel"
    assert row.target == ">= 3 of the peer"


def test_the_document_holds_every_field_of_every_row_and_the_machine() -> None:
    document = json.loads(
        json.dumps(rows.as_document([measured(1, peer=Peer(name="floor", values=[2]))], {"cores": 2}))
    )

    assert document["machine"] == {"cores": 2}
    assert document["rows"][0].keys() >= FIELDS
    assert document["rows"][0]["peer"] == "floor"
    assert document["rows"][0]["ratio"] == 0.5


def test_the_table_names_what_was_missed_and_what_is_unknown() -> None:
    table = rows.as_table(
        [
            measured(900, target=Target(value=800)),
            measured(700, target=Target(value=800), peer=Peer(name="floor", values=[1_400])),
            rows.not_measured("peers", "one by one", "events/s", "no wheel", target=Target(ratio=3)),
        ]
    ).splitlines()

    assert table[0].split() == ["bench", "metric", "value", "unit", "peer", "ratio", "target", "holds"]
    assert table[2].endswith("yes")
    assert table[3].endswith("NO")
    assert "floor: 1,400" in table[3]
    assert table[4].endswith("unknown")
    assert table[-1] == "  peers, one by one: not measured: no wheel"


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_value_that_occurred(share: float, expected: int) -> None:
    assert rows.percentile(range(1, 101), share) == expected


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        rows.percentile([], 0.5)
