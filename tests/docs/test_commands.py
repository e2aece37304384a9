"""Every command that a document names exists, with the options shown."""

import argparse
import os
import re
import tomllib
from pathlib import Path

import pytest
from assay_cli.__main__ import parser as assay_parser
from django.core.management import get_commands, load_command_class

from tests import project
from tests.docs import documents

SCRIPT = re.compile(r"\bscript/([a-z_-]+)\b(?!/)")
MANAGE = re.compile(r"\bmanage\.py ([a-z_]+)([^\n#]*)")
ASSAY = re.compile(r"(?:^|[\s/])assay ([a-z][a-z-]*)([^\n#]*)", re.MULTILINE)
OPTION = re.compile(r"(?<!\S)\[?(--[a-z][a-z-]*)")


def code(page: Path) -> list[str]:
    """What a page shows as code, in its lines or in blocks."""
    text = page.read_text(encoding="utf-8")
    return documents.CODE.findall(documents.without_blocks(text)) + documents.blocks(text)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """The options of a command, with those of commands below it."""
    below = [
        one
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for one in action.choices.values()
    ]
    return {option for action in parser._actions for option in action.option_strings}.union(*map(options, below))


def options_of_manage(command: str) -> set[str]:
    home = get_commands()[command]
    made = load_command_class(home, command) if isinstance(home, str) else home
    return options(made.create_parser("manage.py", command))


def commands_of_assay() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (one for one in assay_parser()._actions if isinstance(one, argparse._SubParsersAction))
    found: dict[str, argparse.ArgumentParser] = commands.choices
    return found


@pytest.mark.parametrize("page", documents.pages(), ids=project.name)
def test_what_a_page_tells_people_to_run_is_there(page: Path) -> None:
    shown = "\n".join(code(page))
    assay = commands_of_assay()

    wrong = [f"script/{name}" for name in SCRIPT.findall(shown) if not is_program(project.ROOT / "script" / name)]
    for name, rest in MANAGE.findall(shown):
        if name not in get_commands():
            wrong.append(f"manage.py {name}")
        else:
            wrong += [f"manage.py {name} {one}" for one in set(OPTION.findall(rest)) - options_of_manage(name)]
    for name, rest in ASSAY.findall(shown):
        if name not in assay:
            wrong.append(f"assay {name}")
        else:
            wrong += [f"assay {name} {one}" for one in set(OPTION.findall(rest)) - options(assay[name])]

    assert wrong == []


def is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def test_every_command_of_ours_is_told_somewhere() -> None:
    shown = "\n".join(part for page in documents.pages() for part in code(page))
    scripts = {path.name for path in (project.ROOT / "script").iterdir() if path.is_file()}
    ours = {name for name, home in get_commands().items() if home in {"governance", "lineage", "policies"}}

    assert sorted(scripts - set(SCRIPT.findall(shown))) == []
    assert sorted(ours - {name for name, _ in MANAGE.findall(shown)}) == []
    assert sorted(commands_of_assay().keys() - {name for name, _ in ASSAY.findall(shown)}) == []


def test_the_options_of_gate_and_policy_are_all_explained() -> None:
    (page,) = [page for page in documents.pages() if page.name == "cli.md"]
    explained = set(re.findall(r"--[a-z][a-z-]*", page.read_text(encoding="utf-8")))
    given = options(commands_of_assay()["gate"]) | options(commands_of_assay()["policy"])

    assert sorted(given - explained - {"-h", "--help"}) == []
    assert sorted(explained - given) == []


def test_contributing_tells_every_mark() -> None:
    settings = tomllib.loads((project.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    marks = {line.partition(":")[0] for line in settings["tool"]["pytest"]["ini_options"]["markers"]}
    text = (project.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Marks of slow tests\n")[2].partition("\n## ")[0]

    assert {word for word in documents.CODE.findall(section) if word.isalpha()} == marks
