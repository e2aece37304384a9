"""docs/configuration.md says exactly what the code reads, and its examples and bad values are tried."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests import project
from tests.docs import documents, variables
from tests.docs.variables import Reading, Unseen

PAGE = documents.DOCS / "configuration.md"
# Every system sets these, and runs of tests on several cores.
OF_THE_SYSTEM = frozenset({"PATH", "LANG", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "PYTEST_XDIST_WORKER"})
OURS = re.compile(r"\b(ASSAY_[A-Z_]*[A-Z]|DATABASE_(?:APP_)?URL|BROKER_URL)\b")
SERVICE, COMMAND = "The service", "The command `assay`"
# The one section whose table is not about variables; test_commands reads it.
COMMANDS = "Commands for operators"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the document."""

    section: str
    names: tuple[str, ...]
    default: str
    example: str
    meaning: str
    bad: str

    @property
    def bad_value(self) -> str:
        return "".join(documents.CODE.findall(self.bad))


@cache
def entries() -> tuple[Entry, ...]:
    found = []
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = section.splitlines()[0]
        if title == COMMANDS:
            continue
        for names, default, example, meaning, bad in documents.rows(section):
            (shown,) = documents.CODE.findall(example)
            found.append(
                Entry(
                    section=title,
                    names=tuple(documents.CODE.findall(names)),
                    default=default,
                    example=shown,
                    meaning=meaning,
                    bad=bad,
                )
            )
    return tuple(found)


@cache
def readings() -> tuple[Reading, ...]:
    scripts = [path for path in project.files() if path.parent.name in {"script", ".ci"}]
    files = {*project.files(".py"), *scripts}
    return tuple(reading for path in sorted(files) for reading in variables.of(path))


def documented() -> list[str]:
    return [name for entry in entries() for name in entry.names]


def entry_of(name: str) -> Entry:
    return next(entry for entry in entries() if name in entry.names)


def settings_with(
    environment: dict[str, str], folder: Path, *, before: str = "django"
) -> subprocess.CompletedProcess[str]:
    """Start the settings with these variables alone, after loading other modules."""
    harmless = {"ASSAY_DATA": str(folder), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    return subprocess.run(
        [sys.executable, "-c", f"import {before}; import django; django.setup()"],
        cwd=project.ROOT,
        env=harmless | {"DJANGO_SETTINGS_MODULE": "governance.settings"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def refused(section: str) -> Iterable[str]:
    return [entry.names[0] for entry in entries() if entry.section == section and entry.bad_value]


def test_every_variable_that_is_read_is_documented() -> None:
    places = {reading.name: reading.place for reading in readings() if reading.name not in OF_THE_SYSTEM}

    assert len(places) > 25
    assert {name: place for name, place in places.items() if name not in documented()} == {}


def test_every_documented_variable_is_read_somewhere() -> None:
    assert sorted(set(documented()) - {reading.name for reading in readings()}) == []


def test_every_variable_is_documented_once() -> None:
    assert [name for name, times in Counter(documented()).items() if times > 1] == []


def test_defaults_and_bounds_are_those_of_the_settings() -> None:
    read = [one for one in readings() if one.place == "governance/settings.py"]
    defaults = {one.name: one.default for one in read if one.default is not None}
    bounds = {one.name: one.bounds for one in read if one.bounds}

    assert len(defaults) > 8
    assert {name: entry_of(name).default for name in defaults} == {name: f"`{one}`" for name, one in defaults.items()}
    assert len(bounds) > 3
    for name, (minimum, maximum) in bounds.items():
        assert f"{minimum} to {maximum}." in entry_of(name).meaning, name


def test_what_other_pages_call_a_variable_is_one() -> None:
    called = {name: page for page in documents.pages() for name in OURS.findall(page.read_text(encoding="utf-8"))}

    assert {name: page for name, page in called.items() if name not in documented()} == {}


def test_the_examples_are_taken(tmp_path: Path) -> None:
    examples = {entry.names[0]: entry.example for entry in entries() if entry.section == SERVICE}

    started = settings_with(examples, tmp_path)

    assert started.returncode == 0, started.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broker", ["", "filesystem://", "amqp://guest:guest@127.0.0.1:1//"])
def test_a_worker_that_loads_celery_first_takes_the_same_settings(broker: str, tmp_path: Path) -> None:
    """Celery and Kombu replace their modules while they load, so that looking for them fails."""
    started = settings_with({"BROKER_URL": broker}, tmp_path, before="celery.app, kombu.transport.pyamqp")

    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize("name", refused(SERVICE))
def test_a_bad_value_stops_the_program_with_the_name(name: str, tmp_path: Path) -> None:
    stopped = settings_with({name: entry_of(name).bad_value}, tmp_path)

    assert stopped.returncode == 1
    assert stopped.stderr.startswith(f"{name}: ")
    assert stopped.stderr.count("\n") == 1


@pytest.mark.parametrize("name", refused(COMMAND))
def test_a_bad_value_ends_the_command_with_64(name: str) -> None:
    good = {one: entry_of(one).example for one in ("ASSAY_URL", "ASSAY_TOKEN")}

    ended = subprocess.run(
        [sys.executable, "-m", "assay_cli", "login-check"],
        cwd=project.ROOT / "cli",
        env=good | {name: entry_of(name).bad_value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (64, "")


def test_every_way_to_read_a_variable_is_seen() -> None:
    module = """
import os
from governance import environment
NAMES = ("IN_A_LOOP", "IN_A_LOOP_TOO")
environment.number("BY_READER", 1_000, minimum=1, maximum=9)
environment.secret("KEY", path)
os.environ["BY_KEY"]; os.environ["WRITTEN"] = ""; os.getenv("BY_GETENV"); "ASKED" in os.environ
[os.environ.get(name) for name in NAMES]
service.environment.get("FROM_A_COPY")
"""

    found = {reading.name: (reading.default, reading.bounds) for reading in variables.in_python(module, "module.py")}

    assert found == {"BY_READER": ("1000", (1, 9))} | dict.fromkeys(
        ("KEY", "KEY_FILE", "BY_KEY", "BY_GETENV", "ASKED", "IN_A_LOOP", "IN_A_LOOP_TOO", "FROM_A_COPY"), (None, ())
    )
    assert [one.name for one in variables.in_shell('cd "${HERE:-.}" && echo $name $@', "x")] == ["HERE"]


@pytest.mark.parametrize("line", ["os.environ.get(name)", "from os import environ", "os.environ[prefix + 'X']"])
def test_a_name_that_cannot_be_seen_is_an_error(line: str) -> None:
    with pytest.raises(Unseen, match=r"module\.py:1"):
        list(variables.in_python(line, "module.py"))
