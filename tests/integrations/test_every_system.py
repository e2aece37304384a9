"""What holds of every system: its fixtures are good events, and no hostile change makes more of them than a refusal."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import Invalid
from integrations import systems
from integrations.systems.base import Message, System, Tested
from lineage import events
from tests.integrations import replaying

REAL_RUNS = Path(__file__).parents[1] / "systems"
FIXTURES = [(system, path) for system in systems.ALL for path in replaying.fixtures(system)]
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "\0",
            "\ud800",
            "../../etc/passwd",
            "<script>",
            "2026-13-45T99:99:99Z",
            "1" * 5_000,
            "0001-01-01T00:00:00Z",
        ]
    ),
    st.lists(st.none(), max_size=2),
    st.just({}),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with every key in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in list(pairs):
        yield value, key
        yield from places(below)


def check(system: System, message: Message) -> None:
    try:
        typed = replaying.typed(system, message)
        told = system.events(typed, replaying.connection(system)) if typed.type in system.handled else []
    except Invalid:
        return
    for event in told:
        # Names may be as hostile as they like; the log itself refuses what it cannot hold.
        with suppress(events.BadEvent):
            events.read(json.dumps(event).encode())


@pytest.mark.parametrize(("system", "path"), FIXTURES, ids=lambda one: getattr(one, "slug", getattr(one, "name", "")))
def test_a_fixture_becomes_events_that_the_log_takes_and_the_same_again(system: System, path: Path) -> None:
    message = replaying.typed(system, replaying.message(path))

    assert message.type in system.handled or message.type in system.ignored, f"{message.type} is unknown"
    if message.type in system.handled:
        told = system.events(message, replaying.connection(system))
        assert told == system.events(message, replaying.connection(system))
        for event in told:
            assert events.read(json.dumps(event).encode()).warnings == ()


@pytest.mark.parametrize(("system", "path"), FIXTURES, ids=lambda one: getattr(one, "slug", getattr(one, "name", "")))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_hostile_change_is_read_or_refused_and_nothing_else(system: System, path: Path, data: st.DataObject) -> None:
    message = replaying.message(path)
    document = copy.deepcopy(message.document)
    spots = list(places(document))
    for _ in range(data.draw(st.integers(1, 4))):
        container, key = data.draw(st.sampled_from(spots))
        if isinstance(container, dict) and data.draw(st.booleans()):
            container.pop(key, None)
        elif isinstance(container, dict) or key < len(container):
            container[key] = data.draw(HOSTILE)
    check(
        system,
        Message(
            received_at=message.received_at,
            document=document,
            body=json.dumps(document).encode(),
            headers=message.headers,
            type=message.type,
        ),
    )


@pytest.mark.parametrize("system", systems.ALL, ids=lambda system: system.slug)
def test_a_body_of_another_type_is_read_or_refused_and_nothing_else(system: System) -> None:
    messages = [replaying.typed(system, replaying.message(path)) for path in replaying.fixtures(system)]

    for message in messages:
        for other in system.handled:
            check(system, replace(message, type=other))


@pytest.mark.parametrize("system", systems.ALL, ids=lambda system: system.slug)
def test_every_handled_type_has_a_fixture(system: System) -> None:
    shown = {replaying.typed(system, replaying.message(path)).type for path in replaying.fixtures(system)}

    assert set(system.handled) <= shown


def test_only_ignored_types_of_systems_that_are_polled_ask_for_a_poll() -> None:
    assert [one.slug for one in systems.ALL if one.nudges - set(one.ignored) or (one.nudges and one.poll is None)] == []


def test_no_type_is_both_handled_and_ignored() -> None:
    assert [system.slug for system in systems.ALL if set(system.handled) & set(system.ignored)] == []


def test_what_is_said_to_run_for_real_does() -> None:
    runs = "".join(path.read_text() for path in REAL_RUNS.glob("test_*.py"))

    assert [one.slug for one in systems.ALL if one.tested is Tested.REAL and f'"{one.slug}"' not in runs] == []
