"""Values are shown as people write them, and states that the portal does not know never look good."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal import marks
from portal.templatetags import marks as filters


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (None, ""),
        (timedelta(seconds=0.0871), "87 ms"),
        (timedelta(seconds=4.24), "4.2 s"),
        (timedelta(seconds=52), "52 s"),
        (timedelta(seconds=133), "2 min 13 s"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(hours=27, minutes=10), "1 d 3 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(length: timedelta | None, shown: str) -> None:
    assert filters.duration(length) == shown


def test_an_end_before_the_start_gives_no_duration() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)

    assert filters.until(now, now - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.8731234567, "0.873123"),
        (24000, "24,000"),
        (True, "yes"),
        (None, "none"),
        ({}, "none"),
        (["business_owner", "b"], "business owner\nb"),
        ("Not_a_slug", "Not_a_slug"),
        ({"in_production": 0.8}, "in production: 0.8"),
        ({"scopes": ["read", "lineage:write"], "everywhere": []}, "scopes: read, lineage:write\neverywhere: none"),
        ({"a": {"b": 1}}, '{\n  "a": {\n    "b": 1\n  }\n}'),
        ([[1]], "[\n  [\n    1\n  ]\n]"),
    ],
)
def test_a_measured_value_is_readable(value: Any, shown: str) -> None:
    assert filters.readable(value) == shown


def test_ids_of_one_hour_are_told_apart() -> None:
    assert filters.short("01a1fca0-a22b-7325-b5cf-4b79bcafd633") == "01a1…afd633"


def test_a_long_name_keeps_both_ends() -> None:
    assert filters.middle("a" * 50 + "z" * 50, 11) == "aaaa…zzzzzz"


@pytest.mark.parametrize("known", [marks.OUTCOMES, marks.PROMOTION_STATES, marks.RUN_STATES, marks.DECISIONS])
def test_an_unknown_state_is_shown_as_unknown(known: dict[str, marks.Mark]) -> None:
    found = marks.mark(known, "superseded")

    assert (found.word, found.tone) == ("superseded", "unknown")


def test_each_outcome_has_a_shape_of_its_own() -> None:
    shapes = [mark.icon for mark in marks.OUTCOMES.values()]

    assert len(shapes) == len(set(shapes))
